"""What rating answers: lines in minor units, their total, and what the next bill must know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from domain.pricing.usage import Carry, Place


@dataclass(frozen=True, slots=True)
class Line:
    """
    One line of a bill.

    `amount` is in minor units; `quantity` × `rate` comes to it unless the
    kind of charge says otherwise (a minimum is what was missing, a tax has its base as
    quantity).  `title` is what the tariff calls the charge; `estimated` says that what was
    measured for it is an estimate in part; energy has a `place` on the consumption statement.
    """

    code: str
    kind: str
    period: str  # the time-of-use period, or ""
    tier: int  # the block, from 1; 0 where there are no blocks
    quantity: Decimal
    unit: str
    rate: Decimal
    amount: int
    since: date
    until: date
    tariff: str
    version: int
    title: str = ""
    estimated: bool = False
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Rated:
    """The lines of a bill; their amounts sum to `total`, always."""

    currency: str
    lines: tuple[Line, ...]
    total: int
    carry: Carry = ()
