"""Fixed charge: so much a month, a day, a year, or a bill, whatever is used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from domain.kit import value
from domain.pricing.charges.kit import BillSegment, Code, Per, Share, UnroundedLine, unit_of
from domain.pricing.exact import ONE
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
    unused: Share = ONE

    def lines(self, part: BillSegment) -> Iterator[UnroundedLine]:
        """One line: the price times how many of its units the days are."""
        price = part.unless_unused(self.price, self.unused)
        yield UnroundedLine(
            self.code,
            self.kind,
            part.count(self.per),
            unit_of(self.per),
            price,
            part.times(price, self.per),
            part.period.since,
            part.period.until,
        )
