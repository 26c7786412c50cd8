"""
The ledger: posting rules, each a pure function from a fact to a balanced entry.

Amounts are minor units, debits positive and credits negative.  The receivable is always the
sum of what accounts owe, the advances what is held for them; revenue and tax follow the lines.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from domain.billing.bill import BillCorrected, BillIssued
from domain.customers.account import (
    AccountAdjusted,
    AccountCharged,
    AccountCredited,
    AccountPaymentReturned,
    Allocation,
)
from domain.kit import Fact

BANK, RECEIVABLE, ADVANCES, TAX = "1000", "1200", "2100", "2200"
REVENUE = {
    "fixed": "4100",
    "energy": "4200",
    "demand": "4300",
    "reactive": "4400",
    "minimum": "4500",
    "rider": "4600",
    "export": "4700",
}
OTHER_REVENUE = "4900"

CHART = {
    BANK: "Bank and cash",
    RECEIVABLE: "Customers: receivable",
    ADVANCES: "Customers: held in advance",
    TAX: "Taxes payable",
    "4100": "Revenue: standing charges",
    "4200": "Revenue: energy",
    "4300": "Revenue: demand",
    "4400": "Revenue: reactive energy and power factor",
    "4500": "Revenue: minimum charges",
    "4600": "Revenue: riders",
    "4700": "Energy bought from customers",
    OTHER_REVENUE: "Revenue: rounding and other",
}


class Unbalanced(Exception):
    """An entry whose debits and credits differ: a defect in a posting rule."""


@dataclass(frozen=True, slots=True)
class Posting:
    """One side of an entry: minor units, debit positive, credit negative."""

    code: str
    amount: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A balanced entry; raises Unbalanced when it is not."""

    on: date  # the day it is posted
    about: date  # the day the business is about: the end of the bill's period, else `on`
    account: str
    text: str
    currency: str
    postings: tuple[Posting, ...]

    def __post_init__(self) -> None:
        if sum(posting.amount for posting in self.postings):
            raise Unbalanced(self.text, self.postings)


POSTED = (
    BillIssued,
    BillCorrected,
    AccountCharged,
    AccountAdjusted,
    AccountCredited,
    AccountPaymentReturned,
)


def post(fact: Fact) -> Entry | None:
    """The entry a fact makes in the books, or none if it moves no money."""
    match fact.event:
        case BillIssued() as bill:
            return _billed(bill, f"bill {fact.key}")
        case BillCorrected() as note:
            return _billed(note, f"correction {note.note}")
        case AccountCharged() | AccountAdjusted() as debited:
            held = debited.to_advance - debited.from_advance
            text = f"advance and bill {debited.bill}"
            return _entry(fact, debited.on, text, {RECEIVABLE: held, ADVANCES: -held})
        case AccountCredited() as paid:
            settled = _sum(paid.allocations)
            money = {BANK: paid.amount, RECEIVABLE: -settled, ADVANCES: -paid.to_advance}
            return _entry(fact, paid.on, f"payment {paid.payment}", money)
        case AccountPaymentReturned() as back:
            owed = _sum(back.allocations)
            money = {BANK: -back.amount, RECEIVABLE: owed, ADVANCES: back.from_advance}
            return _entry(fact, back.on, f"payment {back.payment} returned", money)
        case _:
            return None


def _billed(bill: BillIssued | BillCorrected, text: str) -> Entry:
    money: defaultdict[str, int] = defaultdict(int)
    for each in bill.lines:
        kind = each.line.kind
        money[TAX if kind == "tax" else REVENUE.get(kind, OTHER_REVENUE)] -= each.line.amount
    money[RECEIVABLE] += bill.total
    return Entry(
        bill.on, bill.period.until, bill.account, text, bill.currency, _postings(money)
    )


def _entry(fact: Fact, on: date, text: str, money: dict[str, int]) -> Entry | None:
    postings = _postings(money)
    if not postings:
        return None
    return Entry(on, on, fact.key, text, fact.event.currency, postings)


def _postings(money: dict[str, int]) -> tuple[Posting, ...]:
    return tuple(Posting(code, amount) for code, amount in sorted(money.items()) if amount)


def _sum(allocations: Iterable[Allocation]) -> int:
    return sum(each.amount for each in allocations)
