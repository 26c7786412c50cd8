"""
Three real British electricity meters, read honestly, and a report of what had to be decided.

The files are samples of the package opendsm 1.2.7 (Apache-2.0): `start,value`, kWh an interval.
That a stamp is the start of its interval is believed; what a file itself can tell is looked at:

* which day a stamp means.  One file was written by somebody who took days for months: 2 March
  is filed under 3 February.  Where exchanging the two, for days up to the twelfth, leaves fewer
  holes by far, it is done.
* which clock a stamp is of.  On the days when British clocks change, local stamps would lack an
  hour in March and have one twice in October; where all those days have 24 hours, it is UTC.
* what comes twice.  The same value under the same stamp is dropped; where the values differ,
  neither is believed.
* what is missing.  A local day that lacks intervals takes each from the same time one week
  before, else one week after (up to four), and is marked estimated; where that finds nothing
  the day is left out.  Days that begin before the first stamp, or end after the last, are too.
* what looks wrong and may be right: long runs of zero are reported, and kept as they came.
"""

from __future__ import annotations

import csv
import gzip
import io
import sys
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from api.demo.profiles import HOURS, interval_days
from domain.readings.intervals import Minutes, Quality, intervals_in
from domain.values import midnight, whole

SAMPLES = tuple(f"uk-electricity-hdd-only-hourly-sample-{n}.csv.gz" for n in range(3))
WHEEL = "opendsm-*.whl"
INSIDE = "opendsm/eemeter/samples/"
ZONE = "Europe/London"
WEEK = timedelta(days=7)
SWAPPED_TO = 12  # the last day of a month that can be taken for a month
LONG_ZERO = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Gap:
    """Interval stamps that are missing, from `since` on, before `until` (UTC)."""

    since: datetime
    until: datetime
    intervals: int


@dataclass(slots=True)
class Report:
    """What a file holds, what was decided about it, and what became of its days."""

    file: str
    rows: int
    minutes: int
    first: datetime
    last: datetime
    dates: str
    clock: str
    duplicates: int
    conflicting: int
    gaps: list[Gap] = field(default_factory=list)
    zeros: list[Gap] = field(default_factory=list)
    complete_days: int = 0
    estimated_days: list[date] = field(default_factory=list)
    omitted_days: list[date] = field(default_factory=list)
    kwh: Decimal = Decimal(0)

    @property
    def brief(self) -> str:
        """All of it that fits on a line."""
        parts = [
            f"{self.rows} rows",
            f"{self.duplicates} stamps twice",
            f"{len(self.gaps)} gaps",
            f"{self.complete_days} whole days and {len(self.estimated_days)} estimated",
        ]
        if self.dates.startswith("day and month exchanged"):
            parts.append("days had been taken for months")
        return f"{self.file}: {', '.join(parts)}"

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            **asdict(self),
            "estimated_days": [str(day) for day in self.estimated_days],
            "omitted_days": [str(day) for day in self.omitted_days],
        }


@dataclass(frozen=True, slots=True)
class Day:
    """One local day, whole: Wh an interval."""

    day: date
    wh: tuple[int, ...]
    quality: Quality


@dataclass(frozen=True, slots=True)
class Sample:
    """A meter: its days in order, and the report."""

    number: int
    minutes: Minutes
    days: tuple[Day, ...]
    report: Report
    real: bool = True


def samples(folder: Path | None = None) -> list[Sample]:
    """The real meters that are at hand: in a folder, else in the wheel; none if in neither."""
    return [read(n, name, text) for n, name, text in _texts(folder)]


