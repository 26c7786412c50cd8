"""The schema: every root in one query type, its scalars and its limits."""

from __future__ import annotations

import strawberry
from strawberry.extensions import MaxTokensLimiter
from strawberry.schema.config import StrawberryConfig

from api.graphql.billing import BillingQuery
from api.graphql.books import BooksQuery
from api.graphql.customers import PeopleQuery
from api.graphql.facts import FactsQuery
from api.graphql.limits import TOKENS, Documents, Limits
from api.graphql.metering import UsageQuery
from api.graphql.network import PlacesQuery
from api.graphql.pricing import PricesQuery
from api.graphql.receivables import PaymentsQuery
from api.graphql.scalars import SCALARS


@strawberry.type(
    description="Everything that can be asked. Each root takes `asOf` (the business date to"
    " stand on), `knownAt` (how far history is to be known) and `minPosition` (wait until you"
    " can read what you wrote). All roots of one request are answered from one moment."
)
class Query(
    PeopleQuery,
    PlacesQuery,
    UsageQuery,
    PricesQuery,
    BillingQuery,
    PaymentsQuery,
    BooksQuery,
    FactsQuery,
):
    pass


class Schema(strawberry.Schema):
    """Errors are logged where it is known whether they are ours: see errors.py."""

    def process_errors(self, *_: object) -> None:
        """Nothing is logged here."""


DOCUMENTS = Documents()

schema = Schema(
    Query,
    config=StrawberryConfig(scalar_map=SCALARS),
    extensions=[
        lambda: MaxTokensLimiter(TOKENS),
        lambda: Limits(DOCUMENTS),
    ],
)
