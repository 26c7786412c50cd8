"""Tables: followed, grown and swapped.  They know no noun."""
