"""Capacity: so much for each kVA installed, or each kW agreed, used or not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from domain.kit import value
from domain.pricing.charges.kit import Code, Draft, NotAgreed, Part, Per
from domain.pricing.charges.rates import Rate, looked_up
from domain.pricing.usage import Agreed


@value
class Capacity:
    """A price for each kVA of `capacity` or kW of `contract`; by days where it changes."""

    kind: Literal["capacity"] = "capacity"
    ledger_class: ClassVar[str] = "capacity"
    code: Code
    title: str = ""
    rates: tuple[Rate, ...]
    of: Agreed = "capacity"
    per: Per = "month"

    def lines(self, part: Part) -> Iterator[Draft]:
        """A line for each stretch with one capacity, in each season."""
        for season, stretch in part.by_season(any(rate.season for rate in self.rates)):
            held = part.measured.held(self.of, stretch.period)
            if not held:
                raise NotAgreed(charge=self.code, since=stretch.period.since)
            price = looked_up(self.rates, season, "").ladder[0].price
            for days, kva in held:
                yield Draft(
                    self.code,
                    self.kind,
                    kva,
                    "kVA" if self.of == "capacity" else "kW",
                    price,
                    stretch.within(days.since, days.until).times(kva * price, self.per),
                    days.since,
                    days.until,
                )
