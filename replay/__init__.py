"""History and what can be done with it: append, follow, prove, bill, verify, rebuild, seal."""
