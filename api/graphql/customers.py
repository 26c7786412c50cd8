"""Customers, their accounts, and what moved each account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated

import strawberry

from api.graphql import billing
from api.graphql import network as places
from api.graphql import receivables as payments
from api.graphql.across import ABill, APayment, ASupply
from api.graphql.paging import (
    After,
    Connection,
    First,
    Order,
    Page,
    Reverse,
    linked,
    listed,
    nested,
    page_of,
)
from api.graphql.scalars import Money, Position
from api.graphql.view import BatchLoader, Info, KnownAt, MinPosition, View, equal, on
from projections import customers as rows
from projections.network import supplies

CUSTOMERS = Order(rows.customers)
ACCOUNTS = Order(rows.accounts)
MOVEMENTS = Order(rows.movements)
SUPPLIES = Order(supplies, ("since",))


@strawberry.type(description="A person or a firm that holds accounts.")
class Customer:
    id: strawberry.ID = strawberry.field(description="Its number: C000120.")
    name: str = strawberry.field(description="Its name.")
    contact: str | None = strawberry.field(description="How to reach it, as it was told.")
    group: strawberry.Private[BatchLoader[rows.Customer]]

    @strawberry.field(
        description="Its accounts, by number. `asOf`: those opened on or before that day."
    )
    def accounts(
        self, first: First = 20, after: After = None, reverse: Reverse = False
    ) -> Connection[Account]:
        page, opened = Page(first, after, reverse), self.group.view.dated("opened")
        return nested(self.group, self.id, ACCOUNTS, page, accounts_of, "customer", opened)


@strawberry.type(description="What a customer owes and is owed: bills, payments, supplies.")
class Account:
    id: strawberry.ID = strawberry.field(description="Its number: 000120.")
    opened: date = strawberry.field(description="The day it was opened.")
    row: strawberry.Private[rows.Account]
    group: strawberry.Private[BatchLoader[rows.Account]]

    @strawberry.field(description="Whose it is.")
    def customer(self) -> Customer | None:
        key = self.row.customer
        return linked(self.group, "customer", key, rows.customers, customers_of)

    @strawberry.field(
        description="What is owed, net of the credit that is held; negative: the utility owes."
        " The sum of the account's movements; `asOf`: of those dated on or before it."
    )
    def balance(self) -> Money:
        view = self.group.view
        whole = view.as_of is None
        return view.money(self.row.balance if whole else view.settled(self.id).balance)

    @strawberry.field(
        description="What is held for the customer: paid, and owed for nothing yet. `asOf`:"
        " from the movements dated on or before it."
    )
    def credit_held(self) -> Money:
        view = self.group.view
        whole = view.as_of is None
        return view.money(self.row.held if whole else view.settled(self.id).held)

    @strawberry.field(
        description="Its bills, by the first day they are for. `asOf`: those issued on or"
        " before that day."
    )
    def bills(
        self, first: First = 20, after: After = None, reverse: Reverse = False
    ) -> Connection[ABill]:
        page, issued = Page(first, after, reverse), self.group.view.dated("on")
        return nested(
            self.group, self.id, billing.BILLS, page, billing.bills_of, "account", issued
        )

    @strawberry.field(
        description="The payments that came in for it, by day. `asOf`: those received on or"
        " before that day."
    )
    def payments(
        self, first: First = 20, after: After = None, reverse: Reverse = False
    ) -> Connection[APayment]:
        page, received = Page(first, after, reverse), self.group.view.dated("on")
        return nested(
            self.group,
            self.id,
            payments.PAYMENTS,
            page,
            payments.payments_of,
            "account",
            received,
        )

    @strawberry.field(
        description="Each fact that moved its balance, in the order recorded. `asOf`: those"
        " dated on or before that day."
    )
    def movements(
        self, first: First = 20, after: After = None, reverse: Reverse = False
    ) -> Connection[Movement]:
        page, moved = Page(first, after, reverse), self.group.view.dated("on")
        return nested(self.group, self.id, MOVEMENTS, page, movements_of, "account", moved)

    @strawberry.field(
        description="Where it took supply, and when. `asOf`: the supplies that cover that day."
    )
    def supplies(self) -> list[ASupply]:
        view = self.group.view
        return listed(
            self.group,
            self.id,
            SUPPLIES,
            places.supplies_of,
            "account",
            view.dated("since"),
            keep=places.lasting(view),
        )


@strawberry.type(description="One fact that moved the balance of an account.")
class Movement:
    position: Position = strawberry.field(description="Its place in history.")
    kind: str = strawberry.field(
        description="What caused it: bill, note (a correction), payment, or return (of a"
        " payment)."
    )
    reference: str = strawberry.field(
        description="The number of the bill, of the note, or of the payment."
    )
    on: date = strawberry.field(description="The day it is dated.")
    due: date | None = strawberry.field(description="By when it is to be paid, if it is.")
    amount: Money = strawberry.field(description="Owed more: positive. Owed less: negative.")
    fact: strawberry.ID = strawberry.field(description="The fact itself: account-000120@4.")


def customers_of(view: View, found: Sequence[rows.Customer]) -> list[Customer]:
    """Rows as customers."""
    group = BatchLoader(view, found)
    return [
        Customer(id=strawberry.ID(r.customer), name=r.name, contact=r.contact, group=group)
        for r in found
    ]


def accounts_of(view: View, found: Sequence[rows.Account]) -> list[Account]:
    """Rows as accounts."""
    group = BatchLoader(view, found)
    return [
        Account(id=strawberry.ID(r.account), opened=r.opened, row=r, group=group) for r in found
    ]


def movements_of(view: View, found: Sequence[rows.Movement]) -> list[Movement]:
    """Rows as movements."""
    return [
        Movement(
            position=Position(r.position),
            kind=r.kind,
            reference=r.reference,
            on=r.on,
            due=r.due,
            amount=view.money(r.amount),
            fact=strawberry.ID(r.fact),
        )
        for r in found
    ]


UNDATED = on("It filters no customer, for the day of registration is not kept.")
OPENED = on("An account is there from the day it was opened.")


@strawberry.type
class PeopleQuery:
    @strawberry.field(description="One customer by number; null if none is registered.")
    def customer(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The number.")],
        as_of: Annotated[date | None, UNDATED] = None,
        known_at: KnownAt = None,
        min_position: MinPosition = None,
    ) -> Customer | None:
        view = info.context.view(as_of, known_at, min_position)
        row = view.get(rows.customers, id)
        return customers_of(view, [row])[0] if row else None

    @strawberry.field(description="Customers, by number.")
    def customers(
        self,
        info: Info,
        first: First = 20,
        after: After = None,
        reverse: Reverse = False,
        as_of: Annotated[date | None, UNDATED] = None,
        known_at: KnownAt = None,
        min_position: MinPosition = None,
    ) -> Connection[Customer]:
        view = info.context.view(as_of, known_at, min_position)
        return page_of(view, CUSTOMERS, Page(first, after, reverse), customers_of)

    @strawberry.field(description="One account by number; null if none is open.")
    def account(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The number: 000120.")],
        as_of: Annotated[date | None, OPENED] = None,
        known_at: KnownAt = None,
        min_position: MinPosition = None,
    ) -> Account | None:
        view = info.context.view(as_of, known_at, min_position)
        row = view.get(rows.accounts, id)
        there = row is not None and (as_of is None or row.opened <= as_of)
        return accounts_of(view, [row])[0] if row and there else None

    @strawberry.field(description="Accounts, by number.")
    def accounts(
        self,
        info: Info,
        customer: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only those of a customer.")
        ] = None,
        first: First = 20,
        after: After = None,
        reverse: Reverse = False,
        as_of: Annotated[date | None, OPENED] = None,
        known_at: KnownAt = None,
        min_position: MinPosition = None,
    ) -> Connection[Account]:
        view = info.context.view(as_of, known_at, min_position)
        where = [*view.dated("opened"), *equal("customer", customer)]
        return page_of(view, ACCOUNTS, Page(first, after, reverse), accounts_of, where)
