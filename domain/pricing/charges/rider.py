"""Rider: so much a kWh on top, or off: fuel adjustments, funds, surcharges, credits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from domain.kit import value
from domain.pricing.charges.kit import BillSegment, Code, UnroundedLine
from domain.pricing.exact import total
from domain.pricing.usage import Channel
from domain.values import Price


@value
class Rider:
    """`price` for each kWh of a channel, whatever the hour; may be negative."""

    kind: Literal["rider"] = "rider"
    ledger_class: ClassVar[str] = "rider"
    code: Code
    title: str = ""
    price: Price
    channel: Channel = "import"

    def lines(self, part: BillSegment) -> Iterator[UnroundedLine]:
        """One line over all kWh."""
        kwh = total(part.kwh(self.channel).values())
        days = part.period
        unit = "kvarh" if self.channel == "reactive" else "kWh"
        yield UnroundedLine(
            self.code,
            self.kind,
            kwh,
            unit,
            self.price,
            kwh * self.price,
            days.since,
            days.until,
        )
