"""Demand: so much for the highest kW (or kVA) of a month, by blocks, season and period."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from functools import reduce
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from domain.kit import added, value
from domain.pricing.calendars import Month
from domain.pricing.charges.contract import Contract
from domain.pricing.charges.kit import (
    BillSegment,
    Code,
    DemandMissing,
    Per,
    Share,
    UnroundedLine,
)
from domain.pricing.charges.memory import forget, keep, month_number, recalled
from domain.pricing.charges.rates import Rate, Tier, looked_up, rungs_of
from domain.pricing.charges.usage import Peak
from domain.pricing.exact import ONE, ZERO, Number, exceeds, larger, to_step, total
from domain.values import Mode, Period, Price, Step, Text


@value
class Ratchet:
    """
    Billed demand is at least a share of the highest demand of earlier bills.

    `share` 0.8 is 80 %.  `months` back from the month of the bill, which is that of its
    fifteenth day; of its own days nothing counts as earlier.  `own`:
    the bill's own demand counts too (if not, the share of the past is billed, wherever
    there is a past). `of_months`: only demands of these months are remembered.  `over`:
    the past of the same time-of-use period, or the highest of all hours.
    """

    share: Price
    months: Annotated[int, Field(ge=1, le=60)] = 11
    own: bool = True
    of_months: tuple[Month, ...] = ()
    over: Literal["period", "all"] = "all"


@value
class LoadDiscount:
    """The price is multiplied by `factor` from so many kWh for each kVA of capacity on."""

    from_kwh_per_kva: Price
    factor: Price


@value
class Demand:
    """A price for each kW of the highest demand."""

    kind: Literal["demand"] = "demand"
    ledger_class: ClassVar[str] = "demand"
    code: Code
    title: str = ""
    rates: tuple[Rate, ...]
    schedule: Text | None = None
    unit: Literal["kW", "kVA"] = "kW"
    minutes: Annotated[int, Field(ge=1, le=1440)] | None = None
    longer_intervals: Literal["refused", "taken"] = "refused"
    per: Per = "month"
    step: Step | None = None
    mode: Mode = "half-up"
    at_least: Price = ZERO
    ratchet: Ratchet | None = None
    contract: Contract | None = None
    discount: LoadDiscount | None = None
    unused: Share = ONE

    each: Annotated[
        Literal["bill", "day"],
        added(
            "bill",
            "Whether the highest demand of the bill is priced, or that of each day, `per` day.",
            "day",
        ),
    ] = "bill"

    def __post_init__(self) -> None:
        if self.each == "day" and (self.per != "day" or self.ratchet or self.contract):
            raise ValueError("demand of each day is priced per day, by no ratchet or contract")

    def lines(self, part: BillSegment) -> Iterator[UnroundedLine]:
        """A line for each period and block in which there was demand."""
        seasonal = any(rate.season for rate in self.rates)
        for season, stretch in part.by_season(seasonal):
            if self.each == "day":
                yield from self._by_days(stretch, season)
                continue
            for supply in stretch.by_supply() if self.contract else (stretch,):
                yield from self._of_supply(supply, season, by_season=stretch is not part)

    def _of_supply(
        self, part: BillSegment, season: str, by_season: bool
    ) -> Iterator[UnroundedLine]:
        asked = Peak(self.unit, self.minutes, self.longer_intervals)
        peaks = part.kw(asked, self.schedule, by_season)
        if not peaks:
            raise DemandMissing(charge=self.code, since=part.period.since)
        if self.contract and self.schedule:  # a contract for hours that did not occur
            agreed = part.measured.agreed_periods("contract", part.period)
            for period in part.schedules[self.schedule].periods:
                if period in agreed:
                    peaks.setdefault(period, ZERO)
        for period, kw in self._billed(part, peaks).items():
            ladder = looked_up(self.rates, season, period).ladder
            if self.contract:
                yield from self._by_contract(part, period, kw, ladder)
            else:
                yield from self._by_blocks(part, period, kw, ladder)

    def _by_days(self, part: BillSegment, season: str) -> Iterator[UnroundedLine]:
        """A line for each period and block: the highest demands of the days, added up."""
        asked = Peak(self.unit, self.minutes, self.longer_intervals, by_day=True)
        table = part.schedules[self.schedule] if self.schedule else None
        every: dict[str, list[Number]] = {}
        for day in part.period:
            one = Period(since=day, until=day + timedelta(days=1))
            peaks = part.measured.peaks(one, asked, table, part.calendar)
            if not peaks:
                raise DemandMissing(charge=self.code, since=day)
            for period, kw in self._billed(part, peaks).items():
                every.setdefault(period, []).append(kw)
        for period, days in every.items():
            for rung in rungs_of(looked_up(self.rates, season, period).ladder):
                kw = total(rung.part_of(each) for each in days)
                price = self._price(part, rung.price)
                yield UnroundedLine(
                    self.code,
                    self.kind,
                    kw,
                    f"{self.unit}-day",
                    price,
                    kw * price,
                    part.period.since,
                    part.period.until,
                    period,
                    rung.tier,
                )

    @property
    def looks_back(self) -> bool:
        """Whether a bill depends on the bills before it."""
        return self.ratchet is not None

    def _billed(self, part: BillSegment, peaks: dict[str, Number]) -> dict[str, Number]:
        """Demand as it is billed: rounded, at least the ratchet's, at least the least."""
        if self.step is not None:
            step = self.step
            peaks = {period: to_step(kw, self.mode, step) for period, kw in peaks.items()}
        billed = peaks
        if self.ratchet:
            highest = reduce(larger, peaks.values())
            past = {"": self._past(part, "", highest)}
            if self.ratchet.over == "period":
                past = {period: self._past(part, period, kw) for period, kw in peaks.items()}
            billed = {
                period: self._ratcheted(kw, past.get(period, past.get("")))
                for period, kw in peaks.items()
            }
        if self.at_least:
            billed = {period: larger(kw, self.at_least) for period, kw in billed.items()}
        return billed

    def _ratcheted(self, kw: Number, past: Number | None) -> Number:
        assert self.ratchet is not None
        if past is None:
            return kw
        held = past * self.ratchet.share
        return larger(kw, held) if self.ratchet.own else held

    def _past(self, part: BillSegment, period: str, kw: Number) -> Number | None:
        """The highest demand of the months before; remembers this month's for those after."""
        assert self.ratchet is not None
        bill, code = part.bill.since, self._remembered_as(part)
        memory = sorted(
            since
            for what, whose, of, since in part.memory
            if (what, whose, of) == ("peak", code, period)
        )
        past = [
            recalled(part, "peak", code, period, since)
            for since in memory
            if since < bill and month_number(bill) - month_number(since) <= self.ratchet.months
        ]
        self._remember(part, period, kw)
        return reduce(larger, past) if past else None

    def _remember(self, part: BillSegment, period: str, kw: Number) -> None:
        assert self.ratchet is not None
        days, bill = part.period, part.bill.since
        middle = days.since + timedelta(days=(days.days - 1) // 2)
        if self.ratchet.of_months and middle.month not in self.ratchet.of_months:
            return
        code = self._remembered_as(part)
        if ("peak", code, period, bill) in part.memory:
            kw = larger(kw, recalled(part, "peak", code, period, bill))
        keep(part, "peak", code, period, bill, kw)
        forget(part, "peak", code, bill - timedelta(days=6 * 366))

    def _remembered_as(self, part: BillSegment) -> str:
        return f"{self.code} {part.measured.supply_line}".rstrip()

    def _by_blocks(
        self, part: BillSegment, period: str, kw: Number, ladder: tuple[Tier, ...]
    ) -> Iterator[UnroundedLine]:
        for rung in rungs_of(ladder):
            price = self._price(part, rung.price)
            yield self._line(part, period, rung.tier, rung.part_of(kw), price)

    def _by_contract(
        self, part: BillSegment, period: str, kw: Number, ladder: tuple[Tier, ...]
    ) -> Iterator[UnroundedLine]:
        """A line for each block of the contract, then for each step of what is beyond it."""
        assert self.contract is not None
        rungs = list(rungs_of(ladder))
        for days, contract in self.contract.agreed(part, period, self.code):
            stretch = part.within(days.since, days.until)
            for one in self.contract.billed(kw, contract, rungs):
                price = self._price(part, one.rung.price)
                if one.factor is not ONE:
                    price = price * one.factor
                yield self._line(stretch, period, one.tier, one.kw, price)

    def _price(self, part: BillSegment, price: Number) -> Number:
        """The price, less the discount for a well used capacity, or what is used not at all."""
        price = part.unless_unused(price, self.unused)
        if self.discount is None:
            return price
        whole = part.whole_bill
        kva_days = total(
            kva * Decimal(days.days)
            for days, kva in part.measured.held("capacity", whole.period)
        )
        enough = kva_days * self.discount.from_kwh_per_kva
        used = total(whole.kwh().values()) * Decimal(whole.period.days)
        short = exceeds(enough, used)
        return price * (self.discount.factor + short * (1 - self.discount.factor))

    def _line(
        self, part: BillSegment, period: str, tier: int, kw: Number, price: Number
    ) -> UnroundedLine:
        days = part.period
        amount = part.times(kw * price, self.per)
        return UnroundedLine(
            self.code,
            self.kind,
            kw,
            self.unit,
            price,
            amount,
            days.since,
            days.until,
            period,
            tier,
        )
