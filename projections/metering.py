"""Which meter is installed where, its readings and its tested errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, TypeAlias

from domain.kit import Fact
from domain.metering.meter import (
    MeterErrorWithdrawn,
    MeterEstimateCancelled,
    MeterFoundInaccurate,
    MeterInstallationWithdrawn,
    MeterInstalled,
    MeterMultiplierSet,
    MeterRead,
    MeterReadingCorrected,
    MeterReadingWithdrawn,
    MeterRegistersCorrected,
    MeterRemovalWithdrawn,
    MeterRemoved,
    Register,
)
from projections.kit.declaration import Back, FactRef, Link
from projections.kit.table import Projection, Table
from projections.network import points

# Which meter is installed where


@dataclass(frozen=True, slots=True)
class Multiplier:
    """By what counts are multiplied from a day on, until the next one."""

    since: date
    multiplier: int
    fact: str


@dataclass(frozen=True, slots=True)
class Installation:
    """A time in which a meter is installed at a point."""

    meter: str
    since: Annotated[date, "The first day, from its start."]
    point: str
    until: Annotated[date | None, "The first day after it; null while it lasts."]
    multiplier: Annotated[int, "By what its counts are multiplied: transformers."]
    multipliers: tuple[Multiplier, ...]
    registers: tuple[Register, ...]
    fact: Annotated[FactRef, "The newest fact that says so."]


def _installations(table: Table[tuple[str, date], Installation], fact: Fact) -> None:
    key = _installation_key(fact)
    match fact.event:
        case MeterInstalled() as e:
            first = Multiplier(e.on, e.multiplier, fact.ref)
            table[key] = Installation(
                fact.key, e.on, e.point, None, e.multiplier, (first,), e.registers, fact.ref
            )
        case MeterRemoved() as e:
            table[key] = replace(table[key], until=e.on, fact=fact.ref)
        case MeterRemovalWithdrawn():
            table[key] = replace(table[key], until=None, fact=fact.ref)
        case MeterRegistersCorrected() as e:
            table[key] = replace(table[key], registers=e.registers, fact=fact.ref)
        case MeterMultiplierSet() as e:
            table[key] = _multiplied(table[key], Multiplier(e.since, e.multiplier, fact.ref))
        case MeterInstallationWithdrawn():
            table.pop(key)


def _multiplied(row: Installation, new: Multiplier) -> Installation:
    kept = (each for each in row.multipliers if each.since != new.since)
    found = tuple(sorted((*kept, new), key=lambda each: each.since))
    return replace(row, multipliers=found, multiplier=found[-1].multiplier)


def _installation_key(fact: Fact) -> tuple[str, date]:
    e = fact.event
    return fact.key, e.on if isinstance(e, MeterInstalled) else e.installed


installations = Projection(
    name="installations",
    version=2,
    row=Installation,
    key=("meter", "since"),
    events=(
        MeterInstalled,
        MeterRemoved,
        MeterRemovalWithdrawn,
        MeterRegistersCorrected,
        MeterMultiplierSet,
        MeterInstallationWithdrawn,
    ),
    keys=lambda fact: (_installation_key(fact),),
    project=_installations,
    indexes=(("point",),),
    since="since",
    until="until",
    filters=("meter", "point", "since"),
    orders=(("point",),),
    links=(
        Link(
            "point",
            points,
            "Where it is installed.",
            Back(
                "installations",
                "The meters that were installed here, by day.",
                ("since",),
                short=True,
            ),
        ),
    ),
)


# Which meters were ever said to be installed at a point


@dataclass(frozen=True, slots=True)
class PointMeter:
    """A meter was said to be installed at a point; what is taken back since stays here."""

    point: str
    meter: str


def _point_meters(table: Table[tuple[str, str], PointMeter], fact: Fact) -> None:
    point = fact.event.point
    table[point, fact.key] = PointMeter(point, fact.key)


point_meters = Projection(
    name="point_meters",
    version=1,
    row=PointMeter,
    key=("point", "meter"),
    events=(MeterInstalled,),
    keys=lambda fact: ((fact.event.point, fact.key),),
    project=_point_meters,
)


# Readings

ReadingSource: TypeAlias = Literal[
    "install", "reader", "remote", "customer", "estimate", "remove"
]
SOURCES = {
    "install": "Whoever installed the meter.",
    "reader": "A meter reader.",
    "remote": "The meter itself, over a line.",
    "customer": "The customer.",
    "estimate": "Nobody: it is an estimate.",
    "remove": "Whoever removed the meter.",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What the registers of a meter showed at the start of a day."""

    meter: str
    on: Annotated[date, "The day, at whose start they showed it."]
    last: Annotated[bool, "Whether it was taken as the meter was removed."]
    point: str
    readings: dict[str, Decimal]
    counts: dict[str, int]
    source: Annotated[ReadingSource, "Who read it.", SOURCES]
    corrected: Annotated[bool, "Whether another reading was recorded for that day before."]
    fact: Annotated[FactRef, "The fact that says so: meter-M1@3."]


