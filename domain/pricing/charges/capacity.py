"""Capacity: so much for each kVA installed, or each kW agreed, used or not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from domain.kit import added, value
from domain.pricing.charges.kit import (
    BillSegment,
    Code,
    NotAgreed,
    Per,
    Share,
    UnroundedLine,
)
from domain.pricing.charges.rates import Rate, Rung, looked_up, rungs_of
from domain.pricing.exact import ONE, Number
from domain.pricing.usage import Agreed
from domain.values import Text


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
    unused: Share = ONE
    schedule: Annotated[
        Text | None,
        added(None, "A schedule, for each of whose periods a contract is agreed.", "P"),
    ] = None

    def __post_init__(self) -> None:
        if self.schedule is not None and self.of != "contract":
            raise ValueError("capacity is installed for all hours: a schedule is of `contract`")

    def lines(self, part: BillSegment) -> Iterator[UnroundedLine]:
        """A line for each stretch with one capacity, in each season."""
        for season, stretch in part.by_season(any(rate.season for rate in self.rates)):
            for period in stretch.schedules[self.schedule].periods if self.schedule else ("",):
                yield from self._of_period(stretch, season, period)

    def _of_period(
        self, part: BillSegment, season: str, period: str
    ) -> Iterator[UnroundedLine]:
        held = part.measured.held(self.of, part.period, period)
        if not held:
            raise NotAgreed(charge=self.code, since=part.period.since)
        rungs = list(rungs_of(looked_up(self.rates, season, period).ladder))
        for days, kva in held:
            for rung in rungs:
                yield self._line(part.within(days.since, days.until), period, kva, rung)

    def _line(self, part: BillSegment, period: str, kva: Number, rung: Rung) -> UnroundedLine:
        quantity = rung.part_of(kva)
        price = part.unless_unused(rung.price, self.unused)
        return UnroundedLine(
            self.code,
            self.kind,
            quantity,
            "kVA" if self.of == "capacity" else "kW",
            price,
            part.times(quantity * price, self.per),
            part.period.since,
            part.period.until,
            period,
            rung.tier,
        )
