"""The utility whose books these are, and its duties."""

from __future__ import annotations

from collections.abc import Sequence

import strawberry
from pydantic import TypeAdapter
from strawberry.scalars import JSON

from api.graphql.models import computed
from api.graphql.roots import root
from api.graphql.scalars import Position
from api.graphql.view import View
from domain.organisation.duties import DutiesDocument
from projections.organisation import DutiesVersion, duties_versions

DOCUMENT = TypeAdapter(DutiesDocument)


@strawberry.type(description="The utility whose books these are.")
class Utility:
    name: str = strawberry.field(description="Its name, as on the bill.")
    currency: str = strawberry.field(description="The currency of its books, ISO 4217.")
    zone: str = strawberry.field(description="The time zone of its days, IANA: Europe/London.")
    due_days: int = strawberry.field(description="How many days after issue a bill is due.")
    position: Position = strawberry.field(
        description="The position of history that this query is answered from: give it as"
        " `knownAt` to see the same again."
    )


@root()
def utility(view: View) -> Utility | None:
    """The settings of the utility; null until it is established."""
    if (row := view.settings) is None:
        return None
    return Utility(
        name=row.name,
        currency=row.currency,
        zone=row.zone,
        due_days=row.due_days,
        position=Position(view.position),
    )


@computed(duties_versions)
def document(view: View, found: Sequence[DutiesVersion]) -> list[JSON]:  # noqa: ARG001
    """What it says: duties with their commands, pairs, and duties kept apart."""
    return [JSON(DOCUMENT.dump_python(row.document, mode="json")) for row in found]
