"""The books: the journal, and the trial balance that it adds up to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated

import strawberry

from api.graphql import customers as people
from api.graphql.across import AnAccount
from api.graphql.paging import (
    After,
    Connection,
    First,
    Order,
    Page,
    Reverse,
    linked,
    page_of,
)
from api.graphql.scalars import Money, Position
from api.graphql.view import BatchLoader, Info, KnownAt, MinPosition, View, equal, on
from domain.books.chart import CHART
from projections import books as rows
from projections.customers import accounts
from projections.kit.table import Where

JOURNAL = Order(rows.journal)


@strawberry.type(description="The tax that a posting is of.")
class Tax:
    code: str = strawberry.field(description="The code of the charge: VAT.")
    rate: Decimal = strawberry.field(description="0.13 is 13 %.")
    base: Money = strawberry.field(description="What it is a tax on.")


@strawberry.type(description="One posting of the journal.")
class JournalLine:
    position: Position = strawberry.field(
        description="The place in history of the fact; postings of one entry have the same."
    )
    code: str = strawberry.field(description="The ledger account: 1200.")
    name: str = strawberry.field(description="Its name: Customers: receivable.")
    on: date = strawberry.field(description="The day it is posted.")
    about: date = strawberry.field(
        description="The last day of the period that the business is about; of a payment, `on`."
    )
    month: str = strawberry.field(description="The month it is posted in: 2026-03.")
    kind: str = strawberry.field(description="What caused it: bill, note, payment, return.")
    document: str = strawberry.field(
        description="The number of the bill, the note or the receipt."
    )
    due: date | None = strawberry.field(description="By when what it debits is to be paid.")
    ledger_class: str | None = strawberry.field(
        description="What was charged for: energy, demand, tax; null where nothing was."
    )
    tax: Tax | None = strawberry.field(description="Of a tax: which, and on what.")
    text: str = strawberry.field(description="What for: kind and document.")
    amount: Money = strawberry.field(description="Debit positive, credit negative.")
    fact: strawberry.ID = strawberry.field(description="The fact that is posted.")
    row: strawberry.Private[rows.JournalLine]
    group: strawberry.Private[BatchLoader[rows.JournalLine]]

    @strawberry.field(description="The customer's account it concerns.")
    def account(self) -> AnAccount | None:
        key = self.row.account
        return linked(self.group, "account", key, accounts, people.accounts_of)


@strawberry.type(description="A ledger account with all that was posted to it.")
class LedgerBalance:
    code: str = strawberry.field(description="The ledger account: 1200.")
    name: str = strawberry.field(description="Its name: Customers: receivable.")
    debits: Money = strawberry.field(description="All debits.")
    credits: Money = strawberry.field(description="All credits.")
    balance: Money = strawberry.field(description="Debits less credits.")


@strawberry.type(description="All ledger accounts side by side.")
class TrialBalance:
    lines: list[LedgerBalance] = strawberry.field(description="By code.")
    total: Money = strawberry.field(description="The sum of the balances: zero, always.")


def journal_of(view: View, found: Sequence[rows.JournalLine]) -> list[JournalLine]:
    """Rows as postings."""
    group = BatchLoader(view, found)
    return [
        JournalLine(
            position=Position(r.position),
            code=r.code,
            name=CHART.get(r.code, r.code),
            on=r.on,
            about=r.about,
            month=r.month,
            kind=r.source,
            document=r.document,
            due=r.due,
            ledger_class=r.ledger_class or None,
            tax=_tax(view, r),
            text=r.text,
            amount=view.money(r.amount),
            fact=strawberry.ID(r.fact),
            row=r,
            group=group,
        )
        for r in found
    ]


def _tax(view: View, row: rows.JournalLine) -> Tax | None:
    if row.rate is None or row.base is None:
        return None
    return Tax(code=row.tax_code, rate=row.rate, base=view.money(row.base))


def _balances(view: View) -> list[rows.LedgerBalance]:
    if view.as_of is None:
        return view.find(rows.trial_balance)
    posted = view.dated("on")
    debits = view.sums(rows.journal, "amount", *posted, Where("amount", ">", 0), by="code")
    credits_ = view.sums(rows.journal, "amount", *posted, Where("amount", "<", 0), by="code")
    sides = {code: (debits.get(code, 0), -credits_.get(code, 0)) for code in debits | credits_}
    return [
        rows.LedgerBalance(code, CHART.get(code, code), debit, credit, debit - credit)
        for code, (debit, credit) in sorted(sides.items())
    ]


POSTED = on("What is posted on or before it.")


@strawberry.type
class BooksQuery:
    @strawberry.field(description="The journal, in the order recorded.")
    def journal(
        self,
        info: Info,
        code: Annotated[
            str | None, strawberry.argument(description="Only this ledger account.")
        ] = None,
        account: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="Only what concerns this customer's account."),
        ] = None,
        since: Annotated[
            date | None,
            strawberry.argument(description="Only what is posted from this day on."),
        ] = None,
        until: Annotated[
            date | None, strawberry.argument(description="Only what is posted before this day.")
        ] = None,
        first: First = 20,
        after: After = None,
        reverse: Reverse = False,
        as_of: Annotated[date | None, POSTED] = None,
        known_at: KnownAt = None,
        min_position: MinPosition = None,
    ) -> Connection[JournalLine]:
        view = info.context.view(as_of, known_at, min_position)
        where = [*view.dated("on"), *equal("code", code), *equal("account", account)]
        where += [Where("on", ">=", since)] if since is not None else []
        where += [Where("on", "<", until)] if until is not None else []
        return page_of(view, JOURNAL, Page(first, after, reverse), journal_of, where)

    @strawberry.field(description="The trial balance.")
    def trial_balance(
        self,
        info: Info,
        as_of: Annotated[date | None, POSTED] = None,
        known_at: KnownAt = None,
        min_position: MinPosition = None,
    ) -> TrialBalance:
        view = info.context.view(as_of, known_at, min_position)
        found = _balances(view)
        lines = [
            LedgerBalance(
                code=r.code,
                name=r.name,
                debits=view.money(r.debits),
                credits=view.money(r.credits),
                balance=view.money(r.balance),
            )
            for r in found
        ]
        return TrialBalance(lines=lines, total=view.money(sum(r.balance for r in found)))
