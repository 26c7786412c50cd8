"""What was used: readings of meters, their tested errors, interval days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, TypeAlias

import strawberry

from api.graphql.paging import After, Connection, First, Order, Page, Reverse, page_of
from api.graphql.scalars import BigInt
from api.graphql.view import Info, KnownAt, MinPosition, View, equal, on
from projections import metering as rows
from projections import readings as days
from projections.kit.table import Where

READ = Order(rows.readings, ("on",))
OF_METER = Order(rows.readings)
ERRORS = Order(rows.meter_errors)
DAYS = Order(days.interval_days)

Since: TypeAlias = Annotated[
    date | None, strawberry.argument(description="Only from this day on.")
]
Until: TypeAlias = Annotated[
    date | None, strawberry.argument(description="Only before this day.")
]
ChannelIs: TypeAlias = Annotated[
    str | None, strawberry.argument(description="Only this channel: import, export, reactive.")
]


@strawberry.type(description="What one register showed.")
class Shown:
    register: str = strawberry.field(description="The OBIS code of the register.")
    reading: Decimal = strawberry.field(description="What the register showed, in kWh (kvarh).")
    count: BigInt = strawberry.field(
        description="The same in Wh (varh) since the register was zero, full turns included,"
        " before the multiplier: energy is the difference of two counts, times the multiplier."
    )


@strawberry.type(description="What the registers of a meter showed at the start of a day.")
class Reading:
    meter: strawberry.ID = strawberry.field(description="The meter: ask `meter(id:)`.")
    point: strawberry.ID = strawberry.field(
        description="Where it was installed: ask `point(id:)`."
    )
    on: date = strawberry.field(description="The day, at whose start they showed it.")
    shown: list[Shown] = strawberry.field(description="Each register, by code.")
    source: str = strawberry.field(
        description="Who read it: install, reader, remote, customer, estimate, remove."
    )
    corrected: bool = strawberry.field(
        description="Whether another reading was recorded for that day before."
    )
    fact: strawberry.ID = strawberry.field(description="The fact that says so: meter-M1@3.")


@strawberry.type(description="A tested error: the meter counted (1 + error) for each Wh.")
class MeterError:
    error: Decimal = strawberry.field(description="0.06 is 6 % fast; negative is slow.")
    since: date = strawberry.field(description="The first day it counted so.")
    until: date | None = strawberry.field(
        description="The first day it no longer did; null if it still does."
    )
    reference: str = strawberry.field(description="The test that found it.")
    point: strawberry.ID = strawberry.field(description="Where the meter was installed.")
    fact: strawberry.ID = strawberry.field(
        description="The fact that says so: `touched(fact:)` finds the bills it moves."
    )


@strawberry.type(description="What was counted in each interval of one local day at a point.")
class IntervalDay:
    point: strawberry.ID = strawberry.field(description="Where.")
    channel: str = strawberry.field(description="What: import, export, reactive.")
    day: date = strawberry.field(description="The local day; it has 23, 24 or 25 hours.")
    meter: strawberry.ID = strawberry.field(description="Which meter counted.")
    minutes: int = strawberry.field(description="The length of an interval.")
    wh: list[BigInt | None] = strawberry.field(
        description="Wh (varh) in each interval, in time order, before the multiplier; null"
        " where none arrived, which is not zero."
    )
    quality: str = strawberry.field(description="actual, estimated or substituted.")
    revised: bool = strawberry.field(
        description="Whether other values were recorded for that day before."
    )
    fact: strawberry.ID = strawberry.field(description="The fact that says so.")
    row: strawberry.Private[days.IntervalDay]

    @strawberry.field(description="The sum of the values that arrived, Wh.")
    def total(self) -> BigInt:
        return BigInt(sum(value or 0 for value in self.row.wh))

    @strawberry.field(description="How many values did not arrive.")
    def missing(self) -> int:
        return sum(value is None for value in self.row.wh)


def within(
    column: str, since: date | None, until: date | None, channel: str | None
) -> tuple[Where, ...]:
    """The conditions of these arguments."""
    where = [Where(column, ">=", since)] if since else []
    where += [Where(column, "<", until)] if until else []
    where += equal("channel", channel)
    return tuple(where)


def readings_of(_: View, found: Sequence[rows.Reading]) -> list[Reading]:
    """Rows as readings."""
    return [
        Reading(
            meter=strawberry.ID(r.meter),
            point=strawberry.ID(r.point),
            on=r.on,
            shown=[
                Shown(register=code, reading=reading, count=BigInt(r.counts[code]))
                for code, reading in sorted(r.readings.items())
            ],
            source=r.source,
            corrected=r.corrected,
            fact=strawberry.ID(r.fact),
        )
        for r in found
    ]


def errors_of(_: View, found: Sequence[rows.MeterError]) -> list[MeterError]:
    """Rows as errors of meters."""
    return [
        MeterError(
            error=r.error,
            since=r.since,
            until=r.until,
            reference=r.reference,
            point=strawberry.ID(r.point),
            fact=strawberry.ID(r.fact),
        )
        for r in found
    ]


def days_of(_: View, found: Sequence[days.IntervalDay]) -> list[IntervalDay]:
    """Rows as interval days."""
    return [
        IntervalDay(
            point=strawberry.ID(r.point),
            channel=r.channel,
            day=r.day,
            meter=strawberry.ID(r.meter),
            minutes=r.minutes,
            wh=[None if value is None else BigInt(value) for value in r.wh],
            quality=r.quality,
            revised=r.revised,
            fact=strawberry.ID(r.fact),
            row=r,
        )
        for r in found
    ]


@strawberry.type
class UsageQuery:
    @strawberry.field(description="Readings of a meter, by day.")
    def readings(
        self,
        info: Info,
        meter: Annotated[strawberry.ID, strawberry.argument(description="The meter.")],
        since: Since = None,
        until: Until = None,
        first: First = 20,
        after: After = None,
        reverse: Reverse = False,
        as_of: Annotated[date | None, on("Readings on or before it.")] = None,
        known_at: KnownAt = None,
        min_position: MinPosition = None,
    ) -> Connection[Reading]:
        view = info.context.view(as_of, known_at, min_position)
        mine = equal("meter", meter)
        where = (*mine, *within("on", since, until, None), *view.dated("on"))
        return page_of(view, OF_METER, Page(first, after, reverse), readings_of, where)

    @strawberry.field(description="Interval days of a point, by channel and day.")
    def interval_days(
        self,
        info: Info,
        point: Annotated[strawberry.ID, strawberry.argument(description="The point.")],
        since: Since = None,
        until: Until = None,
        channel: ChannelIs = None,
        first: First = 20,
        after: After = None,
        reverse: Reverse = False,
        as_of: Annotated[date | None, on("Days on or before it.")] = None,
        known_at: KnownAt = None,
        min_position: MinPosition = None,
    ) -> Connection[IntervalDay]:
        view = info.context.view(as_of, known_at, min_position)
        here = equal("point", point)
        where = (*here, *within("day", since, until, channel), *view.dated("day"))
        return page_of(view, DAYS, Page(first, after, reverse), days_of, where)
