"""Fixed charge: so much a month, a day, a year, or a bill, whatever is used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from domain.kit import value
from domain.pricing.charges.kit import BillSegment, Code, Per, UnroundedLine
from domain.values import Price


@value
class Fixed:
    """A standing charge, meter rent, service fee: `price` per `per`."""

    kind: Literal["fixed"] = "fixed"
    ledger_class: ClassVar[str] = "standing"
    code: Code
    title: str = ""
    price: Price
    per: Per = "month"

    def lines(self, part: BillSegment) -> Iterator[UnroundedLine]:
        """One line: the price times how many of its units the days are."""
        yield UnroundedLine(
            self.code,
            self.kind,
            part.count(self.per),
            self.per.removesuffix("-of-365"),
            self.price,
            part.times(self.price, self.per),
            part.period.since,
            part.period.until,
        )
