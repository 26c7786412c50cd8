"""Metering: meters, where they are installed, what they count."""
