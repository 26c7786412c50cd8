"""Bills as they stand, the notes that corrected them, and the payments that met them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import assert_never

from domain.billing.bill import Basis, BillCorrected, BillEvent, BillIssued, Cause
from domain.billing.lines import BillLine
from domain.customers.account import AccountCredited, AccountDebited, MoneyMoved
from domain.kit import Fact
from projections.kit.table import Projection, Table

# Bills


@dataclass(frozen=True, slots=True)
class Bill:
    """One row a bill.  `lines` and `issued` are as issued; `corrected` is Σ of its notes."""

    bill: str
    account: str
    since: date
    until: date
    on: date
    due: date
    currency: str
    lines: tuple[BillLine, ...]
    issued: int
    corrected: int
    outstanding: int
    notes: int
    basis: Basis  # of the issue
    newest: Basis  # of the last note, else of the issue
    fact: str


def _bills(table: Table[str, Bill], fact: Fact) -> None:
    e: BillEvent | MoneyMoved = fact.event
    match e:
        case BillIssued():
            table[fact.key] = _issued(fact)
        case BillCorrected():
            row = table[fact.key]
            corrected, notes = row.corrected + e.total, row.notes + 1
            table[fact.key] = replace(row, corrected=corrected, notes=notes, newest=e.basis)
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
        fact=fact.ref,
    )


def _owe(table: Table[str, Bill], bill: str, amount: int) -> None:
    if bill in table:  # an open item may also be a payment that was returned
        row = table[bill]
        table[bill] = replace(row, outstanding=row.outstanding + amount)


def _bill_keys(fact: Fact) -> Iterable[str]:
    e: BillEvent | MoneyMoved = fact.event
    match e:
        case BillIssued() | BillCorrected():
            return (fact.key,)
        case AccountDebited():
            return {each.item for each in e.items} | {each.item for each in e.allocations}
        case AccountCredited():
            return {each.item for each in e.allocations}
        case _:
            assert_never(e)


bills = Projection(
    name="bills",
    version=2,
    row=Bill,
    key=("bill",),
    events=(BillIssued, BillCorrected, AccountDebited, AccountCredited),
    keys=_bill_keys,
    project=_bills,
    indexes=(("account", "since"),),
)


# Correction notes


@dataclass(frozen=True, slots=True)
class Correction:
    """One row a note: the difference, the facts that made it, the basis it stands on."""

    note: str
    bill: str
    account: str
    on: date
    due: date
    currency: str
    lines: tuple[BillLine, ...]
    total: int
    causes: tuple[Cause, ...]
    basis: Basis
    fact: str


def _corrections(table: Table[str, Correction], fact: Fact) -> None:
    e = fact.event
    table[e.note] = Correction(
        note=e.note,
        bill=fact.key,
        account=e.account,
        on=e.on,
        due=e.due,
        currency=e.currency,
        lines=e.lines,
        total=e.total,
        causes=e.causes,
        basis=e.basis,
        fact=fact.ref,
    )


corrections = Projection(
    name="corrections",
    version=1,
    row=Correction,
    key=("note",),
    events=(BillCorrected,),
    keys=lambda fact: (fact.event.note,),
    project=_corrections,
    indexes=(("bill",), ("account",)),
)
