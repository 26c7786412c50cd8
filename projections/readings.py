"""What was used: interval days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated

from domain.kit import Fact
from domain.metering.meter import Channel
from domain.readings.intervals import (
    IntervalsRecorded,
    IntervalsRevised,
    IntervalsWithdrawn,
    Quality,
)
from projections.kit.declaration import Back, FactRef, Link
from projections.kit.table import Projection, Table
from projections.network import points

CHANNELS = {
    "import": "Energy taken from the network, Wh.",
    "export": "Energy given to the network, Wh.",
    "reactive": "Reactive energy, varh.",
}
QUALITIES = {
    "actual": "What the meter counted.",
    "estimated": "Estimated.",
    "substituted": "Put in place of what the meter counted.",
}


@dataclass(frozen=True, slots=True)
class IntervalDay:
    """What was counted in each interval of one local day at a point."""

    point: str
    channel: Annotated[Channel, "What was counted.", CHANNELS]
    day: Annotated[date, "The local day; it has 23, 24 or 25 hours."]
    meter: str
    minutes: Annotated[int, "The length of an interval."]
    wh: tuple[int | None, ...]
    quality: Annotated[Quality, "Where the values come from.", QUALITIES]
    revised: Annotated[bool, "Whether other values were recorded for that day before."]
    fact: Annotated[FactRef, "The fact that says so."]


def _interval_days(table: Table[tuple[str, str, date], IntervalDay], fact: Fact) -> None:
    e = fact.event
    if isinstance(e, IntervalsWithdrawn):
        table.pop((e.point, e.channel, e.day))
        return
    table[e.point, e.channel, e.day] = IntervalDay(
        point=e.point,
        channel=e.channel,
        day=e.day,
        meter=e.meter,
        minutes=e.minutes,
        wh=e.wh,
        quality=e.quality,
        revised=isinstance(e, IntervalsRevised),
        fact=fact.ref,
    )


interval_days = Projection(
    name="interval_days",
    version=2,
    row=IntervalDay,
    key=("point", "channel", "day"),
    events=(IntervalsRecorded, IntervalsRevised, IntervalsWithdrawn),
    keys=lambda fact: ((fact.event.point, fact.event.channel, fact.event.day),),
    project=_interval_days,
    since="day",
    filters=("point", "channel", "day"),
    links=(
        Link(
            "point",
            points,
            "Where.",
            Back("interval_days", "What was counted in each interval, by channel and day."),
        ),
    ),
)
