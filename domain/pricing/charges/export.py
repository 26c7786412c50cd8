"""Export: what is paid for each kWh given to the network, and for a surplus once settled."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import ClassVar, Literal

from domain.kit import value
from domain.pricing.calendars import Month
from domain.pricing.charges.kit import BillSegment, Code, Per, UnroundedLine
from domain.pricing.charges.memory import keep
from domain.pricing.charges.net import BANK, balanced, settles, surplus_to_date
from domain.pricing.charges.rates import Rate, Rung, looked_up, rungs_of
from domain.pricing.exact import ZERO, Number, larger
from domain.values import Price, Text


@value
class Export:
    """A credit for each kWh given; if so said, net of what was taken within that time."""

    kind: Literal["export"] = "export"
    ledger_class: ClassVar[str] = "export"
    code: Code
    title: str = ""
    rates: tuple[Rate, ...]
    schedule: Text | None = None
    over: Literal["interval", "hour", "month"] | None = None
    blocks_per: Per = "month"

    def lines(self, part: BillSegment) -> Iterator[UnroundedLine]:
        """A line for each period; the amount is a credit, so below zero."""
        for season, stretch in part.by_season(any(rate.season for rate in self.rates)):
            for period, kwh in self._given(stretch).items():
                ladder = looked_up(self.rates, season, period).ladder
                for rung in rungs_of(ladder, partial(stretch.times, per=self.blocks_per)):
                    yield self._line(stretch, period, rung, rung.part_of(kwh))

    def _line(self, part: BillSegment, period: str, rung: Rung, kwh: Number) -> UnroundedLine:
        return UnroundedLine(
            self.code,
            self.kind,
            kwh,
            "kWh",
            rung.price,
            -(kwh * rung.price),
            part.period.since,
            part.period.until,
            period,
            rung.tier,
        )

    def _given(self, part: BillSegment) -> dict[str, Number]:
        if self.over != "month":
            return part.kwh("export", self.schedule, self.over)
        balance = balanced(part, self.schedule)
        return {period: larger(-kwh, ZERO) for period, kwh in balance.items()}


@value
class Surplus:
    """Pays out, in the month that `settles`, what was given beyond what was taken till then."""

    kind: Literal["surplus"] = "surplus"
    ledger_class: ClassVar[str] = "export"
    code: Code
    title: str = ""
    price: Price
    settles: Month = 12
    looks_back: ClassVar[bool] = True

    def lines(self, part: BillSegment) -> Iterator[UnroundedLine]:
        """One line in that month, a credit; none in others."""
        kwh = surplus_to_date(part, self.code)
        paid = settles(self.settles, part)
        keep(part, "bank", self.code, "", BANK, ZERO if paid else kwh)
        if paid:
            days, amount = part.period, -(kwh * self.price)
            yield UnroundedLine(
                self.code, self.kind, kwh, "kWh", self.price, amount, days.since, days.until
            )
