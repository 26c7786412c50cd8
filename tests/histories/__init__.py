"""Random histories: everything that can move a bill, late, taken back, in any order."""
