"""Readings: interval days, judged and revised."""
