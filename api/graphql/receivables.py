"""Payments, and what each of them settled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated

import strawberry

from api.graphql import billing
from api.graphql import customers as people
from api.graphql.across import ABill, AnAccount
from api.graphql.paging import (
    After,
    Connection,
    First,
    Order,
    Page,
    Reverse,
    linked,
    listed,
    page_of,
)
from api.graphql.scalars import Money, Position
from api.graphql.view import BatchLoader, Info, KnownAt, MinPosition, View, equal, on
from projections import customers as settled
from projections import receivables as rows
from projections.billing import bills
from projections.customers import accounts

PAYMENTS = Order(rows.payments, ("on",))
SETTLED = Order(settled.settlements)


@strawberry.type(description="Money that came in, and now and then went back.")
class Payment:
    id: strawberry.ID = strawberry.field(description="The reference of the payer or the bank.")
    on: date = strawberry.field(description="The day it was received.")
    amount: Money = strawberry.field(description="How much.")
    method: str = strawberry.field(
        description="How: cash, card, cheque, transfer, direct-debit, agent."
    )
    reversed: date | None = strawberry.field(
        description="The day it was taken back; null if it held. `asOf`: null before that day."
    )
    fact: strawberry.ID = strawberry.field(description="The fact that recorded it.")
    row: strawberry.Private[rows.Payment]
    group: strawberry.Private[BatchLoader[rows.Payment]]

    @strawberry.field(description="For which account.")
    def account(self) -> AnAccount | None:
        key = self.row.account
        return linked(self.group, "account", key, accounts, people.accounts_of)

    @strawberry.field(
        description="What it settled, item by item; negative where a reversal reopened it. The"
        " rest is held as credit. `asOf`: what was settled on or before it."
    )
    def settled(self) -> list[Settlement]:
        where = self.group.view.dated("on")
        return listed(
            self.group, self.id, SETTLED, settlements_of, "source", where, of="payment"
        )


@strawberry.type(description="A part of an open item that was settled, or reopened.")
class Settlement:
    item: strawberry.ID = strawberry.field(
        description="The open item: the number of a bill, or of a payment that was returned."
    )
    source: strawberry.ID = strawberry.field(
        description="What it was settled with: a payment, or the bill or note that is a credit."
    )
    on: date = strawberry.field(description="The day.")
    amount: Money = strawberry.field(description="How much; negative: reopened.")
    position: Position = strawberry.field(description="The place in history of the fact.")
    fact: strawberry.ID = strawberry.field(description="The fact that settled it.")
    row: strawberry.Private[settled.Settlement]
    group: strawberry.Private[BatchLoader[settled.Settlement]]

    @strawberry.field(description="The bill, if the item is one.")
    def bill(self) -> ABill | None:
        key = self.row.item
        return linked(self.group, "item", key, bills, billing.bills_of)


def payments_of(view: View, found: Sequence[rows.Payment]) -> list[Payment]:
    """Rows as payments."""
    group = BatchLoader(view, found)
    return [
        Payment(
            id=strawberry.ID(r.payment),
            on=r.on,
            amount=view.money(r.amount),
            method=r.method,
            reversed=_reversed(view, r),
            fact=strawberry.ID(r.fact),
            row=r,
            group=group,
        )
        for r in found
    ]


def _reversed(view: View, row: rows.Payment) -> date | None:
    before = view.as_of and row.reversed and view.as_of < row.reversed
    return None if before else row.reversed


def settlements_of(view: View, found: Sequence[settled.Settlement]) -> list[Settlement]:
    """Rows as settlements."""
    group = BatchLoader(view, found)
    return [
        Settlement(
            item=strawberry.ID(r.item),
            source=strawberry.ID(r.source),
            on=r.on,
            amount=view.money(r.amount),
            position=Position(r.position),
            fact=strawberry.ID(r.fact),
            row=r,
            group=group,
        )
        for r in found
    ]


RECEIVED = on("Payments received on or before it; reversals after it are not seen.")


@strawberry.type
class PaymentsQuery:
    @strawberry.field(description="One payment by reference; null if none is on record.")
    def payment(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The reference.")],
        as_of: Annotated[date | None, RECEIVED] = None,
        known_at: KnownAt = None,
        min_position: MinPosition = None,
    ) -> Payment | None:
        view = info.context.view(as_of, known_at, min_position)
        row = view.get(rows.payments, id)
        there = row is not None and (as_of is None or row.on <= as_of)
        return payments_of(view, [row])[0] if row and there else None

    @strawberry.field(description="Payments, by day and reference.")
    def payments(
        self,
        info: Info,
        account: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only those of an account.")
        ] = None,
        first: First = 20,
        after: After = None,
        reverse: Reverse = False,
        as_of: Annotated[date | None, RECEIVED] = None,
        known_at: KnownAt = None,
        min_position: MinPosition = None,
    ) -> Connection[Payment]:
        view = info.context.view(as_of, known_at, min_position)
        where = [*view.dated("on"), *equal("account", account)]
        return page_of(view, PAYMENTS, Page(first, after, reverse), payments_of, where)
