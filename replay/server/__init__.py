"""The Postgres of our own in the data folder.  It knows no noun."""
