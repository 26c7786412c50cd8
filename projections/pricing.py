"""Tariffs: the draft at hand, and every version that was published."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from domain.kit import Fact
from domain.pricing.tariff import (
    TariffApproved,
    TariffDocument,
    TariffDrafted,
    TariffPublished,
    TariffVersionWithdrawn,
)
from projections.kit.table import Projection, Table

# The tariff


@dataclass(frozen=True, slots=True)
class Tariff:
    """One row a tariff; `draft` is what waits to be approved or published."""

    tariff: str
    name: str
    currency: str
    versions: int
    draft: TariffDocument | None
    drafted_by: str | None
    approved_by: str | None


def _tariffs(table: Table[str, Tariff], fact: Fact) -> None:
    old = table.get(fact.key)
    match fact.event:
        case TariffDrafted() as e:
            name, currency = e.document.name, e.document.currency
            count = old.versions if old else 0
            table[fact.key] = Tariff(
                fact.key, name, currency, count, e.document, e.drafted_by, None
            )
        case TariffApproved() as e if old:
            table[fact.key] = replace(old, approved_by=e.approved_by)
        case TariffPublished() as e if old:
            table[fact.key] = replace(
                old, versions=e.version, draft=None, drafted_by=None, approved_by=None
            )


tariffs = Projection(
    name="tariffs",
    version=2,
    row=Tariff,
    key=("tariff",),
    events=(TariffDrafted, TariffApproved, TariffPublished),
    keys=lambda fact: (fact.key,),
    project=_tariffs,
)


# Its versions


@dataclass(frozen=True, slots=True)
class PublishedTariff:
    """One row a version: in force from `since` until a later one is, unless withdrawn."""

    tariff: str
    version: int
    since: date
    document: TariffDocument
    fact: str
    withdrawn: str | None  # the fact that took it back


def _versions(table: Table[tuple[str, int], PublishedTariff], fact: Fact) -> None:
    match fact.event:
        case TariffPublished() as e:
            table[fact.key, e.version] = PublishedTariff(
                fact.key, e.version, e.since, e.document, fact.ref, None
            )
        case TariffVersionWithdrawn() as e:
            row = table[fact.key, e.version]
            table[fact.key, e.version] = replace(row, withdrawn=fact.ref)


tariff_versions = Projection(
    name="tariff_versions",
    version=3,
    row=PublishedTariff,
    key=("tariff", "version"),
    events=(TariffPublished, TariffVersionWithdrawn),
    keys=lambda fact: ((fact.key, fact.event.version),),
    project=_versions,
)
