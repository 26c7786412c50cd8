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

from domain.kit import InTheFuture, Kind, Refused, Today, command, decision, event, the
from domain.metering.meter import Channel
from domain.network.point import Point
from domain.organisation.utility import Utility, UtilityNotEstablished
from domain.values import MeterId, PointId, Text, midnight, month_of

Minutes: TypeAlias = Literal[5, 10, 15, 20, 30, 60]
Wh: TypeAlias = Annotated[int, Field(ge=0, le=10**12)]
Quality: TypeAlias = Literal["actual", "estimated", "substituted"]
ACTUAL = "actual"


# What can happen


@event("intervals.recorded", day="day")
class IntervalsRecorded:
    point: PointId
    meter: MeterId
    channel: Channel
    day: date
    minutes: int
    wh: tuple[int | None, ...]
    quality: Quality


@event("intervals.revised", day="day")
class IntervalsRevised:
    point: PointId
    meter: MeterId
    channel: Channel
    day: date
    minutes: int
    wh: tuple[int | None, ...]
    quality: Quality
    reason: Text


@event("intervals.withdrawn", day="day")
class IntervalsWithdrawn:
    """There are no values of that day at this point."""

    point: PointId
    channel: Channel
    day: date
    reason: Text


IntervalsEvent: TypeAlias = IntervalsRecorded | IntervalsRevised | IntervalsWithdrawn


# What it then is


@dataclass(frozen=True, slots=True)
class Intervals:
    """The days of one month at one point, by channel: values and their quality."""

    days: Mapping[tuple[str, date], tuple[tuple[int | None, ...], str]] = field(
        default_factory=dict
    )


def evolve(intervals: Intervals, happened: IntervalsEvent) -> Intervals:
    """The last word on a day is the one that counts."""
    key = (happened.channel, happened.day)
    if isinstance(happened, IntervalsWithdrawn):
        return Intervals({each: wh for each, wh in intervals.days.items() if each != key})
    return Intervals({**intervals.days, key: (happened.wh, happened.quality)})


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


@command(
    "withdraw-intervals",
    duty="metering",
    example={"point": "P-7", "day": "2026-01-02", "reason": "another point was meant"},
)
class WithdrawIntervals:
    """Take back a recorded day."""

    point: PointId
    day: date
    reason: Text
    channel: Channel = "import"

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
        InTheFuture,
        PointNotMetered,
        UtilityNotEstablished,
        WrongNumberOfIntervals,
    )
)
def record(
    asked: RecordIntervals, intervals: Intervals, point: Point, utility: Utility, today: Today
) -> Iterator[IntervalsRecorded]:
    """A day is recorded once; actual values replace others.  Quiet when it is known."""
    today.has_come(asked.day)
    meter = _judged(asked, point, utility)
    wh, quality = intervals.days.get((asked.channel, asked.day), (None, ""))
    better = asked.quality == ACTUAL != quality
    if wh == asked.wh and not better:
        return
    if wh is not None and not better:
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
        InTheFuture,
        PointNotMetered,
        UtilityNotEstablished,
        WrongNumberOfIntervals,
    )
)
def revise(
    asked: ReviseIntervals, intervals: Intervals, point: Point, utility: Utility, today: Today
) -> Iterator[IntervalsRevised]:
    """The new values obey the same rules.  Quiet when values and quality are the same."""
    today.has_come(asked.day)
    meter = _judged(asked, point, utility)
    known = intervals.days.get((asked.channel, asked.day))
    if known is None:
        raise DayNotRecorded(point=asked.point, day=asked.day, channel=asked.channel)
    if known != (asked.wh, asked.quality):
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


@decision(
    apart_from=(
        the(IntervalsRecorded, "day", "channel"),
        the(IntervalsRevised, "day", "channel"),
    ),
    refuses=(DayNotRecorded,),
)
def withdraw(asked: WithdrawIntervals, intervals: Intervals) -> Iterator[IntervalsWithdrawn]:
    """What was recorded for another point is taken back."""
    if (asked.channel, asked.day) not in intervals.days:
        raise DayNotRecorded(point=asked.point, day=asked.day, channel=asked.channel)
    yield IntervalsWithdrawn(
        point=asked.point, channel=asked.channel, day=asked.day, reason=asked.reason
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
