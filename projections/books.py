"""The books: each posting of the journal, and the balance of each ledger account."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Annotated

from domain.books.chart import CHART
from domain.books.entry import Entry, has_entry
from domain.catalogue import EVENTS
from domain.kit import Fact
from projections.customers import accounts
from projections.kit.declaration import Called, FactRef, Link, Minor, Position
from projections.kit.table import Projection, Table

POSTED = tuple(event for event in EVENTS.values() if has_entry(event))
"""The events that have an entry: the ledger is the sum of those, and nothing else."""


def _entry(fact: Fact) -> Entry | None:
    entry: Entry | None = fact.event.entry
    return entry


# The journal


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One posting of the journal."""

    position: Annotated[Position, "Where in history: postings of one entry have the same."]
    line: Annotated[int, "Its place in the entry: 1, 2, 3 …"]
    code: Annotated[str, "The ledger account: 1200."]
    ledger_class: str
    on: Annotated[date, "The day it is posted."]
    month: Annotated[str, "The month it is posted in: 2026-03."]
    about: Annotated[date, "The last day of the period it is about; of a payment, `on`."]
    account: str
    source: Annotated[str, "What caused it: bill, note, payment, return …", Called("kind")]
    document: Annotated[str, "The document of the source, by number."]
    due: Annotated[date | None, "By when it is to be paid, if it is.", Called("due_on")]
    reverses: str
    org_unit: str
    amount: Annotated[Minor, "Debit positive, credit negative."]
    currency: str
    tax_code: str
    rate: Decimal | None
    base: int | None
    fact: Annotated[FactRef, "The fact that is posted."]

    @property
    def text(self) -> str:
        """What for: `bill 000120-2026-03`."""
        return f"{self.source} {self.document}"


def _journal(table: Table[tuple[int, int], JournalLine], fact: Fact) -> None:
    entry = _entry(fact)
    for line, posting in enumerate(entry.postings if entry else (), 1):
        assert entry is not None
        table[fact.position, line] = JournalLine(
            position=fact.position,
            line=line,
            code=posting.code,
            ledger_class=posting.ledger_class,
            on=entry.on,
            month=entry.month,
            about=entry.about,
            account=entry.account or fact.key,  # where none is said: the one of the stream
            source=entry.source.kind,
            document=entry.document,
            due=entry.due,
            reverses=entry.reverses,
            org_unit=entry.org_unit,
            amount=posting.amount,
            currency=entry.currency,
            tax_code=posting.tax_code,
            rate=posting.rate,
            base=posting.base,
            fact=fact.ref,
        )


def _journal_keys(fact: Fact) -> Iterable[tuple[int, int]]:
    entry = _entry(fact)
    lines = len(entry.postings) if entry else 0
    return tuple((fact.position, line) for line in range(1, lines + 1))


journal = Projection(
    name="journal",
    version=2,
    row=JournalLine,
    key=("position", "line"),
    events=POSTED,
    keys=_journal_keys,
    project=_journal,
    indexes=(("account",), ("code", "on"), ("on",)),
    since="on",
    filters=("account", "code", "on", "about"),
    orders=(("on",), ("code", "on"), ("account",)),
    links=(Link("account", accounts, "The customer's account it concerns."),),
)


# The trial balance


@dataclass(frozen=True, slots=True)
class LedgerBalance:
    """One row a ledger account: all debits, all credits, and the balance; minor units."""

    code: str
    name: str
    debits: int
    credits: int
    balance: int


def _balances(table: Table[str, LedgerBalance], fact: Fact) -> None:
    entry = _entry(fact)
    for posting in entry.postings if entry else ():
        code, amount = posting.code, posting.amount
        row = table.get(code) or LedgerBalance(code, CHART.get(code, code), 0, 0, 0)
        table[code] = replace(
            row,
            debits=row.debits + max(amount, 0),
            credits=row.credits - min(amount, 0),
            balance=row.balance + amount,
        )


def _codes(fact: Fact) -> Iterable[str]:
    entry = _entry(fact)
    return {posting.code for posting in entry.postings} if entry else ()


trial_balance = Projection(
    name="trial_balance",
    version=2,
    row=LedgerBalance,
    key=("code",),
    events=POSTED,
    keys=_codes,
    project=_balances,
)
