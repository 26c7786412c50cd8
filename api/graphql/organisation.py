"""The utility whose books these are."""

from __future__ import annotations

import strawberry

from api.graphql.roots import root
from api.graphql.scalars import Position
from api.graphql.view import View


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
