"""Energy: so much a kWh, by blocks, by season, by time-of-use period, or by all at once."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Literal, TypeAlias

from domain.charges.kit import Code, Draft, Part, Per
from domain.charges.rates import Rate, Rung, rate_of
from domain.exact import ZERO, Number, larger, total
from domain.kit import value
from domain.values import Text

Pooling: TypeAlias = Literal["each-period", "pro-rata"]
"""Blocks with time-of-use: a ladder for each period; one ladder, filled by all and shared in
proportion to their kWh."""

WATT_HOUR = Decimal("0.001")


@value
class Energy:
    """A price for each kWh taken (or given, on the channel `export`)."""

    kind: Literal["energy"] = "energy"
    code: Code
    rates: tuple[Rate, ...]
    schedule: Text | None = None
    blocks_per: Per = "month"
    pooling: Pooling = "each-period"

    def lines(self, part: Part) -> Iterator[Draft]:
        """A line for each period and block in which there was energy."""
        for season, stretch in part.by_season(any(rate.season for rate in self.rates)):
            yield from self._ladders(stretch, season)

    def _ladders(self, part: Part, season: str) -> Iterator[Draft]:
        kwh = part.kwh("import", self.schedule)
        everything = total(kwh.values())
        for period, used in kwh.items():
            rungs = list(self._rungs(rate_of(self.rates, season, period), part))
            for rung in rungs:
                if self.pooling == "pro-rata" and len(rungs) > 1:
                    quantity = rung.part_of(everything) * used / larger(everything, WATT_HOUR)
                else:
                    quantity = rung.part_of(used)
                yield self._line(part, period, rung, quantity)

    def _rungs(self, rate: Rate, part: Part) -> Iterator[Rung]:
        ladder = rate.ladder
        above: Number = ZERO
        for tier, block in enumerate(ladder, 1):
            upto = None if block.upto is None else part.times(block.upto, self.blocks_per)
            yield Rung(tier if len(ladder) > 1 else 0, above, upto, block.price)
            above = upto

    def _line(self, part: Part, period: str, rung: Rung, quantity: Number) -> Draft:
        days = part.period
        return Draft(
            self.code,
            self.kind,
            quantity,
            "kWh",
            rung.price,
            quantity * rung.price,
            days.since,
            days.until,
            period,
            rung.tier,
        )
