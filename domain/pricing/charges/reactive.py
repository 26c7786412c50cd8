"""Reactive energy: so much for each kvarh beyond a share of the kWh."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from domain.kit import value
from domain.pricing.charges.kit import BillSegment, Code, UnroundedLine
from domain.pricing.exact import ZERO, larger, total
from domain.values import Price


@value
class Reactive:
    """A price for each kvarh above `free` times the kWh (0.5 is half of them)."""

    kind: Literal["reactive"] = "reactive"
    ledger_class: ClassVar[str] = "reactive"
    code: Code
    title: str = ""
    price: Price
    free: Price = ZERO

    def lines(self, part: BillSegment) -> Iterator[UnroundedLine]:
        """One line over what is not free."""
        kwh = total(part.kwh("import").values())
        kvarh = total(part.kwh("reactive").values())
        beyond = larger(kvarh - kwh * self.free, ZERO)
        days, amount = part.period, beyond * self.price
        yield UnroundedLine(
            self.code, self.kind, beyond, "kvarh", self.price, amount, days.since, days.until
        )
