"""Service points, and who takes supply there under which tariffs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Annotated

from domain.kit import Fact
from domain.network.point import (
    ContractByPeriod,
    PointCorrected,
    PointEnergised,
    PointEnergisingWithdrawn,
    PointMoveOutCorrected,
    PointSupplied,
    PointSupplyWithdrawn,
    PointTariffChanged,
    PointTariffChangeWithdrawn,
    PointTermsAgreed,
    PointTermsWithdrawn,
    PointVacated,
)
from projections.customers import accounts
from projections.kit.declaration import Back, Called, FactRef, Link
from projections.kit.search import grams
from projections.kit.table import Projection, Table

# Service points


@dataclass(frozen=True, slots=True)
class Point:
    """A service point: where the network ends and a customer begins."""

    point: Annotated[str, "Its number: P000120."]
    address: Annotated[str, "Where it is."]
    energised: Annotated[date, "The day it was energised.", Called("energised_on")]
    grams: tuple[str, ...] = ()
    org_unit: Annotated[str, "The unit where it lies; empty: the one on top."] = ""


def _points(table: Table[str, Point], fact: Fact) -> None:
    e, old = fact.event, table.get(fact.key)
    if isinstance(e, PointEnergisingWithdrawn):
        table.pop(fact.key)
        return
    unit = e.org_unit if isinstance(e, PointEnergised) else old.org_unit if old else ""
    words = grams(fact.key, e.address)
    table[fact.key] = Point(fact.key, e.address, e.on, words, unit)


points = Projection(
    name="points",
    version=4,
    row=Point,
    key=("point",),
    events=(PointEnergised, PointEnergisingWithdrawn, PointCorrected),
    keys=lambda fact: (fact.key,),
    project=_points,
    since="energised",
    filters=("energised",),
    search="grams",
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
    """A time in which an account takes supply at a point."""

    point: str
    since: Annotated[date, "The first day."]
    account: str
    until: Annotated[date | None, "The first day after it; null while it lasts."]
    tariffs: tuple[TariffSpell, ...]
    ended: Annotated[FactRef | None, "The fact that ended it; null while it lasts."]


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
        case PointTariffChangeWithdrawn() as e:
            row = table[fact.key, e.supplied]
            left = tuple(t for t in row.tariffs if t.since != e.since)
            table[fact.key, e.supplied] = replace(row, tariffs=left)
        case PointVacated() | PointMoveOutCorrected() as e:
            row = table[fact.key, e.supplied]
            table[fact.key, e.supplied] = replace(row, until=e.until, ended=fact.ref)
        case PointSupplyWithdrawn() as e:
            table.pop((fact.key, e.supplied))


def _supply_key(fact: Fact) -> tuple[str, date]:
    e = fact.event
    return fact.key, e.since if isinstance(e, PointSupplied) else e.supplied


supplies = Projection(
    name="supplies",
    version=2,
    row=Supply,
    key=("point", "since"),
    events=(
        PointSupplied,
        PointSupplyWithdrawn,
        PointTariffChanged,
        PointTariffChangeWithdrawn,
        PointVacated,
        PointMoveOutCorrected,
    ),
    keys=lambda fact: (_supply_key(fact),),
    project=_supplies,
    indexes=(("account",),),
    since="since",
    until="until",
    filters=("point", "account", "since"),
    links=(
        Link("point", points, "Where.", Back("supplies", "Who took supply here.", short=True)),
        Link(
            "account",
            accounts,
            "Whose.",
            Back("supplies", "Where it took supply, and when.", ("since",), short=True),
        ),
    ),
)


# What was agreed for a supply


@dataclass(frozen=True, slots=True)
class Terms:
    """One row for each day from which terms of a supply count, until the next; W and VA."""

    point: str
    supplied: date  # the first day of the supply
    since: date
    account: str
    contract: str | None
    capacity_va: int | None
    contract_w: int | None
    power_factor: Decimal | None
    persons: int
    exempt: tuple[str, ...]
    contract_by_period: tuple[ContractByPeriod, ...]
    fact: str


def _terms(table: Table[tuple[str, date, date], Terms], fact: Fact) -> None:
    e = fact.event
    if isinstance(e, PointTermsWithdrawn):
        table.pop((fact.key, e.supplied, e.since))
        return
    table[fact.key, e.supplied, e.since] = Terms(
        point=fact.key,
        supplied=e.supplied,
        since=e.since,
        account=e.account,
        contract=e.contract,
        capacity_va=e.capacity_va,
        contract_w=e.contract_w,
        power_factor=e.power_factor,
        persons=e.persons,
        exempt=e.exempt,
        contract_by_period=e.contract_by_period,
        fact=fact.ref,
    )


terms = Projection(
    name="terms",
    version=3,
    row=Terms,
    key=("point", "supplied", "since"),
    events=(PointTermsAgreed, PointTermsWithdrawn),
    keys=lambda fact: ((fact.key, fact.event.supplied, fact.event.since),),
    project=_terms,
)


# Which points an account ever took supply at, and by which tariffs: what was withdrawn, too


@dataclass(frozen=True, slots=True)
class SuppliedPoint:
    """An account was said to take supply at a point; what is taken back since stays here."""

    account: str
    point: str


def _supplied_points(table: Table[tuple[str, str], SuppliedPoint], fact: Fact) -> None:
    account = fact.event.account
    table[account, fact.key] = SuppliedPoint(account, fact.key)


supplied_points = Projection(
    name="supplied_points",
    version=1,
    row=SuppliedPoint,
    key=("account", "point"),
    events=(PointSupplied,),
    keys=lambda fact: ((fact.event.account, fact.key),),
    project=_supplied_points,
    indexes=(("point",),),
)


@dataclass(frozen=True, slots=True)
class PricedAccount:
    """A tariff was said to price supply of an account; what is taken back stays here."""

    tariff: str
    account: str


def _priced_accounts(table: Table[tuple[str, str], PricedAccount], fact: Fact) -> None:
    e = fact.event
    table[e.tariff, e.account] = PricedAccount(e.tariff, e.account)


priced_accounts = Projection(
    name="priced_accounts",
    version=1,
    row=PricedAccount,
    key=("tariff", "account"),
    events=(PointSupplied, PointTariffChanged),
    keys=lambda fact: ((fact.event.tariff, fact.event.account),),
    project=_priced_accounts,
    indexes=(("account",),),
)
