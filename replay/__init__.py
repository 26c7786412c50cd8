"""History and what can be done with it: append, follow, stand in the past, verify, rebuild, embed Postgres."""
