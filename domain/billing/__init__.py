"""Billing: bills, and the notes that correct them."""
