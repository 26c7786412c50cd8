"""Books: the entry, the chart of accounts, and which month is open."""
