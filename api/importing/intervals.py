"""
Interval values: `point,start,kwh[,channel][,quality]`, a line an interval, whole days.

A start without an offset is of the utility's own clock; of an hour that comes twice, the second
time it is written is the second time it happened.  Values are rounded to whole Wh, half up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

from api.dispatch import Dispatch, RequestContext
from api.importing.lines import Columns, Report, Row, Unit, Wrong, lines, number, text
from api.importing.taking import Progress, Taking
from domain.metering.meter import Channel
from domain.readings.intervals import Minutes, Quality, RecordIntervals
from domain.values import midnight, month_of, whole

COLUMNS = Columns(("point", "start", "kwh"), ("channel", "quality"))
GRIDS = (5, 10, 15, 20, 30, 60)
CHANNELS = ("import", "export", "reactive")
QUALITIES = ("actual", "estimated", "substituted")


def intervals(
    path: Path,
    dispatch: Dispatch,
    context: RequestContext,
    zone: str,
    *,
    minutes: int | None = None,
    gaps: bool = False,
    progress: Progress = lambda *_: None,
) -> Report:
    """
    Take in a file; the length of an interval is found in it, if it is not said.

    A day that lacks intervals is rejected; with `gaps` they are recorded as missing.  Raises
    NotOurFile, and what the database raises.
    """
    report = Report(path.name, context.correlation)
    reading = _Reading(report, zone)
    for at, row in lines(path, COLUMNS, report):
        reading.read(at, row)
    grid = minutes or reading.minutes()
    days = _Days(reading, grid, gaps)
    units = reading.units.values()
    Taking(dispatch, context, report, progress).take(units, days.command, alone=2)
    return report


class _Reading:
    """Lines, each put to the point, channel and local day that it belongs to."""

    def __init__(self, report: Report, zone: str) -> None:
        self.report, self.zone = report, ZoneInfo(zone)
        self.units: dict[tuple[Any, ...], Unit] = {}
        self.seen: set[tuple[str, str, datetime]] = set()
        self.starts: dict[int, datetime] = {}  # by line
        self.doubtful: set[str] = set()  # points with a line that belongs to nobody knows when

    def read(self, at: int, row: Row) -> None:
        try:
            start = self._start(row)
        except Wrong as wrong:
            self.doubtful.add(row["point"])
            self._break(row)
            self.report.reject(at, wrong.column, wrong.rule, str(wrong))
            return
        self.starts[at] = start
        day = start.astimezone(self.zone).date()
        channel = row.get("channel") or "import"
        key = (row["point"], month_of(day), channel, day)
        unit = self.units.setdefault(key, Unit(key))
        unit.lines.append((at, row))
        try:
            _checked(row)
        except Wrong as wrong:
            unit.broken = True
            self.report.reject(at, wrong.column, wrong.rule, str(wrong))

    def _break(self, row: Row) -> None:
        """The day that a line without an instant seems to be of is not whole."""
        try:
            day = datetime.fromisoformat(row["start"]).date()
        except ValueError:
            return
        key = (row["point"], month_of(day), row.get("channel") or "import", day)
        self.units.setdefault(key, Unit(key)).broken = True

    def _start(self, row: Row) -> datetime:
        given = text(row, "start")
        try:
            start = datetime.fromisoformat(given)
        except ValueError:
            told = f"{given!r} is not an instant like 2026-03-31T12:30+01:00"
            raise Wrong("start", "not-an-instant", told) from None
        if start.tzinfo is not None:
            return start.astimezone(UTC)
        return self._local(row, start)

    def _local(self, row: Row, start: datetime) -> datetime:
        """A stamp of the utility's clock, which may show an hour twice, or never."""
        first = start.replace(tzinfo=self.zone)
        second = start.replace(tzinfo=self.zone, fold=1)
        if first.utcoffset() == second.utcoffset():
            return first.astimezone(UTC)
        if first.astimezone(UTC).astimezone(self.zone).replace(tzinfo=None) != start:
            told = f"{start} never was: the clock was put forward"
            raise Wrong("start", "hour-skipped", told)
        key = (row["point"], row.get("channel") or "import", first.astimezone(UTC))
        if key in self.seen:
            return second.astimezone(UTC)
        self.seen.add(key)
        return key[2]

    def minutes(self) -> int:
        """What most starts of a day are apart; 60 where that tells nothing."""
        apart: Counter[int] = Counter()
        for unit in self.units.values():
            starts = sorted({self.starts[at] for at, _ in unit.lines})
            apart.update(int((b - a).total_seconds()) // 60 for a, b in pairwise(starts))
        fitting = [minutes for minutes, _ in apart.most_common() if minutes in GRIDS]
        return fitting[0] if fitting else GRIDS[-1]


def _checked(row: Row) -> None:
    text(row, "point")
    number(row, "kwh")
    for column, known in (("channel", CHANNELS), ("quality", QUALITIES)):
        if row.get(column) and row[column] not in known:
            told = f"{row[column]!r} is none of {', '.join(known)}"
            raise Wrong(column, f"no-such-{column}", told)


class _Days:
    """Units become days on a grid of so many minutes."""

    def __init__(self, reading: _Reading, minutes: int, gaps: bool) -> None:
        self.reading, self.minutes, self.gaps = reading, minutes, gaps
        self.step = timedelta(minutes=minutes)

    def command(self, unit: Unit) -> RecordIntervals:
        """The command that records a day.  Raises Wrong where it is not whole."""
        point, _, channel, day = unit.order
        found = dict(self._values(unit))
        slots = dict.fromkeys(self._slots(day))
        for start in found:
            if start not in slots:
                told = f"{start.isoformat()} is not on a grid of {self.minutes} minutes"
                raise Wrong("start", "off-grid", told)
        missing = [slot for slot in slots if slot not in found]
        if missing and (not self.gaps or point in self.reading.doubtful):
            lacks = missing[0].astimezone(self.reading.zone).isoformat()
            told = f"{day} lacks {len(missing)} of {len(slots)} intervals, the first at {lacks}"
            raise Wrong("start", "day-not-whole", told)
        return RecordIntervals(
            point=point,
            day=day,
            minutes=cast("Minutes", self.minutes),
            wh=tuple(found.get(slot) for slot in slots),
            channel=cast("Channel", channel),
            quality=self._quality(unit),
        )

    def _values(self, unit: Unit) -> Iterator[tuple[datetime, int]]:
        known: dict[datetime, int] = {}
        for at, row in unit.lines:
            start, wh = self.reading.starts[at], whole(number(row, "kwh") * 1000)
            if known.setdefault(start, wh) != wh:
                told = f"{row['start']} is there twice, with two values (line {at})"
                raise Wrong("start", "interval-twice", told)
            yield start, wh

    def _slots(self, day: date) -> Iterator[datetime]:
        zone = self.reading.zone.key
        slot, until = midnight(day, zone), midnight(day + timedelta(days=1), zone)
        while slot < until:
            yield slot
            slot += self.step

    def _quality(self, unit: Unit) -> Quality:
        """The worst that is said of any interval."""
        said = {row.get("quality") or "actual" for _, row in unit.lines}
        return cast("Quality", max(said, key=QUALITIES.index))
