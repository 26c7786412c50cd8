"""What was used: readings of registers, tested errors of meters, interval days."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from domain.intervals import IntervalsRecorded, IntervalsRevised
from domain.kit import Fact
from domain.meters import (
    MeterFoundInaccurate,
    MeterInstalled,
    MeterRead,
    MeterReadingCorrected,
    MeterRemoved,
)
from projections.kit import Projection, Table

# Readings


@dataclass(frozen=True, slots=True)
class Reading:
    """One row a meter and day: dials in kWh; counts in Wh, turns included, not multiplied."""

    meter: str
    on: date
    point: str
    dials: dict[str, Decimal]
    counts: dict[str, int]
    source: str  # install, reader, remote, customer, estimate, remove
    corrected: bool
    fact: str


def _readings(table: Table[tuple[str, date], Reading], fact: Fact) -> None:
    e = fact.event
    key = (fact.key, e.on)
    match e:
        case MeterReadingCorrected():
            table[key] = replace(
                table[key], dials=e.dials, counts=e.counts, corrected=True, fact=fact.ref
            )
        case MeterRead():
            table[key] = _reading(fact, e.source)
        case MeterInstalled():
            table[key] = _reading(fact, "install")
        case MeterRemoved():
            table[key] = _reading(fact, "remove")


def _reading(fact: Fact, source: str) -> Reading:
    e = fact.event
    return Reading(fact.key, e.on, e.point, e.dials, e.counts, source, False, fact.ref)


readings = Projection(
    name="readings",
    version=1,
    row=Reading,
    key=("meter", "on"),
    wants=(MeterInstalled, MeterRead, MeterReadingCorrected, MeterRemoved),
    touches=lambda fact: ((fact.key, fact.event.on),),
    project=_readings,
    indexes=(("point", "on"),),
)


# Tested errors of meters


@dataclass(frozen=True, slots=True)
class MeterError:
    """One row a test: the meter counted (1 + error) for each Wh, from `since` up to `until`."""

    meter: str
    position: int
    point: str
    error: Decimal
    since: date
    until: date | None
    reference: str
    fact: str


def _errors(table: Table[tuple[str, int], MeterError], fact: Fact) -> None:
    e = fact.event
    table[fact.key, fact.position] = MeterError(
        fact.key, fact.position, e.point, e.error, e.since, e.until, e.reference, fact.ref
    )


meter_errors = Projection(
    name="meter_errors",
    version=1,
    row=MeterError,
    key=("meter", "position"),
    wants=(MeterFoundInaccurate,),
    touches=lambda fact: ((fact.key, fact.position),),
    project=_errors,
    indexes=(("point",),),
)


# Interval days


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
    version=1,
    row=IntervalDay,
    key=("point", "channel", "day"),
    wants=(IntervalsRecorded, IntervalsRevised),
    touches=lambda fact: ((fact.event.point, fact.event.channel, fact.event.day),),
    project=_interval_days,
)
