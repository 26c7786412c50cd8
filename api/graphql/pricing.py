"""Tariffs: the draft at hand, the documents published, and the one in force on a day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import strawberry
from pydantic import TypeAdapter
from strawberry.scalars import JSON

from api.graphql.catalogue import MODELS
from api.graphql.models import computed
from api.graphql.view import View
from domain.pricing.tariff import TariffDocument
from projections import pricing as rows

if TYPE_CHECKING:
    TariffVersion: TypeAlias = Any
else:
    TariffVersion = MODELS[rows.tariff_versions].type

DOCUMENT = TypeAdapter(TariffDocument)
Day: TypeAlias = Annotated[
    date | None,
    strawberry.argument(description="The day; else `asOf`, or today at the utility."),
]


@strawberry.type(description="What somebody drafted and nobody published yet.")
class TariffDraft:
    document: JSON = strawberry.field(description="The tariff document.")
    drafted_by: str | None = strawberry.field(description="Who drafted it.")
    approved_by: str | None = strawberry.field(
        description="Who approved it, if anybody: someone other than who drafted it."
    )


@computed(rows.tariffs)
def draft(view: View, found: Sequence[rows.Tariff]) -> list[TariffDraft | None]:  # noqa: ARG001
    """What waits to be approved or published, if anything."""
    return [
        None
        if row.draft is None
        else TariffDraft(
            document=JSON(DOCUMENT.dump_python(row.draft, mode="json")),
            drafted_by=row.drafted_by,
            approved_by=row.approved_by,
        )
        for row in found
    ]


@computed(rows.tariffs)
def in_force(
    view: View, found: Sequence[rows.Tariff], on: Day = None
) -> list[TariffVersion | None]:
    """
    The version in force on a day: of those whose day has come the latest.

    Of two from one day the higher number.
    """
    day = on or view.day
    versions = view.among(rows.tariff_versions, "tariff", [row.tariff for row in found])
    begun = [one for one in versions if one.since <= day and one.withdrawn is None]
    newest = {
        one.tariff: one for one in sorted(begun, key=lambda one: (one.since, one.version))
    }
    nodes = MODELS[rows.tariff_versions].nodes(view, list(newest.values()))
    by_tariff = dict(zip(newest, nodes, strict=True))
    return [by_tariff.get(row.tariff) for row in found]


@computed(rows.tariff_versions)
def document(view: View, found: Sequence[rows.TariffVersion]) -> list[JSON]:  # noqa: ARG001
    """The charges in the order of their calculation, and their calendars."""
    return [JSON(DOCUMENT.dump_python(row.document, mode="json")) for row in found]
