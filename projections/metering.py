"""Which meter is installed where, its readings and its tested errors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from domain.kit import Fact
from domain.metering.meter import (
    MeterFoundInaccurate,
    MeterInstalled,
    MeterRead,
    MeterReadingCorrected,
    MeterRemoved,
    Register,
)
from projections.kit.table import Projection, Table

# Which meter is installed where


@dataclass(frozen=True, slots=True)
class Installation:
    """One row for each time a meter was installed at a point; no end while it lasts."""

    meter: str
    since: date
    point: str
    until: date | None
    multiplier: int
    registers: tuple[Register, ...]
    fact: str


def _installations(table: Table[tuple[str, date], Installation], fact: Fact) -> None:
    match fact.event:
        case MeterInstalled() as e:
            table[fact.key, e.on] = Installation(
                fact.key, e.on, e.point, None, e.multiplier, e.registers, fact.ref
            )
        case MeterRemoved() as e:
            row = table[fact.key, e.installed]
            table[fact.key, e.installed] = replace(row, until=e.on, fact=fact.ref)


def _installation_key(fact: Fact) -> tuple[str, date]:
    e = fact.event
    return fact.key, e.on if isinstance(e, MeterInstalled) else e.installed


installations = Projection(
    name="installations",
    version=1,
    row=Installation,
    key=("meter", "since"),
    events=(MeterInstalled, MeterRemoved),
    keys=lambda fact: (_installation_key(fact),),
    project=_installations,
    indexes=(("point",),),
)


# Readings


@dataclass(frozen=True, slots=True)
class Reading:
    """One row a meter and day: readings in kWh; counts in Wh, with turns, not multiplied."""

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
                table[key], dials=e.readings, counts=e.counts, corrected=True, fact=fact.ref
            )
        case MeterRead():
            table[key] = _reading(fact, e.source)
        case MeterInstalled():
            table[key] = _reading(fact, "install")
        case MeterRemoved():
            table[key] = _reading(fact, "remove")


def _reading(fact: Fact, source: str) -> Reading:
    e = fact.event
    return Reading(fact.key, e.on, e.point, e.readings, e.counts, source, False, fact.ref)


readings = Projection(
    name="readings",
    version=1,
    row=Reading,
    key=("meter", "on"),
    events=(MeterInstalled, MeterRead, MeterReadingCorrected, MeterRemoved),
    keys=lambda fact: ((fact.key, fact.event.on),),
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
    events=(MeterFoundInaccurate,),
    keys=lambda fact: ((fact.key, fact.position),),
    project=_errors,
    indexes=(("point",),),
)
