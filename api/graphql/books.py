"""The names of ledger accounts, and the trial balance that the journal adds up to."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import strawberry

from api.graphql.models import computed
from api.graphql.roots import root
from api.graphql.scalars import Money
from api.graphql.view import View
from domain.books.chart import CHART
from projections import books as rows
from projections.kit.table import Where


@computed(rows.journal)
def name(view: View, found: Sequence[rows.JournalLine]) -> list[str]:  # noqa: ARG001
    """The name of the ledger account: Customers: receivable."""
    return [CHART.get(row.code, row.code) for row in found]


@strawberry.type(description="The tax that a posting is of.")
class Tax:
    code: str = strawberry.field(description="The code of the charge: VAT.")
    rate: Decimal = strawberry.field(description="0.13 is 13 %.")
    base: Money = strawberry.field(description="What it is a tax on.")


@computed(rows.journal)
def tax(view: View, found: Sequence[rows.JournalLine]) -> list[Tax | None]:
    """Of a tax: which, and on what."""
    return [
        None
        if row.rate is None or row.base is None
        else Tax(code=row.tax_code, rate=row.rate, base=view.money(row.base))
        for row in found
    ]


@computed(rows.journal)
def ledger_class(view: View, found: Sequence[rows.JournalLine]) -> list[str | None]:  # noqa: ARG001
    """What was charged for: energy, demand, tax; null where nothing was."""
    return [row.ledger_class or None for row in found]


@computed(rows.journal)
def text(view: View, found: Sequence[rows.JournalLine]) -> list[str]:  # noqa: ARG001
    """What for: bill 000120-2026-03."""
    return [row.text for row in found]


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


def _balances(view: View) -> list[rows.LedgerBalance]:
    if view.as_of is None:
        return view.find(rows.trial_balance)
    posted = view.there(rows.journal)
    debits = view.sums(rows.journal, "amount", *posted, Where("amount", ">", 0), by="code")
    credits_ = view.sums(rows.journal, "amount", *posted, Where("amount", "<", 0), by="code")
    sides = {code: (debits.get(code, 0), -credits_.get(code, 0)) for code in debits | credits_}
    return [
        rows.LedgerBalance(code, CHART.get(code, code), debit, credit, debit - credit)
        for code, (debit, credit) in sorted(sides.items())
    ]


@root()
def trial_balance(view: View) -> TrialBalance:
    """The trial balance; `asOf`: of what is posted on or before it."""
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
