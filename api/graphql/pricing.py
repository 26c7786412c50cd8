"""Tariffs: the draft at hand, the versions published, and the one in force on a day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated

import strawberry
from pydantic import TypeAdapter
from strawberry.scalars import JSON

from api.graphql.paging import After, Connection, First, Order, Page, Reverse, listed, page_of
from api.graphql.view import BatchLoader, Info, KnownAt, MinPosition, View, on
from domain.pricing.tariff import TariffDocument
from projections import pricing as rows

TARIFFS = Order(rows.tariffs)
VERSIONS = Order(rows.tariff_versions)
DOCUMENT = TypeAdapter(TariffDocument)


@strawberry.type(description="What the utility charges, version by version.")
class Tariff:
    id: strawberry.ID = strawberry.field(description="Its key: HOME.")
    name: str = strawberry.field(description="Its name, the newest drafted.")
    currency: str = strawberry.field(description="Its currency, ISO 4217.")
    draft: TariffDraft | None = strawberry.field(
        description="What waits to be approved or published, if anything."
    )
    group: strawberry.Private[BatchLoader[rows.Tariff]]

    @strawberry.field(
        description="What was published, in order. `asOf`: versions from that day or before."
    )
    def versions(self) -> list[TariffVersion]:
        since = self.group.view.dated("since")
        return listed(self.group, self.id, VERSIONS, versions_of, "tariff", since)

    @strawberry.field(
        description="The version in force on a day: of those whose day has come the latest; of"
        " two from one day the higher number."
    )
    def in_force(
        self,
        on: Annotated[
            date | None,
            strawberry.argument(
                description="The day; not given: `asOf`, or else today at the utility."
            ),
        ] = None,
    ) -> TariffVersion | None:
        day = on or self.group.view.day
        mine = listed(self.group, self.id, VERSIONS, versions_of, "tariff")
        begun = [one for one in mine if one.since <= day and one.withdrawn is None]
        return max(begun, key=lambda one: (one.since, one.version), default=None)


@strawberry.type(description="What somebody drafted and nobody published yet.")
class TariffDraft:
    document: JSON = strawberry.field(description="The tariff document.")
    drafted_by: str | None = strawberry.field(description="Who drafted it.")
    approved_by: str | None = strawberry.field(
        description="Who approved it, if anybody: someone other than who drafted it."
    )


@strawberry.type(description="A published document: in force from a day until a later one is.")
class TariffVersion:
    tariff: strawberry.ID = strawberry.field(description="Of which tariff.")
    version: int = strawberry.field(description="1, 2, 3 …")
    since: date = strawberry.field(description="The first day it prices.")
    document: JSON = strawberry.field(
        description="The charges in the order of their calculation, and their calendars."
    )
    fact: strawberry.ID = strawberry.field(
        description="The fact that published it: `touched(fact:)` finds the bills it moves."
    )
    withdrawn: strawberry.ID | None = strawberry.field(
        description="The fact that took it back, if any: it prices no day any more."
    )


def tariffs_of(view: View, found: Sequence[rows.Tariff]) -> list[Tariff]:
    """Rows as tariffs."""
    group = BatchLoader(view, found)
    return [
        Tariff(
            id=strawberry.ID(r.tariff),
            name=r.name,
            currency=r.currency,
            draft=_draft(r),
            group=group,
        )
        for r in found
    ]


def _draft(row: rows.Tariff) -> TariffDraft | None:
    if row.draft is None:
        return None
    return TariffDraft(
        document=JSON(DOCUMENT.dump_python(row.draft, mode="json")),
        drafted_by=row.drafted_by,
        approved_by=row.approved_by,
    )


def versions_of(_: View, found: Sequence[rows.PublishedTariff]) -> list[TariffVersion]:
    """Rows as versions."""
    return [
        TariffVersion(
            tariff=strawberry.ID(r.tariff),
            version=r.version,
            since=r.since,
            document=JSON(DOCUMENT.dump_python(r.document, mode="json")),
            fact=strawberry.ID(r.fact),
            withdrawn=None if r.withdrawn is None else strawberry.ID(r.withdrawn),
        )
        for r in found
    ]


DATED = on("The version in force is the one of that day, and later versions are not listed.")


@strawberry.type
class PricesQuery:
    @strawberry.field(description="One tariff by key; null if none was drafted.")
    def tariff(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The key.")],
        as_of: Annotated[date | None, DATED] = None,
        known_at: KnownAt = None,
        min_position: MinPosition = None,
    ) -> Tariff | None:
        view = info.context.view(as_of, known_at, min_position)
        row = view.get(rows.tariffs, id)
        return tariffs_of(view, [row])[0] if row else None

    @strawberry.field(description="Tariffs, by key.")
    def tariffs(
        self,
        info: Info,
        first: First = 20,
        after: After = None,
        reverse: Reverse = False,
        as_of: Annotated[date | None, DATED] = None,
        known_at: KnownAt = None,
        min_position: MinPosition = None,
    ) -> Connection[Tariff]:
        view = info.context.view(as_of, known_at, min_position)
        return page_of(view, TARIFFS, Page(first, after, reverse), tariffs_of)
