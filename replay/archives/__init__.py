"""Archives: history as sealed files, and back.  They know no noun."""
