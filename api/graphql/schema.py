"""The schema: `Query` is now, `at` has the same roots at a moment; scalars and limits."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Annotated, Any

import strawberry
from strawberry.extensions import MaxTokensLimiter
from strawberry.schema.config import StrawberryConfig

# These declare what is by hand.
from api.graphql import (  # noqa: F401
    billing,
    books,
    customers,
    facts,
    metering,
    network,
    organisation,
    pricing,
    readings,
    receivables,
    search,
    timeline,
)
from api.graphql.catalogue import MODELS
from api.graphql.errors import Problem
from api.graphql.limits import TOKENS, Documents, Limits
from api.graphql.models import complete
from api.graphql.roots import Snapshot, add_roots
from api.graphql.scalars import SCALARS, Moment, read_position
from api.graphql.view import AsOf, Info, KnownAt, MinPosition, Node, decoded


@strawberry.type(
    description="Everything that can be asked, as it is now; `at` chooses another moment. All"
    " roots of one request are answered from one moment."
)
class Query:
    @strawberry.field(
        description="The same roots as they were known at a moment, on a business date, or not"
        " before what you wrote can be read. Everything nested inherits it."
    )
    def at(
        self,
        info: Info,
        as_of: AsOf = None,
        known_at: KnownAt = None,
        min_position: MinPosition = None,
    ) -> Snapshot:
        view = info.context.view(as_of, known_at, min_position)
        return Snapshot(view=replace(view, pinned=as_of is not None or known_at is not None))

    @strawberry.field(description="The thing that an id names, at the moment the id names.")
    def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="An `id` told before.")],
    ) -> Node | None:
        try:
            kind, key, *moment = decoded(id)
            as_of, position = moment or (None, None)
            day = date.fromisoformat(as_of) if as_of else None
            known = None if position is None else Moment(position=read_position(position))
            find = FOUND[kind]
        except (ValueError, TypeError, KeyError):
            raise Problem("BAD_ID", "This is not an id of anything here.") from None
        view = replace(info.context.view(day, known, None), pinned=bool(moment))
        try:
            found: Node | None = find(view, key)
        except (ValueError, TypeError, LookupError):
            raise Problem("BAD_ID", "This is not an id of anything here.") from None
        return found


class Schema(strawberry.Schema):
    """Errors are logged where it is known whether they are ours: see errors.py."""

    def process_errors(self, *_: object) -> None:
        """Nothing is logged here."""


FOUND: dict[str, Any] = {
    **{model.name: model.by_key for model in MODELS.values()},
    "Meter": metering.meter_by_key,
    "Fact": facts.fact_by_key,
}
DOCUMENTS = Documents()

complete(MODELS)
for each in (Query, Snapshot):
    add_roots(each, list(MODELS.values()))

schema = Schema(
    Query,
    types=[model.type for model in MODELS.values()],
    config=StrawberryConfig(scalar_map=SCALARS),
    extensions=[lambda: MaxTokensLimiter(TOKENS), lambda: Limits(DOCUMENTS)],
)