def synthetic(number: int, year: int) -> Sample:
    """A meter made from the standard load profile, for want of a real one; it says so."""
    days = []
    for day, wh in interval_days(number, year):
        count = intervals_in(day, 60, ZONE)
        hours = [wh * HOURS[n * 24 // count] // 1000 for n in range(count)]
        days.append(Day(day, tuple(hours), "actual"))
    first, end = midnight(days[0].day, ZONE), midnight(days[-1].day + timedelta(days=1), ZONE)
    report = Report(
        file=f"synthetic meter {number}, made from the standard load profile BDEW H25",
        rows=sum(len(day.wh) for day in days),
        minutes=60,
        first=first,
        last=end - timedelta(hours=1),
        dates="made up",
        clock="UTC",
        duplicates=0,
        conflicting=0,
        complete_days=len(days),
        kwh=Decimal(sum(sum(day.wh) for day in days)) / 1000,
    )
    return Sample(number, 60, tuple(days), report, real=False)


def _texts(folder: Path | None) -> Iterator[tuple[int, str, str]]:
    if folder is not None:
        for number, name in enumerate(SAMPLES):
            if (folder / name).exists():
                yield number, name, _unpacked((folder / name).read_bytes())
        return
    for wheel in sorted((Path(sys.prefix) / "demo-wheels").glob(WHEEL))[-1:]:
        with zipfile.ZipFile(wheel) as packed:
            for number, name in enumerate(SAMPLES):
                yield number, name, _unpacked(packed.read(INSIDE + name))


def _unpacked(packed: bytes) -> str:
    return gzip.decompress(packed).decode()


def read(number: int, name: str, text: str) -> Sample:
    """Read one file.  Raises ValueError, naming the line, for one that is none of ours."""
    rows = list(_rows(name, text))
    stamps = [stamp for stamp, _ in rows]
    minutes = _step(stamps)
    zoned = stamps[0].tzinfo is not None
    if zoned:
        dates, clock = "as stamped", "UTC offsets are in the stamps"
        rows = [(stamp.astimezone(UTC), wh) for stamp, wh in rows]
    else:
        rows, dates = _dated(rows, minutes)
        clock, local = _clock({stamp for stamp, _ in rows}, minutes)
        zone = ZoneInfo(ZONE) if local else UTC
        rows = [(stamp.replace(tzinfo=zone).astimezone(UTC), wh) for stamp, wh in rows]
    values, duplicates, conflicting = _once(rows)
    report = Report(
        file=name,
        rows=len(rows),
        minutes=minutes,
        first=min(values),
        last=max(values),
        dates=dates,
        clock=clock,
        duplicates=duplicates,
        conflicting=conflicting,
        gaps=_gaps(values, minutes),
        zeros=_zeros(values, minutes),
        kwh=Decimal(sum(values.values())) / 1000,
    )
    return Sample(number, minutes, tuple(_days(values, minutes, report)), report)


def _rows(name: str, text: str) -> Iterator[tuple[datetime, int]]:
    lines = csv.reader(io.StringIO(text))
    if next(lines, None) != ["start", "value"]:
        raise ValueError(f"{name}: line 1 is not `start,value`")
    for number, line in enumerate(lines, 2):
        try:
            stamp, kwh = line
            yield datetime.fromisoformat(stamp), whole(Decimal(kwh) * 1000)
        except (ValueError, InvalidOperation) as wrong:
            raise ValueError(f"{name}: line {number}: {wrong}") from wrong


def _step(stamps: Sequence[datetime]) -> Minutes:
    """The interval: what most stamps are apart."""
    apart = [b - a for a, b in pairwise(stamps) if b > a]
    minutes = max(set(apart), key=apart.count) // timedelta(minutes=1)
    if minutes not in (5, 10, 15, 20, 30, 60):
        raise ValueError(f"stamps are {minutes} minutes apart")
    return minutes  # type: ignore[return-value]


# Which day, which clock


def _dated(
    rows: list[tuple[datetime, int]], minutes: int
) -> tuple[list[tuple[datetime, int]], str]:
    exchanged = [(_exchanged(stamp), wh) for stamp, wh in rows]
    holes = _missing({stamp for stamp, _ in rows}, minutes)
    fewer = _missing({stamp for stamp, _ in exchanged}, minutes)
    if fewer * 10 < holes:
        told = f"{holes} intervals are missing as stamped, {fewer} if exchanged"
        return exchanged, f"day and month exchanged for days 1 to {SWAPPED_TO}: {told}"
    return rows, "as stamped"


def _exchanged(stamp: datetime) -> datetime:
    if stamp.day > SWAPPED_TO:
        return stamp
    return stamp.replace(month=stamp.day, day=stamp.month)


def _missing(stamps: set[datetime], minutes: int) -> int:
    span = max(stamps) - min(stamps)
    return span // timedelta(minutes=minutes) + 1 - len(stamps)


def _clock(stamps: set[datetime], minutes: int) -> tuple[str, bool]:
    """In which clock naive stamps are written, and whether that is the local one."""
    due = 24 * 60 // minutes
    days = [
        day
        for day in _dates(min(stamps).date(), max(stamps).date())
        if midnight(day + timedelta(days=1), ZONE) - midnight(day, ZONE) != timedelta(days=1)
    ]
    found = {day: sum(1 for stamp in stamps if stamp.date() == day) for day in days}
    march = [count for day, count in found.items() if day.month == 3]
    if march and all(count < due for count in march):
        return "local: the hour that March skips is not there", True
    told = ", ".join(f"{day}: {count}" for day, count in found.items())
    return f"UTC: stamps on the days of a clock change are {told} of {due}", False


def _dates(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


# What comes twice, what is missing


def _once(rows: Iterable[tuple[datetime, int]]) -> tuple[dict[datetime, int], int, int]:
    values: dict[datetime, int] = {}
    doubted: set[datetime] = set()
    duplicates = 0
    for stamp, wh in rows:
        if stamp in values:
            duplicates += 1
            if values[stamp] != wh:
                doubted.add(stamp)
        values.setdefault(stamp, wh)
    for stamp in doubted:
        del values[stamp]
    return dict(sorted(values.items())), duplicates, len(doubted)


def _gaps(values: dict[datetime, int], minutes: int) -> list[Gap]:
    step = timedelta(minutes=minutes)
    return [Gap(a + step, b, (b - a) // step - 1) for a, b in pairwise(values) if b - a > step]


def _zeros(values: dict[datetime, int], minutes: int) -> list[Gap]:
    step = timedelta(minutes=minutes)
    found = []
    for zero, run in groupby(values.items(), key=lambda item: item[1] == 0):
        stamps = [stamp for stamp, _ in run]
        if zero and len(stamps) * step >= LONG_ZERO:
            found.append(Gap(stamps[0], stamps[-1] + step, len(stamps)))
    return found


def _days(values: dict[datetime, int], minutes: int, report: Report) -> Iterator[Day]:
    """The whole local days between the first stamp and the last."""
    step, zone = timedelta(minutes=minutes), ZoneInfo(ZONE)
    end = report.last + step
    for day in _dates(report.first.astimezone(zone).date(), end.astimezone(zone).date()):
        since, until = midnight(day, ZONE), midnight(day + timedelta(days=1), ZONE)
        if since < report.first or until > end:
            continue
        stamps = [since + n * step for n in range((until - since) // step)]
        wh = [values.get(stamp) for stamp in stamps]
        if None not in wh:
            report.complete_days += 1
            yield Day(day, tuple(v for v in wh if v is not None), "actual")
            continue
        filled = [
            _alike(values, stamp) if v is None else v
            for stamp, v in zip(stamps, wh, strict=True)
        ]
        if None in filled:
            report.omitted_days.append(day)
            continue
        report.estimated_days.append(day)
        yield Day(day, tuple(v for v in filled if v is not None), "estimated")


def _alike(values: dict[datetime, int], stamp: datetime) -> int | None:
    """The value of the same time of week, nearest in time, earlier before later."""
    for weeks in range(1, 5):
        for other in (stamp - weeks * WEEK, stamp + weeks * WEEK):
            if other in values:
                return values[other]
    return None
