"""A utility to look at: real meters, published tariffs, synthetic households, and one story."""
