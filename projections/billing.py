"""Bills as they stand, the notes that corrected them, and the payments that met them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, assert_never

from domain.billing.bill import (
    Basis,
    BillCancelled,
    BillCorrected,
    BillEvent,
    BillIssued,
    Cause,
)
from domain.billing.lines import BillLine
from domain.customers.account import AccountCredited, AccountDebited, MoneyMoved
from domain.kit import Fact
from projections.customers import accounts
from projections.kit.declaration import Back, Called, FactRef, Link, Minor
from projections.kit.table import Projection, Table

# Bills


@dataclass(frozen=True, slots=True)
class Bill:
    """What an account owes for a period.  An issued bill never changes."""

    bill: Annotated[str, "Its number: 000120-2026-03."]
    account: str
    since: Annotated[date, "The first day it is for."]
    until: Annotated[date, "The first day it is no longer for."]
    on: Annotated[date, "The day it was issued.", Called("issued_on")]
    due: Annotated[date, "By when it is to be paid.", Called("due_on")]
    currency: str
    lines: tuple[BillLine, ...]
    issued: Annotated[Minor, "Its total as issued.", Called("total")]
    corrected: Minor
    outstanding: Annotated[
        Minor, "What is not paid yet. `asOf`: after all that is dated by then."
    ]
    notes: int
    basis: Basis  # of the issue
    newest: Basis  # of the last note, else of the issue
    cancelled: Annotated[
        date | None,
        "The day it was cancelled; null if it stands. `asOf`: null before that day.",
        Called("cancelled_on"),
    ]
    fact: Annotated[FactRef, "The fact that issued it."]


def _bills(table: Table[str, Bill], fact: Fact) -> None:
    e: BillEvent | MoneyMoved = fact.event
    match e:
        case BillIssued():
            table[fact.key] = _issued(fact)
        case BillCorrected():
            row = table[fact.key]
            corrected, notes = row.corrected + e.total, row.notes + 1
            table[fact.key] = replace(row, corrected=corrected, notes=notes, newest=e.basis)
        case BillCancelled():
            row = table[fact.key]
            corrected, notes = row.corrected + e.total, row.notes + 1
            table[fact.key] = replace(row, corrected=corrected, notes=notes, cancelled=e.on)
        case AccountDebited():
            for item in e.items:
                _owe(table, item.item, item.amount)
            for settled in e.allocations:
                _owe(table, settled.item, -settled.amount)
        case AccountCredited():
            for settled in e.allocations:
                _owe(table, settled.item, -settled.amount)
        case _:
            assert_never(e)


def _issued(fact: Fact) -> Bill:
    e = fact.event
    return Bill(
        bill=fact.key,
        account=e.account,
        since=e.period.since,
        until=e.period.until,
        on=e.on,
        due=e.due,
        currency=e.currency,
        lines=e.lines,
        issued=e.total,
        corrected=0,
        outstanding=0,
        notes=0,
        basis=e.basis,
        newest=e.basis,
        cancelled=None,
        fact=fact.ref,
    )


def _owe(table: Table[str, Bill], bill: str, amount: int) -> None:
    if bill in table:  # an open item may also be a payment that was returned
        row = table[bill]
        table[bill] = replace(row, outstanding=row.outstanding + amount)


def _bill_keys(fact: Fact) -> Iterable[str]:
    e: BillEvent | MoneyMoved = fact.event
    match e:
        case BillIssued() | BillCorrected() | BillCancelled():
            return (fact.key,)
        case AccountDebited():
            return {each.item for each in e.items} | {each.item for each in e.allocations}
        case AccountCredited():
            return {each.item for each in e.allocations}
        case _:
            assert_never(e)


bills = Projection(
    name="bills",
    version=4,
    row=Bill,
    key=("bill",),
    events=(BillIssued, BillCorrected, BillCancelled, AccountDebited, AccountCredited),
    keys=_bill_keys,
    project=_bills,
    indexes=(("account", "since"),),
    since="on",
    filters=("account", "since", "on", "due"),
    orders=(("account", "since"),),
    links=(
        Link(
            "account",
            accounts,
            "Whose it is.",
            Back("bills", "Its bills, by the first day they are for.", ("since",)),
        ),
    ),
)


# Correction notes


@dataclass(frozen=True, slots=True)
class Correction:
    """A note that brings an issued bill to what became known later, or takes it to nothing."""

    note: Annotated[str, "Its number: 000120-2026-01-c1."]
    bill: str
    account: str
    on: Annotated[date, "The day it was issued.", Called("issued_on")]
    due: Annotated[date, "By when a debit is to be paid.", Called("due_on")]
    currency: str
    lines: tuple[BillLine, ...]
    total: Annotated[Minor, "What the bill is more, or less, than before."]
    causes: tuple[Cause, ...]
    basis: Basis
    cancels: Annotated[bool, "Whether the bill should not exist: its days may be billed anew."]
    reason: Annotated[str | None, "Why the bill was cancelled."]
    fact: Annotated[FactRef, "The fact that issued the note."]


def _corrections(table: Table[str, Correction], fact: Fact) -> None:
    e: BillCorrected | BillCancelled = fact.event
    table[e.note] = Correction(
        note=e.note,
        bill=fact.key,
        account=e.account,
        on=e.on,
        due=e.due,
        currency=e.currency,
        lines=e.lines,
        total=e.total,
        causes=() if isinstance(e, BillCancelled) else e.causes,
        basis=e.basis,
        cancels=isinstance(e, BillCancelled),
        reason=e.reason if isinstance(e, BillCancelled) else None,
        fact=fact.ref,
    )


corrections = Projection(
    name="corrections",
    version=3,
    row=Correction,
    key=("note",),
    events=(BillCorrected, BillCancelled),
    keys=lambda fact: (fact.event.note,),
    project=_corrections,
    indexes=(("bill",), ("account",)),
    since="on",
    filters=("bill", "account", "on"),
    links=(
        Link("bill", bills, "What it corrects.", Back("corrections", "Its notes.", short=True)),
        Link("account", accounts, "Whose it is."),
    ),
)
