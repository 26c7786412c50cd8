"""
What every kind of charge is written with: `BillSegment` and `UnroundedLine`.

A charge is a frozen value (what the tariff says) with one method (how it is calculated):

    def lines(self, part: BillSegment) -> Iterator[UnroundedLine]

A segment is some days of a bill under one tariff version.  Whatever a charge may know is
asked of it, so that the same rule gives amounts, explanations and columns of many accounts.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache, reduce
from typing import Annotated, Literal, TypeAlias

from pydantic import StringConstraints

from domain.kit import Refused, added
from domain.pricing.calendars import Calendar, Schedule
from domain.pricing.charges.usage import AS_TOLD, Measured, Peak
from domain.pricing.exact import ZERO, Number, exceeds, larger, total
from domain.pricing.usage import Channel, What
from domain.values import Period, Price, next_month

Code: TypeAlias = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9._ -]{0,58}[A-Za-z0-9])?$")
]
Per: TypeAlias = Literal[
    "period",
    "month",
    "month-of-365",
    "month-of-30",
    "month-by-thirtieths",
    "month-less-thirtieths",
    "day",
    "year",
]
"""For what a price or an allowance is: once a bill; a calendar month, part months by days;
a month taken as 365/12 days, or as 30; a calendar month, of part of which each day is a
thirtieth; a calendar month less a thirtieth for each day that is missing at its end; a day; a
year of 365 or 366 days."""

THIRTIETHS: tuple[Per, ...] = ("month-by-thirtieths", "month-less-thirtieths")
"""Two readings of one rule, which differ in months that have not thirty days."""

Share: TypeAlias = Annotated[
    Price,
    added(
        Decimal(1),
        "What of the price is owed where nothing was used in the whole bill: half is 0.5.",
        "0.5",
        ge=0,
        le=1,
    ),
]

Memory: TypeAlias = MutableMapping[tuple[What, str, str, date], Number]
"""Handed from bill to bill: (what, code, period, since) -> quantity; `pricing.usage.Kept`."""


Rests: TypeAlias = Sequence[tuple[Channel, Period]]
"""What a line rests on: the channels that were asked for it, and for which days."""


class DemandMissing(Refused):
    """The tariff charges for demand, and none was measured."""


class UseNotMeasured(Refused):
    """The tariff charges by how much was used, and no use was measured."""


class NotAgreed(Refused):
    """The tariff charges for contract demand or capacity, and the account has none."""


@dataclass(frozen=True, slots=True)
class UnroundedLine:
    """A line before rounding; `amount` is in major units, exact."""

    code: str
    kind: str
    quantity: Number
    unit: str
    rate: Number
    amount: Number
    since: date
    until: date
    period: str = ""
    tier: int = 0
    title: str = ""
    rests: Rests = ()

    def worth(self, amount: Number) -> UnroundedLine:
        """The same line with another amount."""
        return self.told(amount, self.title, self.rests)

    def told(self, amount: Number, title: str, rests: Rests) -> UnroundedLine:
        """The same line with another amount, what it is called and what it rests on."""
        return UnroundedLine(
            self.code,
            self.kind,
            self.quantity,
            self.unit,
            self.rate,
            amount,
            self.since,
            self.until,
            self.period,
            self.tier,
            title,
            rests,
        )


@dataclass(frozen=True, slots=True)
class BillSegment:
    """Some days of a bill under one tariff version, and what was measured in them."""

    period: Period
    bill: Period  # the whole bill that this is a part of
    calendar: Calendar
    schedules: Mapping[str, Schedule]
    measured: Measured
    memory: Memory
    settled: list[UnroundedLine] = field(default_factory=list)  # of charges said before
    rests: list[tuple[Channel, Period]] = field(default_factory=list)  # of the charge at hand

    def kwh(
        self,
        channel: Channel = "import",
        schedule: str | None = None,
        over: Literal["interval", "hour"] | None = None,
    ) -> dict[str, Number]:
        """Energy by time-of-use period ("" without a schedule), kWh or kvarh."""
        table = self.schedules[schedule] if schedule else None
        self._ask(channel, self.period, over)
        return self.measured.energy(self.period, channel, table, self.calendar, over)

    def use(self) -> Number:
        """All kWh that the whole bill took.  Raises UseNotMeasured."""
        found = self.whole_bill.kwh()
        if not found:
            raise UseNotMeasured(since=self.bill.since, until=self.bill.until)
        return total(found.values())

    def unless_unused(self, price: Number, share: Number) -> Number:
        """A price, of which only a share is owed where the whole bill took nothing."""
        if share == 1:
            return price
        return price * (share + exceeds(self.use(), ZERO) * (1 - share))

    def kw(
        self, asked: Peak = AS_TOLD, schedule: str | None = None, by_season: bool = False
    ) -> dict[str, Number]:
        """
        Highest demand by time-of-use period.

        Of the whole bill, for a tariff version that begins within it begins no new demand;
        `by_season`: of the days of the bill in the season that these days are in.
        """
        table = self.schedules[schedule] if schedule else None
        for _, stretch in self.whole_bill.by_season(by_season):
            if self.period.since in stretch.period:
                self._ask("import", stretch.period)
                if asked.unit == "kVA":
                    self._ask("reactive", stretch.period)
                return self.measured.peaks(stretch.period, asked, table, self.calendar)
        raise AssertionError("the days of a segment are days of its bill")

    def highest_kw(self, asked: Peak = AS_TOLD, by_season: bool = False) -> Number:
        """The highest demand of all hours.  Raises DemandMissing."""
        found = list(self.kw(asked, by_season=by_season).values())
        if not found:
            raise DemandMissing(since=self.period.since, until=self.period.until)
        return reduce(larger, found)

    def in_time_order(
        self,
        schedule: str | None,
        limits: Mapping[str, list[Number]],
        before: Number,
        over: Literal["interval", "hour"] | None = None,
    ) -> dict[tuple[str, int], Number]:
        """KWh by period and block of one ladder that fills as energy flows."""
        table = self.schedules[schedule] if schedule else None
        self._ask("import", self.period, over)
        return self.measured.in_time_order(
            self.period, table, self.calendar, limits, before, over
        )

    def base(self, of: Sequence[str], but: Sequence[str] = ()) -> Number:
        """The sum of the lines said before whose code or kind is in `of` (all, if empty)."""
        summed = [
            line
            for line in self.settled
            if (not of or line.code in of or line.kind in of)
            and not (line.code in but or line.kind in but)
        ]
        for line in summed:
            self.rests.extend(line.rests)
        return total(line.amount for line in summed)

    def _ask(self, channel: Channel, period: Period, over: str | None = None) -> None:
        self.rests.append((channel, period))
        if over is not None:  # net of the other direction
            self.rests.append(("export" if channel == "import" else "import", period))

    def share(self, per: Per) -> Fraction:
        """How many of the units `per` these days are."""
        return share_of(per, self.period.since, self.period.until, self.bill.days)

    def times(self, number: Number, per: Per) -> Number:
        """A number for one unit of `per`, for these days; multiplied first, divided last."""
        share = self.share(per)
        if share == 1:
            return number
        many = self.measured.known(Decimal(share.numerator), f"days, per {per}")
        if share.denominator == 1:
            return number * many
        return number * many / self.measured.known(Decimal(share.denominator), f"of a {per}")

    def count(self, per: Per) -> Decimal:
        """The share as a quantity to print."""
        share = self.share(per)
        return Decimal(share.numerator) / Decimal(share.denominator)

    def within(self, since: date, until: date) -> BillSegment:
        """The days of it from `since` to before `until`."""
        return replace(self, period=Period(since=since, until=until))

    def by_supply(self) -> Iterator[BillSegment]:
        """It for each supply line with an agreement of its own."""
        for measured in self.measured.by_supply():
            yield self if measured is self.measured else replace(self, measured=measured)

    @property
    def whole_bill(self) -> BillSegment:
        """All days of the bill, as this version of the tariff sees them."""
        return self.within(self.bill.since, self.bill.until)

    def by_season(self, matters: bool = True) -> Iterator[tuple[str, BillSegment]]:
        """It cut where the season changes; whole, in the season "", if that is no matter."""
        if not matters or not self.calendar.seasons:
            yield "", self
            return
        first = self.period.since
        season = self.calendar.season(first)
        for day in self.period:
            if (now := self.calendar.season(day)) != season:
                yield season, self.within(first, day)
                first, season = day, now
        yield season, self.within(first, self.period.until)

    def by_year(self, begins: str) -> Iterator[tuple[date, BillSegment]]:
        """It cut where a year of account begins (`begins` as 01-01), with the day it began."""
        first = self.period.since
        start = _year_begins(first.year, begins)
        start = start if start <= first else _year_begins(first.year - 1, begins)
        while first < self.period.until:
            following = _year_begins(start.year + 1, begins)
            until = min(following, self.period.until)
            yield start, self.within(first, until)
            first, start = until, following

    def season_began(self) -> date:
        """The day on which the season of its first day began."""
        first = self.period.since
        season = self.calendar.season(first)
        for _ in range(366):
            if self.calendar.season(yesterday(first)) != season:
                break
            first = yesterday(first)
        return first


@lru_cache(4096)
def share_of(per: Per, since: date, until: date, bill_days: int) -> Fraction:
    """How many of the units `per` the days from `since` to before `until` are."""
    days = (until - since).days
    match per:
        case "day":
            return Fraction(days)
        case "period":
            return Fraction(days, bill_days)
        case "month-of-365":
            return Fraction(days * 12, 365)
        case "month-of-30":
            return Fraction(days, 30)
        case "year":
            every = (since + timedelta(days=n) for n in range(days))
            years = (Fraction(1, 366 if _leap(day.year) else 365) for day in every)
            return sum(years, start=Fraction(0))
        case "month" | "month-by-thirtieths" | "month-less-thirtieths":
            months = (_of_month(per, *part) for part in _months(since, until))
            return sum(months, start=Fraction(0))


def _of_month(per: Per, first: date, days: int, whole: int) -> Fraction:
    """How much of a calendar month of `whole` days the days from `first` on are."""
    if per == "month" or days == whole:
        return Fraction(days, whole)
    if per == "month-less-thirtieths" and first.day == 1:
        return 1 - Fraction(whole - days, 30)
    return Fraction(days, 30)


def unit_of(per: Per) -> str:
    """What a price is for, to print."""
    return "month" if per.startswith("month") else per


def _months(since: date, until: date) -> Iterator[tuple[date, int, int]]:
    while since < until:
        end = min(next_month(since), until)
        yield since, (end - since).days, monthrange(since.year, since.month)[1]
        since = end


def _year_begins(year: int, begins: str) -> date:
    """The day of a year written as 01-01; 29 February is 1 March where there is none."""
    month, day = int(begins[:2]), int(begins[3:])
    if day <= monthrange(year, month)[1]:
        return date(year, month, day)
    return next_month(date(year, month, 1))


def _leap(year: int) -> bool:
    return monthrange(year, 2)[1] == 29


def yesterday(day: date) -> date:
    """The day before."""
    return day - timedelta(days=1)
