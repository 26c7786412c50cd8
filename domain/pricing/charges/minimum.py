"""Minimum: what the lines said before it must come to at least."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from domain.kit import value
from domain.pricing.calendars import Month
from domain.pricing.charges.kit import BillSegment, Code, Per, UnroundedLine, unit_of
from domain.pricing.charges.memory import keep, recalled
from domain.pricing.charges.net import BANK, settles
from domain.pricing.exact import ZERO, Number, larger
from domain.values import Price


@value
class Minimum:
    """
    Raises the sum of the lines in `of` (all, if empty; less `but`) to `price` per `per`.

    With `settles`, the sums of the bills of a year are compared, in the bill of that month.
    """

    kind: Literal["minimum"] = "minimum"
    ledger_class: ClassVar[str] = "minimum"
    code: Code
    title: str = ""
    price: Price
    per: Per = "month"
    of: tuple[Code, ...] = ()
    but: tuple[Code, ...] = ()
    settles: Month | None = None

    @property
    def looks_back(self) -> bool:
        """Whether a bill depends on the bills before it."""
        return self.settles is not None

    def lines(self, part: BillSegment) -> Iterator[UnroundedLine]:
        """One line: what is missing from the minimum of these days."""
        owed, base = part.times(self.price, self.per), part.base(self.of, self.but)
        if self.settles is not None:
            owed, base = self._to_date(part, "owed", owed), self._to_date(part, "billed", base)
            if not settles(self.settles, part):
                return
        yield UnroundedLine(
            self.code,
            self.kind,
            part.count(self.per),
            unit_of(self.per),
            self.price,
            larger(owed - base, ZERO),
            part.period.since,
            part.period.until,
        )

    def _to_date(
        self, part: BillSegment, what: Literal["owed", "billed"], amount: Number
    ) -> Number:
        """With what earlier bills of the year handed on; handed on until settled."""
        summed = recalled(part, "billed", self.code, what, BANK) + amount
        paid = settles(self.settles, part)
        keep(part, "billed", self.code, what, BANK, ZERO if paid else summed)
        return summed
