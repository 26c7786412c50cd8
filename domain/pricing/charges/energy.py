"""Energy: so much a kWh, by blocks, by season, by time-of-use period, or by all at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field

from domain.kit import value
from domain.pricing.calendars import MonthDay
from domain.pricing.charges.kit import BillSegment, Code, Per, UnroundedLine
from domain.pricing.charges.memory import forget, keep, recalled
from domain.pricing.charges.net import Net, netted
from domain.pricing.charges.rates import Rate, Rung, bands_of, looked_up
from domain.pricing.charges.usage import Peak
from domain.pricing.exact import ONE, ZERO, Number, larger, total
from domain.values import Price, Text

Allowance: TypeAlias = Per | Literal["kw", "kw-day", "year-to-date", "season-to-date"]
"""For what the limits of blocks are: the units of a price; kWh for each kW of highest demand
(and day); or a ladder that goes on from bill to bill until the year, or the season, is over."""

Pooling: TypeAlias = Literal["each-period", "pro-rata", "in-time-order"]
"""Blocks with time-of-use: a ladder for each period; one ladder, filled by all and shared in
proportion to their kWh; one ladder, filled in the order in which the kWh flowed (limits then
are whole Wh)."""

WATT_HOUR = Decimal("0.001")


@value
class Household:
    """A larger household has longer blocks: every limit moves by `extra` from `persons` on."""

    persons: Annotated[int, Field(ge=2)]
    extra: Price


@value
class Energy:
    """A price for each kWh taken from the network."""

    kind: Literal["energy"] = "energy"
    ledger_class: ClassVar[str] = "energy"
    code: Code
    title: str = ""
    rates: tuple[Rate, ...]
    schedule: Text | None = None
    blocks_per: Allowance = "month"
    pooling: Pooling = "each-period"
    steps: Literal["bands", "increments"] = "bands"
    household: Household | None = None
    year_begins: MonthDay = "01-01"
    net: Net | None = None
    minutes: Annotated[int, Field(ge=1, le=1440)] | None = None  # of the demand of `kw` blocks
    longer_intervals: Literal["refused", "taken"] = "refused"
    chooses: ClassVar[bool] = True  # a ladder by total use

    def __post_init__(self) -> None:
        by_use = any(rate.by_use for rate in self.rates)
        if by_use and (self.to_date or self.pooling == "in-time-order"):
            raise ValueError("a ladder is chosen by the use of one bill, in no order of time")

    def lines(self, part: BillSegment) -> Iterator[UnroundedLine]:
        """A line for each period and block in which there was energy."""
        for season, stretch in part.by_season(self._seasonal):
            for began, piece in self._until_reset(stretch):
                yield from self._ladders(piece, season, began)

    @property
    def to_date(self) -> bool:
        """Whether blocks go on from bill to bill."""
        return self.blocks_per in ("year-to-date", "season-to-date")

    @property
    def looks_back(self) -> bool:
        """Whether a bill depends on the bills before it."""
        return self.to_date or (self.net is not None and self.net.surplus == "kept")

    @property
    def _seasonal(self) -> bool:
        return self.blocks_per == "season-to-date" or any(rate.season for rate in self.rates)

    def _until_reset(self, part: BillSegment) -> Iterator[tuple[date, BillSegment]]:
        """The part cut where its ladders start anew, with the day on which they started."""
        match self.blocks_per:
            case "year-to-date":
                yield from part.by_year(self.year_begins)
            case "season-to-date" if len(part.calendar.seasons) < 2:  # the year is the season
                yield from part.by_year(self.year_begins)
            case "season-to-date":
                yield part.season_began(), part
            case _:
                yield part.period.since, part

    def _ladders(self, part: BillSegment, season: str, began: date) -> Iterator[UnroundedLine]:
        kwh, surplus = netted(self.net, self.code, part, self.schedule)
        ladders = {
            period: list(self._rungs(looked_up(self.rates, season, period), part, kwh))
            for period in kwh | surplus
        }
        for period, tier, quantity in self._filled(part, kwh, ladders, began):
            rung = ladders[period][tier]
            yield self._line(part, period, rung, quantity)
        for period, given in surplus.items():
            for rung in ladders[period]:
                yield self._line(part, period, rung, -rung.part_of(given))

    def _filled(
        self,
        part: BillSegment,
        kwh: Mapping[str, Number],
        ladders: Mapping[str, list[Rung]],
        began: date,
    ) -> Iterator[tuple[str, int, Number]]:
        """How much of each period's kWh is in each of its blocks."""
        if self.pooling == "in-time-order" and not (self.net and self.net.over == "month"):
            yield from self._in_order(part, ladders, began)
            return
        everything = total(kwh.values())
        pooled = self.pooling != "each-period"  # what is left of a month has no order
        before = self._before(part, began, "", everything) if pooled else ZERO
        for period, used in kwh.items():
            rungs = ladders[period]
            if not pooled:
                before = self._before(part, began, period, used)
            for tier, rung in enumerate(rungs):
                if pooled and len(rungs) > 1 and not rung.chosen_whole:
                    share = rung.part_of(everything, before) * used
                    yield period, tier, share / larger(everything, WATT_HOUR)
                else:
                    yield period, tier, rung.part_of(used, before)

    def _in_order(
        self, part: BillSegment, ladders: Mapping[str, list[Rung]], began: date
    ) -> Iterator[tuple[str, int, Number]]:
        limits = {
            period: [*(rung.above for rung in rungs[1:]), None]
            for period, rungs in ladders.items()
        }
        over = self.net.over if self.net and self.net.over != "month" else None
        before = self._before(part, began, "", ZERO)
        filled = part.in_time_order(self.schedule, limits, before, over)
        self._before(part, began, "", total(filled.values()))
        for (period, tier), quantity in filled.items():
            if self.steps == "increments":  # an increment is paid by all that is above it
                above = (filled[period, n] for n in range(tier, len(ladders[period])))
                quantity = total(above)
            yield period, tier, quantity

    def _before(self, part: BillSegment, began: date, period: str, used: Number) -> Number:
        """How far up the ladder earlier bills had come; remembers how far this one comes."""
        if not self.to_date:
            return ZERO
        before = recalled(part, "block", self.code, period, began)
        keep(part, "block", self.code, period, began, before + used)
        forget(part, "block", self.code, began)
        return before

    def _rungs(
        self, rate: Rate, part: BillSegment, kwh: Mapping[str, Number]
    ) -> Iterator[Rung]:
        choices, number = rate.choices, 0
        many = sum(len(ladder) for _, ladder in choices) > 1
        for chosen, (_, ladder) in zip(self._chosen(rate, part, kwh), choices, strict=True):
            above: Number = ZERO
            below = ZERO  # the price of the block before
            for block in ladder:
                upto = None if block.upto is None else self._limit(block.upto, part)
                number += many
                if self.steps == "bands":
                    yield Rung(number, above, upto, block.price, chosen)
                else:
                    yield Rung(number, above, None, block.price - below, chosen)
                    below = block.price
                above = upto

    def _chosen(
        self, rate: Rate, part: BillSegment, kwh: Mapping[str, Number]
    ) -> Iterator[Number]:
        """For each ladder of a rate one, or zero where use chooses another."""
        if not rate.by_use:
            yield ONE
            return
        if self.net and self.net.over == "month":  # what these days have left to be paid
            whole, use = part, total(kwh.values())
        else:
            over = self.net.over if self.net and self.net.over != "month" else None
            whole, use = part.whole_bill, total(part.whole_bill.kwh(over=over).values())
        limits = (one.upto for one in rate.by_use)
        ends = [None if upto is None else self._limit(upto, whole) for upto in limits]
        yield from (band.has(use) for band in bands_of(ends))

    def _limit(self, upto: Price, part: BillSegment) -> Number:
        """The limit of a block for these days and this household."""
        limit: Number = upto
        if self.household and part.measured.persons >= self.household.persons:
            limit = limit + self.household.extra
        match self.blocks_per:
            case "year-to-date" | "season-to-date":
                return limit
            case "kw":
                return part.times(limit, "period") * self._highest_kw(part)
            case "kw-day":
                return part.times(limit, "day") * self._highest_kw(part)
            case per:
                return part.times(limit, per)

    def _highest_kw(self, part: BillSegment) -> Number:
        asked = Peak(minutes=self.minutes, longer=self.longer_intervals)
        return part.highest_kw(asked, self._seasonal)

    def _line(
        self, part: BillSegment, period: str, rung: Rung, quantity: Number
    ) -> UnroundedLine:
        days = part.period
        return UnroundedLine(
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
