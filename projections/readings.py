"""What was used: interval days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from domain.kit import Fact
from domain.readings.intervals import IntervalsRecorded, IntervalsRevised, IntervalsWithdrawn
from projections.kit.table import Projection, Table


@dataclass(frozen=True, slots=True)
class IntervalDay:
    """One row a point, channel and local day: Wh (varh) an interval, before the multiplier."""

    point: str
    channel: str
    day: date
    meter: str
    minutes: int
    wh: tuple[int | None, ...]
    quality: str
    revised: bool
    fact: str


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
)
