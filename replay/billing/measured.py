"""
What was measured at a point in a period: interval days where there are any, else registers.

Between two readings a register is taken to have run evenly, day by day; where a boundary of the
period falls between them its count is interpolated, and the bill says that it is estimated.  A
tested error of the meter (1 + e counted for each Wh) is taken out of what was counted.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby, pairwise

from domain.billing.refusals import PeriodNotMeasured
from domain.metering.meter import Register
from domain.pricing.usage import Channel, Place, Registered, Remark, Series, Usage
from domain.values import Period, midnight, whole
from projections.kit.table import Tables, Where
from projections.metering import (
    Installation,
    MeterError,
    Multiplier,
    Reading,
    installations,
    meter_errors,
    readings,
    tested,
)
from projections.readings import IntervalDay, interval_days

RIGHT = Decimal(1)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Counted:
    """How the energy of a register was found: (high - low) x multiplier / (1 + error)."""

    meter: str
    register: str
    channel: Channel
    since: date
    until: date
    low: int  # Wh at the start of the first day, turns included
    high: int
    multiplier: int
    error: Decimal
    wh: int
    estimated: bool
    facts: tuple[str, ...]


@dataclass(slots=True)
class Measured:
    """Usage, the facts it was taken from, and what registers counted."""

    usage: Usage
    facts: tuple[str, ...]
    counted: tuple[Counted, ...] = ()

    @property
    def estimated(self) -> bool:
        """Whether any of it is an estimate."""
        return any(remark.what == "estimated" for remark in self.usage.remarks)


@dataclass(slots=True)
class _Collected:
    series: list[Series] = field(default_factory=list)
    registers: list[Registered] = field(default_factory=list)
    facts: dict[str, None] = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)
    counted: list[Counted] = field(default_factory=list)

    def add(self, other: _Collected) -> None:
        """What was collected aside belongs here too."""
        self.series += other.series
        self.registers += other.registers
        self.facts |= other.facts
        self.remarks += other.remarks
        self.counted += other.counted

    def told(self, zone: str) -> Measured:
        """All of it as usage."""
        series, registers = tuple(self.series), tuple(self.registers)
        remarks = tuple(self.remarks)
        usage = Usage(zone=zone, series=series, registers=registers, remarks=remarks)
        return Measured(usage, tuple(self.facts), tuple(self.counted))


def measured(tables: Tables, point: str, period: Period, zone: str, known_at: int) -> Measured:
    """Usage of whole local days.  Raises PeriodNotMeasured with the first day that is not."""
    at_point = Where("point", "=", point)
    installed = tables.find(installations, at_point, order=("since",), known_at=known_at)
    told = tables.find(meter_errors, at_point, order=("position",), known_at=known_at)
    errors = tested(told)
    days = tables.find(
        interval_days,
        at_point,
        Where("day", ">=", period.since),
        Where("day", "<", period.until),
        order=("channel", "day"),
        known_at=known_at,
    )
    found = _Collected()
    covered = period.since
    for installation in installed:
        part = period.meet(installation.since, installation.until)
        if part is None:
            continue
        if part.since > covered:
            break
        here = _Here(tables, installation, part, zone, known_at, errors)
        here.collect([day for day in days if day.day in part], found)
        if part.until < period.until:  # another meter took its place
            found.remarks += here.remarks("exchanged")
        covered = part.until
    if covered < period.until:
        raise PeriodNotMeasured(point=point, day=covered, reason="no meter is installed there")
    return found.told(zone)


@dataclass(frozen=True, slots=True)
class _Here:
    """One installation and the part of the period in which it is installed."""

    tables: Tables
    installation: Installation
    part: Period
    zone: str
    known_at: int
    errors: Sequence[MeterError]

    def right(self, day: date) -> tuple[Decimal, str | None]:
        """By what a count of that day is divided, and the fact that says so: the last word."""
        for error in reversed(self.errors):
            ends = error.until is not None and day >= error.until
            if error.meter == self.installation.meter and day >= error.since and not ends:
                return RIGHT + error.error, error.fact
        return RIGHT, None

    def collect(self, days: Sequence[IntervalDay], found: _Collected) -> None:
        """
        By interval days where they are whole, else by registers.

        A stray interval day where registers are read is no measurement of the part; where
        they are not, what misses of the interval days is said.
        """
        told = [day for day in days if any(wh is not None for wh in day.wh)]
        missing = self._missing(told) if told else None
        if told and missing is None:
            self.intervals(told, found)
            return
        by_register = _Collected()
        try:
            self.registers(by_register)
        except PeriodNotMeasured:
            if missing is not None:
                raise missing from None
            raise
        found.add(by_register)

    def remarks(self, what: Place) -> Iterator[Remark]:
        """The same remark on each channel, over the whole part."""
        for channel in dict.fromkeys(one.channel for one in self.installation.registers):
            yield Remark(what, channel, self.part.since, self.part.until)

    def intervals(self, days: Sequence[IntervalDay], found: _Collected) -> None:
        """One series for each run of days of a channel."""
        found.facts[self.installation.fact] = None
        for _, run in groupby(days, key=lambda day: (day.channel, day.minutes)):
            self._series(list(run), found)

    def _missing(self, days: Sequence[IntervalDay]) -> PeriodNotMeasured | None:
        """What keeps the interval days from being a measurement of the whole part."""
        have = {day.day for day in days if day.channel == "import"}
        for day in self.part:
            if day not in have:
                return PeriodNotMeasured(
                    point=self.installation.point, day=day, reason="no interval values"
                )
        for each in days:
            if None in each.wh:
                return PeriodNotMeasured(
                    point=each.point,
                    day=each.day,
                    reason=f"interval {each.wh.index(None) + 1} of {len(each.wh)} is missing",
                )
        return None

    def multiplier(self, day: date) -> Multiplier:
        """By what a count of that day is multiplied, and the fact that says so."""
        told = self.installation.multipliers
        return next(each for each in reversed(told) if each.since <= day)

    def _series(self, run: Sequence[IntervalDay], found: _Collected) -> None:
        for days in _adjoining(run):
            values: list[int] = []
            facts: dict[str, None] = {}
            carried = Decimal(0)  # what rounding held back: a run adds up to the Wh
            for day in days:
                divisor, fact = self.right(day.day)
                times = self.multiplier(day.day)
                facts |= dict.fromkeys((day.fact, times.fact, *((fact,) if fact else ())))
                if day.quality == "estimated":
                    found.remarks.append(_estimated(day.channel, day.day, day.day + DAY))
                counted = (wh or 0 for wh in day.wh)
                if divisor == RIGHT:
                    values += (wh * times.multiplier for wh in counted)
                    continue
                for wh in counted:
                    exact = wh * times.multiplier / divisor + carried
                    values.append(max(0, whole(exact, "half-even")))
                    carried = exact - values[-1]
            found.facts |= facts
            found.series.append(
                Series(
                    channel=days[0].channel,
                    start=midnight(days[0].day, self.zone),
                    minutes=days[0].minutes,
                    wh=tuple(values),
                    facts=tuple(facts),
                )
            )

    def registers(self, found: _Collected) -> None:
        """One advance for each register, over the whole part."""
        read = self.tables.find(
            readings,
            Where("meter", "=", self.installation.meter),
            Where("on", ">=", self.installation.since),
            order=("on",),
            known_at=self.known_at,
        )
        read = [one for one in read if self._mine(one)]
        cuts = self._cuts(read)
        for register in self.installation.registers:
            self._advances(register, read, cuts, found)

    def _advances(
        self, register: Register, read: Sequence[Reading], cuts: list[date], found: _Collected
    ) -> None:
        carried = Decimal(0)  # what rounding held back
        for since, until in pairwise(cuts):
            low, high = (self._count(read, register.code, day) for day in (since, until))
            divisor, fact = self.right(since)
            times = self.multiplier(since)
            run = (high.count - low.count) * times.multiplier
            exact = run / divisor + carried
            wh = whole(exact, "half-even")
            carried = exact - wh
            errors = (fact,) if fact else ()
            used = (self.installation.fact, times.fact, *low.facts, *high.facts, *errors)
            found.facts |= dict.fromkeys(used)
            if low.estimated or high.estimated:
                found.remarks.append(_estimated(register.channel, since, until))
            found.counted.append(
                Counted(
                    meter=self.installation.meter,
                    register=register.code,
                    channel=register.channel,
                    since=since,
                    until=until,
                    low=low.count,
                    high=high.count,
                    multiplier=times.multiplier,
                    error=divisor - RIGHT,
                    wh=wh,
                    estimated=low.estimated or high.estimated,
                    facts=tuple(dict.fromkeys(used)),
                )
            )
            found.registers.append(_registered(found.counted[-1], register.label))

    def _mine(self, one: Reading) -> bool:
        """Whether it was taken in this installation: two may meet on a day."""
        begins, ends = self.installation.since, self.installation.until
        if one.last:
            return one.on == ends
        return one.on >= begins and (ends is None or one.on < ends)

    def _cuts(self, read: Sequence[Reading]) -> list[date]:
        """The days of readings, those on which an error begins or ends, and the two ends."""
        first, last = self.part.since, self.part.until
        inside = {one.on for one in read if first < one.on < last}
        inside |= {day for day in self.part if self.right(day) != self.right(_eve(day))}
        inside |= {each.since for each in self.installation.multipliers}
        return sorted({first, *(day for day in inside if first < day < last), last})

    def _count(self, read: Sequence[Reading], code: str, day: date) -> _Count:
        at = bisect_left([one.on for one in read], day)
        if at == len(read):
            last = read[-1].on if read else self.installation.since
            raise PeriodNotMeasured(
                point=self.installation.point, day=last, reason=f"not read since {last}"
            )
        after = read[at]
        if after.on == day:
            return _Count(after.counts[code], (after.fact,), after.source == "estimate")
        before = read[at - 1]  # there is one: the meter was read when it was installed
        run = after.counts[code] - before.counts[code]
        share = run * (day - before.on).days // (after.on - before.on).days
        return _Count(before.counts[code] + share, (before.fact, after.fact), True)


@dataclass(frozen=True, slots=True)
class _Count:
    """What a register had counted at the start of a day, in Wh, and how that is known."""

    count: int
    facts: tuple[str, ...]
    estimated: bool


def _estimated(channel: Channel, since: date, until: date) -> Remark:
    return Remark("estimated", channel, since, until)


def _eve(day: date) -> date:
    return day - DAY


def _adjoining(run: Sequence[IntervalDay]) -> Iterator[list[IntervalDay]]:
    days: list[IntervalDay] = []
    for day in run:
        if days and day.day != days[-1].day + DAY:
            yield days
            days = []
        days.append(day)
    if days:
        yield days


def _registered(counted: Counted, label: str | None) -> Registered:
    return Registered(
        channel=counted.channel,
        label=label,
        since=counted.since,
        until=counted.until,
        wh=counted.wh,
        facts=counted.facts,
    )
