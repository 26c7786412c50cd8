"""Organisation: the utility itself, and later its units, people and duties."""
