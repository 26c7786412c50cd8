"""The language projections are written in, and what keeps their tables."""
