"""
The chart of accounts: what each code is, and to which one a class of money is posted.

A charge names its *ledger class* (domain/pricing/charges); a class has one code here.  Nothing
falls into "other" but what rounding leaves.
"""

from __future__ import annotations

BANK, RECEIVABLE, CREDIT_HELD, CREDIT_CARRIED, TAX = "1000", "1200", "2100", "2120", "2200"

CLASSES = {
    "standing": "4100",
    "energy": "4200",
    "demand": "4300",
    "capacity": "4310",
    "reactive": "4400",
    "minimum": "4500",
    "rider": "4600",
    "export": "4700",
    "rounding": "4900",
    "credit": CREDIT_CARRIED,
    "tax": TAX,
    "goodwill": "5200",
}
"""Ledger class -> the code of the account that it is posted to."""

CHART = {
    BANK: "Bank and cash",
    RECEIVABLE: "Customers: receivable",
    CREDIT_HELD: "Customers: credit held",
    CREDIT_CARRIED: "Customers: credit carried to later bills",
    TAX: "Taxes payable",
    "4100": "Revenue: standing charges",
    "4200": "Revenue: energy",
    "4300": "Revenue: demand",
    "4310": "Revenue: capacity",
    "4400": "Revenue: reactive energy and power factor",
    "4500": "Revenue: minimum charges",
    "4600": "Revenue: riders",
    "4700": "Energy bought from customers",
    "4900": "Revenue: rounding and other",
    "5200": "Goodwill to customers",
}
"""Code -> name."""
