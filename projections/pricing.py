"""Tariffs: the draft at hand, and every version that was published."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated

from domain.kit import Fact
from domain.pricing.tariff import (
    TariffApproved,
    TariffDocument,
    TariffDrafted,
    TariffPublished,
    TariffVersionWithdrawn,
)
from projections.kit.declaration import Back, FactRef, Link
from projections.kit.table import Projection, Table

# The tariff


@dataclass(frozen=True, slots=True)
class Tariff:
    """What the utility charges, version by version."""

    tariff: Annotated[str, "Its key: HOME."]
    name: Annotated[str, "Its name, the newest drafted."]
    currency: Annotated[str, "Its currency, ISO 4217."]
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
class TariffVersion:
    """A published document: in force from a day until a later one is, unless withdrawn."""

    tariff: str
    version: Annotated[int, "1, 2, 3 …"]
    since: Annotated[date, "The first day it prices."]
    document: TariffDocument
    fact: Annotated[FactRef, "The fact: `touched(fact:)` finds the bills it moves."]
    withdrawn: Annotated[FactRef | None, "The fact that took it back, if any."]


def _versions(table: Table[tuple[str, int], TariffVersion], fact: Fact) -> None:
    match fact.event:
        case TariffPublished() as e:
            table[fact.key, e.version] = TariffVersion(
                fact.key, e.version, e.since, e.document, fact.ref, None
            )
        case TariffVersionWithdrawn() as e:
            row = table[fact.key, e.version]
            table[fact.key, e.version] = replace(row, withdrawn=fact.ref)


tariff_versions = Projection(
    name="tariff_versions",
    version=3,
    row=TariffVersion,
    key=("tariff", "version"),
    events=(TariffPublished, TariffVersionWithdrawn),
    keys=lambda fact: ((fact.key, fact.event.version),),
    project=_versions,
    since="since",
    filters=("tariff", "since"),
    links=(
        Link(
            "tariff",
            tariffs,
            "Of which tariff.",
            Back("versions", "What was published, in order.", short=True),
        ),
    ),
)
