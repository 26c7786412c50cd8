"""What a utility does: events, decisions, folds, rating, postings.  No database and no web."""
