"""What follows from what: policies answer facts with commands, and days begin."""
