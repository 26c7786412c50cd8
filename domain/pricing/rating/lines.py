"""What rating answers: lines in minor units, their total, and what the next bill must know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from domain.pricing.usage import Carry


@dataclass(frozen=True, slots=True)
class Line:
    """
    One line of a bill.

    `amount` is in minor units; `quantity` × `rate` comes to it unless the
    kind of charge says otherwise (a minimum is what was missing, a tax has its base as
    quantity).
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


@dataclass(frozen=True, slots=True)
class Rated:
    """The lines of a bill; their amounts sum to `total`, always."""

    currency: str
    lines: tuple[Line, ...]
    total: int
    carry: Carry = ()
