"""Customers: whom we deal with, their accounts, and what they owe."""
