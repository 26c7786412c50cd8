"""The store: the append-only record of facts, its writers and readers.  It knows no noun."""
