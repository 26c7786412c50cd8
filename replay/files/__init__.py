"""Files: parsers that turn bytes into values."""
