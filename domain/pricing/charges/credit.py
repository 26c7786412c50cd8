"""Credit: a bill that would pay the customer pays a later bill instead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from domain.kit import value
from domain.pricing.calendars import Month
from domain.pricing.charges.kit import BillSegment, Code, UnroundedLine
from domain.pricing.charges.memory import keep, recalled
from domain.pricing.charges.net import BANK, settles
from domain.pricing.exact import ONE, ZERO, larger, smaller


@value
class Credit:
    """
    Keeps in money what the lines in `of` (all, if empty) fall below zero.

    Later bills use it, as far as their lines in `against` go (all, if empty).  `settles`:
    the bill of this month keeps nothing, it pays out.
    """

    kind: Literal["credit"] = "credit"
    ledger_class: ClassVar[str] = "credit"
    code: Code
    title: str = ""
    of: tuple[Code, ...] = ()
    against: tuple[Code, ...] = ()
    settles: Month | None = None
    looks_back: ClassVar[bool] = True

    def lines(self, part: BillSegment) -> Iterator[UnroundedLine]:
        """One line: what is set aside (above zero), or taken from what was (below)."""
        before = recalled(part, "credit", self.code, "", BANK)
        paid_out = settles(self.settles, part)
        used = before if paid_out else smaller(before, larger(part.base(self.against), ZERO))
        aside = ZERO if paid_out else larger(-part.base(self.of), ZERO)
        keep(part, "credit", self.code, "", BANK, before - used + aside)
        days, amount = part.period, aside - used
        yield UnroundedLine(
            self.code, self.kind, amount, "", ONE, amount, days.since, days.until
        )
