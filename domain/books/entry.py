"""
The entry: what one fact of money does in the books, balanced, and kept in the fact itself.

Amounts are minor units, debits positive and credits negative.  The ledger is the sum of all
entries in facts; nobody works one out again, so a changed chart leaves the past alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from datetime import date
from decimal import Decimal
from typing import Annotated, TypeAlias

from pydantic import StringConstraints

from domain.kit import value
from domain.values import Currency, Minor

Word: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z-]{0,39}$")]
"""A kind that may get neighbours without a new shape: `bill`, `late-fee`."""


@value
class Source:
    """What caused a movement of money: a kind (bill, note, payment, return …) and its key."""

    kind: Word
    reference: str


@value
class Posting:
    """One side of an entry: minor units, debit positive; of a tax also its code, rate, base."""

    code: str
    amount: Minor
    ledger_class: str = ""
    tax_code: str = ""
    rate: Decimal | None = None
    base: Minor | None = None


@value
class Entry:
    """A balanced entry; raises ValueError when debits and credits differ."""

    on: date  # the day of the business, by which it is posted
    month: str  # the month it is posted in: 2026-03
    about: date  # the last day of the period that the business is about
    source: Source
    document: str  # the number on the paper: of the bill, the note, the receipt
    currency: Currency
    postings: tuple[Posting, ...]
    account: str = ""  # the customer's account, if it concerns one
    due: date | None = None
    org_unit: str = ""
    reverses: str = ""  # the document that it takes back

    def __post_init__(self) -> None:
        if off := sum(posting.amount for posting in self.postings):
            raise ValueError(f"the entry of {self.document} is off by {off}")


def netted(postings: Iterable[Posting]) -> tuple[Posting, ...]:
    """Postings alike in all but amount and base as one, by code; those of nothing left out."""
    sums: dict[Posting, Posting] = {}
    for each in postings:
        alike = replace(each, amount=0, base=None if each.base is None else 0)
        before = sums.get(alike, alike)
        base = None if each.base is None else each.base + (before.base or 0)
        sums[alike] = replace(each, amount=before.amount + each.amount, base=base)
    made = (each for each in sums.values() if each.amount or each.base)
    return tuple(sorted(made, key=lambda p: (p.code, p.ledger_class, p.tax_code, p.rate or 0)))


def has_entry(event: type) -> bool:
    """Whether events of a class are posted."""
    return "entry" in {field.name for field in fields(event)}
