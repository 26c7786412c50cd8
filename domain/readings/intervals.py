"""
Interval days: what a meter counted in each interval of one local day at a service point.

    nothing ── record ──▶ recorded ── revise ──┐
                             ▲─────────────────┘

One stream a point and month, closed like a book.  Values are integer Wh (varh) in time order,
the multiplier not applied.  A local day has 23, 24 or 25 hours; what is missing is null.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from domain.kit import Kind, Refused, command, decision, event
from domain.metering.meter import Channel
from domain.network.point import Point
from domain.organisation.utility import Utility, UtilityNotEstablished
from domain.values import MeterId, PointId, Text, midnight, month_of

Minutes: TypeAlias = Literal[5, 10, 15, 20, 30, 60]
Wh: TypeAlias = Annotated[int, Field(ge=0, le=10**12)]
Quality: TypeAlias = Literal["actual", "estimated", "substituted"]


# What can happen


@event("intervals.recorded")
class IntervalsRecorded:
    point: PointId
    meter: MeterId
    channel: Channel
    day: date
    minutes: int
    wh: tuple[int | None, ...]
    quality: Quality


@event("intervals.revised")
class IntervalsRevised:
    point: PointId
    meter: MeterId
    channel: Channel
    day: date
    minutes: int
    wh: tuple[int | None, ...]
    quality: Quality
    reason: Text


IntervalsEvent: TypeAlias = IntervalsRecorded | IntervalsRevised


# What it then is


@dataclass(frozen=True, slots=True)
class Intervals:
    """The days of one month at one point, by channel."""

    days: Mapping[tuple[str, date], tuple[int | None, ...]] = field(default_factory=dict)


def evolve(intervals: Intervals, happened: IntervalsEvent) -> Intervals:
    """The last word on a day is the one that counts."""
    return Intervals({**intervals.days, (happened.channel, happened.day): happened.wh})


intervals = Kind("intervals", Intervals(), evolve)


# What can be asked


_HOURS = [
    310, 280, 260, 250, 250, 270, 420, 610, 540, 430, 400, 410,
    450, 420, 400, 460, 690, 880, 930, 860, 740, 620, 480,
]  # fmt: skip


@command(
    "record-intervals",
    duty="reader",
    example={
        "point": "P-7",
        "day": "2026-01-02",
        "minutes": 60,
        "wh": [*_HOURS, None],
        "channel": "import",
        "quality": "actual",
    },
)
class RecordIntervals:
    """Record one local day of a channel: one value an interval, null where none arrived."""

    point: PointId
    day: date
    minutes: Minutes
    wh: Annotated[tuple[Wh | None, ...], Field(min_length=1, max_length=300)]
    channel: Channel = "import"
    quality: Quality = "actual"

    @property
    def intervals(self) -> str:
        """The stream: the point and the month."""
        return f"{self.point}-{month_of(self.day)}"


@command(
    "revise-intervals",
    duty="reader",
    example={
        "point": "P-7",
        "day": "2026-01-02",
        "minutes": 60,
        "wh": [*_HOURS, 350],
        "reason": "the last hour arrived late",
        "quality": "substituted",
    },
)
class ReviseIntervals:
    """Replace a recorded day; what was recorded before stays in history."""

    point: PointId
    day: date
    minutes: Minutes
    wh: Annotated[tuple[Wh | None, ...], Field(min_length=1, max_length=300)]
    reason: Text
    channel: Channel = "import"
    quality: Quality = "actual"

    @property
    def intervals(self) -> str:
        """The stream: the point and the month."""
        return f"{self.point}-{month_of(self.day)}"


# What we answer


class WrongNumberOfIntervals(Refused):
    """A day has one value an interval, between one local midnight and the next."""


class PointNotMetered(Refused):
    """No meter is installed at this service point on that day."""


class DayAlreadyRecorded(Refused):
    """That day is recorded with other values; revise it instead."""


class DayNotRecorded(Refused):
    """There is no recorded day to revise."""


@decision(
    refuses=(
        DayAlreadyRecorded,
        PointNotMetered,
        UtilityNotEstablished,
        WrongNumberOfIntervals,
    )
)
def record(
    asked: RecordIntervals, intervals: Intervals, point: Point, utility: Utility
) -> Iterator[IntervalsEvent]:
    """A day is recorded once.  Quiet when the same values come again."""
    meter = _judged(asked, point, utility)
    known = intervals.days.get((asked.channel, asked.day))
    if known == asked.wh:
        return
    if known is not None:
        raise DayAlreadyRecorded(point=asked.point, day=asked.day, channel=asked.channel)
    yield IntervalsRecorded(
        point=asked.point,
        meter=meter,
        channel=asked.channel,
        day=asked.day,
        minutes=asked.minutes,
        wh=asked.wh,
        quality=asked.quality,
    )


@decision(
    refuses=(
        DayNotRecorded,
        PointNotMetered,
        UtilityNotEstablished,
        WrongNumberOfIntervals,
    )
)
def revise(
    asked: ReviseIntervals, intervals: Intervals, point: Point, utility: Utility
) -> Iterator[IntervalsEvent]:
    """The new values obey the same rules.  Quiet when they are the same."""
    meter = _judged(asked, point, utility)
    known = intervals.days.get((asked.channel, asked.day))
    if known is None:
        raise DayNotRecorded(point=asked.point, day=asked.day, channel=asked.channel)
    if known != asked.wh:
        yield IntervalsRevised(
            point=asked.point,
            meter=meter,
            channel=asked.channel,
            day=asked.day,
            minutes=asked.minutes,
            wh=asked.wh,
            quality=asked.quality,
            reason=asked.reason,
        )


def _judged(asked: RecordIntervals | ReviseIntervals, point: Point, utility: Utility) -> str:
    """The meter that counted; raises PointNotMetered, WrongNumberOfIntervals."""
    if not utility.currency:
        raise UtilityNotEstablished
    meter = point.meter_on(asked.day)
    if meter is None:
        raise PointNotMetered(point=asked.point, day=asked.day)
    due = intervals_in(asked.day, asked.minutes, utility.zone)
    if len(asked.wh) != due:
        raise WrongNumberOfIntervals(
            day=asked.day, minutes=asked.minutes, expected=due, given=len(asked.wh)
        )
    return meter


def intervals_in(day: date, minutes: int, zone: str) -> int:
    """How many intervals a local day has: 48 half hours; 46 or 50 when the clock changes."""
    span = midnight(day + timedelta(days=1), zone) - midnight(day, zone)
    return int(span.total_seconds()) // (minutes * 60)
