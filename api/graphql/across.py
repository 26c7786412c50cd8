"""How the files of this package name each other's types: read when the schema is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import strawberry

if TYPE_CHECKING:
    from api.graphql.billing import Bill
    from api.graphql.payments import Payment, Settlement
    from api.graphql.people import Account
    from api.graphql.places import Supply

AnAccount: TypeAlias = Annotated["Account", strawberry.lazy("api.graphql.people")]
ABill: TypeAlias = Annotated["Bill", strawberry.lazy("api.graphql.billing")]
APayment: TypeAlias = Annotated["Payment", strawberry.lazy("api.graphql.payments")]
ASettlement: TypeAlias = Annotated["Settlement", strawberry.lazy("api.graphql.payments")]
ASupply: TypeAlias = Annotated["Supply", strawberry.lazy("api.graphql.places")]
