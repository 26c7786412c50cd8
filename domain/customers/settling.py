"""
Settling: how a debit or a credit of an account is met, and the fact of money that it becomes.

Money in and credit held go to open items in the order in which they are due, so that no credit
is held beside an open item.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from domain.books.chart import CREDIT_HELD, RECEIVABLE
from domain.books.entry import Entry, Posting, Source, netted
from domain.customers.account import (
    ALLOCATION_POLICY,
    Account,
    AccountCredited,
    AccountDebited,
    Allocation,
    Item,
    Items,
    Paid,
    by_due,
    with_items,
)
from domain.values import Currency, Period, month_of


@dataclass(frozen=True, slots=True)
class Business:
    """What a movement of money is about, besides its amount."""

    account: str
    source: Source
    currency: Currency
    on: date
    about: date  # the last day of the period that it is about
    due: date | None = None
    period: Period | None = None  # the days that a bill is for
    unbilled: Period | None = None  # those of a bill that was cancelled
    reverses: str = ""


def allocate(items: Items, money: int, first: str = "") -> tuple[Allocation, ...]:
    """The open items that `money` settles under ALLOCATION_POLICY; `first` goes first."""
    found: list[Allocation] = []
    for item, open_ in sorted(by_due(items), key=lambda each: each[0] != first):
        if money <= 0:
            break
        part = min(money, open_.amount)
        if part > 0:
            found.append(Allocation(item=item, amount=part, kind=open_.kind, due=open_.due))
            money -= part
    return tuple(found)


def debit(
    account: Account,
    business: Business,
    items: tuple[Item, ...],
    against: tuple[Posting, ...],
    given: int = 0,
) -> AccountDebited:
    """
    Owe `items`; credit held, changed by `given` first, meets what is due first.

    The amount is Σ items − given; `against` are the postings of its other side, which come
    to that amount on the credit side.  Raises ValueError when they do not.
    """
    settled = allocate(with_items(account.items, items), account.held + given)
    owed, met = sum(each.amount for each in items), _sum(settled)
    return AccountDebited(
        source=business.source,
        amount=owed - given,
        currency=business.currency,
        on=business.on,
        policy=ALLOCATION_POLICY,
        items=items,
        allocations=settled,
        held=given - met,
        period=business.period,
        unbilled=business.unbilled,
        entry=_entry(business, against, owed - met, given - met),
    )


def credit(
    account: Account,
    business: Business,
    amount: int,
    against: tuple[Posting, ...],
    first: str = "",
) -> AccountCredited:
    """
    Take `amount`, and what is held, for the item `first` and then for what is due first.

    `against` are the postings of its other side, on the debit side.  Raises ValueError when
    they do not come to the amount.
    """
    settled = allocate(account.items, account.held + amount, first)
    held = amount - _sum(settled)
    return AccountCredited(
        source=business.source,
        amount=amount,
        currency=business.currency,
        on=business.on,
        policy=ALLOCATION_POLICY,
        allocations=settled,
        held=held,
        period=business.period,
        unbilled=business.unbilled,
        entry=_entry(business, against, -_sum(settled), held),
    )


def reopened(
    account: Account, did: Paid, reference: str, on: date
) -> tuple[tuple[Item, ...], int]:
    """
    What is owed again as it was when a credit is taken back, and by how much credit changes.

    Credit that it left and that was spent since is owed as an item of its own.
    """
    again = [
        Item(item=each.item, kind=each.kind, amount=each.amount, due=each.due or on)
        for each in did.allocations
    ]
    if spent := max(did.held - account.held, 0):
        again.append(Item(item=reference, kind="other", amount=spent, due=on))
    return tuple(again), spent - did.held


def _entry(
    business: Business, against: tuple[Posting, ...], receivable: int, held: int
) -> Entry | None:
    postings = netted(
        (
            *against,
            Posting(code=RECEIVABLE, amount=receivable),
            Posting(code=CREDIT_HELD, amount=-held),
        )
    )
    if not postings:
        return None
    return Entry(
        on=business.on,
        month=month_of(business.on),
        about=business.about,
        source=business.source,
        document=business.source.reference,
        currency=business.currency,
        postings=postings,
        account=business.account,
        due=business.due,
        reverses=business.reverses,
    )


def _sum(allocations: tuple[Allocation, ...]) -> int:
    return sum(each.amount for each in allocations)
