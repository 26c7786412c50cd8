"""What one bill hands on to the next: kept, recalled, forgotten."""

from __future__ import annotations

from datetime import date, timedelta

from domain.pricing.charges.kit import BillSegment
from domain.pricing.exact import ZERO, Number
from domain.pricing.usage import What


def month_number(since: date) -> int:
    """A bill belongs to the month in which its fifteenth day lies; months are counted."""
    fifteenth = since + timedelta(days=14)
    return fifteenth.year * 12 + fifteenth.month


def keep(
    part: BillSegment, what: What, code: str, period: str, since: date, quantity: Number
) -> None:
    """Hand something on to the next bill, in place of what was handed on before."""
    part.memory[what, code, period, since] = quantity


def forget(part: BillSegment, what: What, code: str, before: date) -> None:
    """Hand on no more of what is older than a day."""
    old = [key for key in part.memory if key[:2] == (what, code) and key[3] < before]
    for key in old:
        del part.memory[key]


def recalled(part: BillSegment, what: What, code: str, period: str, since: date) -> Number:
    """What an earlier bill handed on; zero if nothing."""
    kept = part.memory.get((what, code, period, since), ZERO)
    return part.measured.known(kept, f"{what} carried forward, {code} {period}".rstrip())
