"""The utility's settings, its service points, who takes supply there, what hangs there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from domain.kit import Fact
from domain.meters import MeterInstalled, MeterRemoved, Register
from domain.points import PointEnergised, PointSupplied, PointTariffChanged, PointVacated
from domain.utility import UtilityEstablished, UtilityTermsSet
from projections.kit import Projection, Table

# The utility


@dataclass(frozen=True, slots=True)
class Settings:
    """The one row of settings."""

    key: str
    name: str
    currency: str
    zone: str
    due_days: int


def _settings(table: Table[str, Settings], fact: Fact) -> None:
    match fact.event:
        case UtilityEstablished() as e:
            table[fact.key] = Settings(fact.key, e.name, e.currency, e.zone, e.due_days)
        case UtilityTermsSet() as e:
            table[fact.key] = replace(table[fact.key], name=e.name, due_days=e.due_days)


settings = Projection(
    name="settings",
    version=1,
    row=Settings,
    key=("key",),
    wants=(UtilityEstablished, UtilityTermsSet),
    touches=lambda fact: (fact.key,),
    project=_settings,
)


# Service points


@dataclass(frozen=True, slots=True)
class Point:
    """One row a service point."""

    point: str
    address: str
    energised: date


def _points(table: Table[str, Point], fact: Fact) -> None:
    table[fact.key] = Point(fact.key, fact.event.address, fact.event.on)


points = Projection(
    name="points",
    version=1,
    row=Point,
    key=("point",),
    wants=(PointEnergised,),
    touches=lambda fact: (fact.key,),
    project=_points,
)


# Who takes supply there, under which tariffs


@dataclass(frozen=True, slots=True)
class TariffSpell:
    """The tariff that prices a supply from a day on, until the next one."""

    since: date
    tariff: str
    fact: str


@dataclass(frozen=True, slots=True)
class Supply:
    """One row for each time an account took supply at a point; no end while it lasts."""

    point: str
    since: date
    account: str
    until: date | None
    tariffs: tuple[TariffSpell, ...]
    ended: str | None  # the fact that ended it


def _supplies(table: Table[tuple[str, date], Supply], fact: Fact) -> None:
    match fact.event:
        case PointSupplied() as e:
            first = (TariffSpell(e.since, e.tariff, fact.ref),)
            table[fact.key, e.since] = Supply(fact.key, e.since, e.account, None, first, None)
        case PointTariffChanged() as e:
            row = table[fact.key, e.supplied]
            kept = (t for t in row.tariffs if t.since != e.since)
            spells = sorted(
                (*kept, TariffSpell(e.since, e.tariff, fact.ref)), key=lambda t: t.since
            )
            table[fact.key, e.supplied] = replace(row, tariffs=tuple(spells))
        case PointVacated() as e:
            row = table[fact.key, e.supplied]
            table[fact.key, e.supplied] = replace(row, until=e.until, ended=fact.ref)


def _supply_key(fact: Fact) -> tuple[str, date]:
    e = fact.event
    return fact.key, e.since if isinstance(e, PointSupplied) else e.supplied


supplies = Projection(
    name="supplies",
    version=1,
    row=Supply,
    key=("point", "since"),
    wants=(PointSupplied, PointTariffChanged, PointVacated),
    touches=lambda fact: (_supply_key(fact),),
    project=_supplies,
    indexes=(("account",),),
)


# Which meter hangs there


@dataclass(frozen=True, slots=True)
class Installation:
    """One row for each time a meter hung at a point; no end while it hangs."""

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
    wants=(MeterInstalled, MeterRemoved),
    touches=lambda fact: (_installation_key(fact),),
    project=_installations,
    indexes=(("point",),),
)
