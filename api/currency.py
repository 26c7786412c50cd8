"""
Amounts as text, in the digits of the books that this process serves.

A utility keeps the digits that its currency had when it was founded (utility.established), also
where the norm says otherwise by now.  They never change, so they are read once, at the start.
"""

from __future__ import annotations

from domain import values
from domain.organisation.utility import Utility

KEPT: dict[str, int] = {}


def keep(utility: Utility) -> None:
    """From now on tell amounts as the books of this utility do."""
    if utility.currency:
        KEPT[utility.currency] = utility.minor_digits


def amount_text(minor: int, currency: str) -> str:
    """Minor units as a decimal string: (-1234, "GBP") -> "-12.34"."""
    return values.amount_text(minor, currency, KEPT.get(currency))


def digits(currency: str) -> int:
    """How many decimals the minor unit has in these books."""
    return KEPT.get(currency, values.minor_digits(currency))
