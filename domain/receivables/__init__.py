"""Receivables: payments taken and returned."""
