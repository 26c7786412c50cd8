"""The books: each posting of the journal, and the balance of each ledger account."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from domain.books.ledger import CHART, POSTED, post
from domain.kit import Fact
from projections.kit.table import Projection, Table

# The journal


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One row a posting: minor units, debit positive, credit negative."""

    position: int
    code: str
    on: date
    about: date
    account: str
    text: str
    amount: int
    currency: str
    fact: str


def _journal(table: Table[tuple[int, str], JournalLine], fact: Fact) -> None:
    entry = post(fact)
    if entry is None:
        return
    for posting in entry.postings:
        table[fact.position, posting.code] = JournalLine(
            position=fact.position,
            code=posting.code,
            on=entry.on,
            about=entry.about,
            account=entry.account,
            text=entry.text,
            amount=posting.amount,
            currency=entry.currency,
            fact=fact.ref,
        )


def _journal_keys(fact: Fact) -> Iterable[tuple[int, str]]:
    entry = post(fact)
    return tuple((fact.position, p.code) for p in entry.postings) if entry else ()


journal = Projection(
    name="journal",
    version=1,
    row=JournalLine,
    key=("position", "code"),
    events=POSTED,
    keys=_journal_keys,
    project=_journal,
    indexes=(("account",), ("code", "on"), ("on",)),
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
    entry = post(fact)
    for posting in entry.postings if entry else ():
        code, amount = posting.code, posting.amount
        row = table.get(code) or LedgerBalance(code, CHART[code], 0, 0, 0)
        table[code] = replace(
            row,
            debits=row.debits + max(amount, 0),
            credits=row.credits - min(amount, 0),
            balance=row.balance + amount,
        )


trial_balance = Projection(
    name="trial_balance",
    version=1,
    row=LedgerBalance,
    key=("code",),
    events=POSTED,
    keys=lambda fact: [code for _, code in _journal_keys(fact)],
    project=_balances,
)
