"""Pricing: what the utility publishes, and the arithmetic from usage and prices to lines."""
