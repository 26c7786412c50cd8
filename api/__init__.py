"""The doors: HTTP commands, GraphQL, the feed, the command line. Wiring and translation."""