ReadingKey: TypeAlias = tuple[str, date, bool]


def _readings(table: Table[ReadingKey, Reading], fact: Fact) -> None:
    e = fact.event
    match e:
        case MeterReadingCorrected():
            key = (fact.key, e.on, e.last)
            table[key] = replace(
                table[key],
                readings=e.readings,
                counts=e.counts,
                source=e.source or table[key].source,
                corrected=True,
                fact=fact.ref,
            )
        case MeterRead():
            table[fact.key, e.on, False] = _reading(fact, e.source)
        case MeterInstalled():
            table[fact.key, e.on, False] = _reading(fact, "install")
        case MeterRemoved():
            table[fact.key, e.on, True] = _reading(fact, "remove")
        case MeterReadingWithdrawn() | MeterEstimateCancelled():
            table.pop((fact.key, e.on, False))
        case MeterRemovalWithdrawn():
            table.pop((fact.key, e.on, True))
        case MeterInstallationWithdrawn():
            table.pop((fact.key, e.installed, False))
            if e.until is not None:
                table.pop((fact.key, e.until, True))
    for each in getattr(e, "recounts", ()):
        key = (fact.key, each.on, each.last)
        table[key] = replace(table[key], counts=each.counts, fact=fact.ref)


def _reading(fact: Fact, source: ReadingSource) -> Reading:
    e = fact.event
    return Reading(
        meter=fact.key,
        on=e.on,
        last=source == "remove",
        point=e.point,
        readings=e.readings,
        counts=e.counts,
        source=source,
        corrected=False,
        fact=fact.ref,
    )


def _reading_keys(fact: Fact) -> Iterator[ReadingKey]:
    e = fact.event
    match e:
        case MeterInstallationWithdrawn():
            yield fact.key, e.installed, False
            if e.until is not None:
                yield fact.key, e.until, True
        case MeterRegistersCorrected():
            pass
        case MeterReadingCorrected():
            yield fact.key, e.on, e.last
        case _:
            yield fact.key, e.on, isinstance(e, MeterRemoved | MeterRemovalWithdrawn)
    for each in getattr(e, "recounts", ()):
        yield fact.key, each.on, each.last


readings = Projection(
    name="readings",
    version=2,
    row=Reading,
    key=("meter", "on", "last"),
    events=(
        MeterInstalled,
        MeterRead,
        MeterReadingCorrected,
        MeterReadingWithdrawn,
        MeterEstimateCancelled,
        MeterRegistersCorrected,
        MeterRemoved,
        MeterRemovalWithdrawn,
        MeterInstallationWithdrawn,
    ),
    keys=_reading_keys,
    project=_readings,
    indexes=(("point", "on"),),
    since="on",
    filters=("meter", "point", "on", "source"),
    orders=(("point", "on"),),
    links=(
        Link(
            "point",
            points,
            "Where the meter was installed.",
            Back("readings", "What the registers of its meters showed, by day.", ("on",)),
        ),
    ),
)


# Tested errors of meters


@dataclass(frozen=True, slots=True)
class MeterError:
    """A tested error: the meter counted (1 + error) for each Wh."""

    meter: str
    position: int
    point: str
    error: Annotated[Decimal, "0.06 is 6 % fast; negative is slow."]
    since: Annotated[date, "The first day it counted so."]
    until: Annotated[date | None, "The first day it no longer did; null if it still does."]
    reference: Annotated[str, "The test that found it."]
    withdrawn: Annotated[bool, "Whether it takes back what was told before in these words."]
    fact: Annotated[FactRef, "The fact: `touched(fact:)` finds the bills it moves."]


def _errors(table: Table[tuple[str, int], MeterError], fact: Fact) -> None:
    e = fact.event
    table[fact.key, fact.position] = MeterError(
        meter=fact.key,
        position=fact.position,
        point=e.point,
        error=e.error,
        since=e.since,
        until=e.until,
        reference=e.reference,
        withdrawn=isinstance(e, MeterErrorWithdrawn),
        fact=fact.ref,
    )


def tested(errors: list[MeterError]) -> list[MeterError]:
    """Those that hold, in the order in which they were told."""
    held: list[MeterError] = []
    for error in errors:
        if error.withdrawn:
            held = [each for each in held if _told(each) != _told(error)]
        else:
            held.append(error)
    return held


def _told(error: MeterError) -> tuple[object, ...]:
    return error.meter, error.error, error.since, error.until, error.reference


meter_errors = Projection(
    name="meter_errors",
    version=2,
    row=MeterError,
    key=("meter", "position"),
    events=(MeterFoundInaccurate, MeterErrorWithdrawn),
    keys=lambda fact: ((fact.key, fact.position),),
    project=_errors,
    indexes=(("point",),),
    since="since",
    filters=("meter", "point"),
    links=(Link("point", points, "Where the meter was installed."),),
)
