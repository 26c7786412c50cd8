"""What a utility does: events, decisions, folds, rating, posting rules.  No database, no clock, no web."""
