"""How the files of this package name each other's types: read when the schema is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import strawberry

if TYPE_CHECKING:
    from api.graphql.billing import Bill
    from api.graphql.customers import Account
    from api.graphql.network import Supply
    from api.graphql.receivables import Payment, Settlement

AnAccount: TypeAlias = Annotated["Account", strawberry.lazy("api.graphql.customers")]
ABill: TypeAlias = Annotated["Bill", strawberry.lazy("api.graphql.billing")]
APayment: TypeAlias = Annotated["Payment", strawberry.lazy("api.graphql.receivables")]
ASettlement: TypeAlias = Annotated["Settlement", strawberry.lazy("api.graphql.receivables")]
ASupply: TypeAlias = Annotated["Supply", strawberry.lazy("api.graphql.network")]
