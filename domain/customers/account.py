"""
Accounts: what a customer owes, item by item, and the credit that is held for them.

    unknown ── open ──▶ open ── debited · credited ──┐
       ▲                 │ ▲─────────────────────────┘
       └──── withdraw ───┤
                         └── close ──▶ closed ── reopen ──▶ open

Whatever is owed or settled, whoever caused it, is `account.debited` or `account.credited`, and
their entry is what the books say.  The balance is Σ items − credit held; each event moves it
by exactly its own amount: a debit by Σ items − Σ allocations − held, a credit by the same
without items.  A state holds what is open, so that it does not grow with what is settled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import NamedTuple, TypeAlias, assert_never

from immutables import Map

from domain.books.entry import Entry, Source, Word
from domain.customers.customer import (
    Customer,
    CustomerIsAnother,
    CustomerServedIn,
    CustomerUnknown,
    PersonErased,
    deal_with,
)
from domain.kit import Actor, InUnit, Kind, Refused, command, decision, event, value
from domain.values import (
    AccountId,
    BillId,
    Currency,
    CustomerId,
    Minor,
    Period,
    Text,
    UnitId,
)

FIRST_POLICY = "oldest-first-v1"
"""Of the first release: oldest was the order in which items were last changed."""

ALLOCATION_POLICY = "oldest-due-first-v2"
"""Money in goes to the bill it is about, then to what was due first; the rest is held."""

REOPENS = frozenset(("return", "goodwill-withdrawn"))
"""Sources of debits whose items were settled before: what settled them was taken back."""


@value
class Item:
    """What is owed from now on, or again: by its number, in minor units, due on a day."""

    item: BillId  # the bill; or the payment, where credit that it left was spent
    kind: Word  # energy, late-fee, breach, connection, deposit, other
    amount: Minor
    due: date


@value
class Allocation:
    """So many minor units of an open item are settled."""

    item: BillId
    amount: Minor
    kind: Word = "energy"
    due: date | None = None  # of the item; the first release did not say it


# What can happen


@event("account.opened", day="on")
class AccountOpened:
    customer: CustomerId
    on: date
    org_unit: str = ""  # where it lies; "" is the unit on top


@event("account.corrected", day="on")
class AccountCorrected:
    """Whose it is, and the day it was opened; `was` is whose it seemed to be."""

    customer: CustomerId
    was: CustomerId
    on: date
    reason: Text


@event("account.opening-withdrawn", day="on")
class AccountOpeningWithdrawn:
    """There is no such account: it was opened in error on that day."""

    customer: CustomerId
    on: date
    reason: Text


@event("account.closed", day="on")
class AccountClosed:
    """From that day on it takes no supply; what is owed or paid later is booked on it."""

    on: date


@event("account.reopened", day="on")
class AccountReopened:
    """It is open again: closing it on that day is taken back."""

    on: date
    reason: Text


@event("account.debited", day="on")
class AccountDebited:
    """More is owed: `items`, of which `allocations` are settled by credit held at once."""

    source: Source
    amount: Minor
    currency: Currency
    on: date
    policy: str
    items: tuple[Item, ...]
    allocations: tuple[Allocation, ...] = ()
    held: Minor = 0  # credit held is so much more, or less
    period: Period | None = None  # the days that a bill is for
    entry: Entry | None = None
    unbilled: Period | None = None  # the days of a bill that was cancelled


@event("account.credited", day="on")
class AccountCredited:
    """Less is owed: `allocations` of open items are settled, the rest is held."""

    source: Source
    amount: Minor
    currency: Currency
    on: date
    policy: str
    allocations: tuple[Allocation, ...] = ()
    held: Minor = 0  # credit held is so much more, or less
    period: Period | None = None  # the days that a bill is for
    entry: Entry | None = None
    unbilled: Period | None = None  # the days of a bill that was cancelled


MoneyMoved: TypeAlias = AccountDebited | AccountCredited
AccountKept: TypeAlias = (
    AccountOpened | AccountCorrected | AccountOpeningWithdrawn | AccountClosed | AccountReopened
)
AccountEvent: TypeAlias = AccountKept | MoneyMoved


# What it then is


class OpenItem(NamedTuple):
    """What is open of an item: minor units, due on a day."""

    kind: str
    due: date
    amount: Minor


class Span(NamedTuple):
    """Days billed, half open."""

    since: date
    until: date


class Paid(NamedTuple):
    """What a payment did: the items it settled, and what of it was held."""

    allocations: tuple[Allocation, ...]
    held: int


Items: TypeAlias = Map[str, OpenItem]


@dataclass(frozen=True, slots=True)
class Account:
    """
    Just enough to settle with; no customer means not opened.

    `billed` are the days billed, spans that meet as one.  `payments` has those of the first
    release alone: since then a payment's own event says what it settled.
    """

    customer: str = ""
    opened: date = date.min
    items: Items = field(default_factory=Map)
    held: Minor = 0
    billed: tuple[Span, ...] = ()
    payments: Map[str, Paid] = field(default_factory=Map)
    org_unit: str = ""
    closed: date | None = None
    moved: bool = False  # whether money ever moved

    @property
    def owed(self) -> Mapping[str, int]:
        """What is open, by item, in the order in which it is due."""
        return {item: each.amount for item, each in by_due(self.items)}

    @property
    def balance(self) -> int:
        """What the customer owes, net of what is held for them."""
        return sum(each.amount for each in self.items.values()) - self.held


def by_due(items: Items) -> list[tuple[str, OpenItem]]:
    """Open items in the order in which they are due."""
    return sorted(items.items(), key=lambda each: (each[1].due, each[0]))


def evolve(account: Account, happened: AccountEvent) -> Account:
    """Change the account as the event says."""
    match happened:
        case AccountDebited():
            items = with_items(account.items, _as_due(account, happened))
            payments = account.payments
        case AccountCredited():
            items, payments = account.items, _first_payments(account, happened)
        case _:
            return _kept(account, happened)
    if happened.allocations:
        items = _settled(items, happened.allocations)
    billed, period = account.billed, happened.period
    if period is not None:
        billed = _billed(billed, period)
    if happened.unbilled is not None:
        billed = _unbilled(billed, happened.unbilled)
    held = account.held + happened.held
    whose = account.customer, account.opened
    where = account.org_unit, account.closed
    return Account(*whose, items, held, billed, payments, *where, moved=True)


def _kept(account: Account, happened: AccountKept) -> Account:
    """What is not about money."""
    match happened:
        case AccountOpened():
            return replace(
                account,
                customer=happened.customer,
                opened=happened.on,
                org_unit=happened.org_unit,
            )
        case AccountCorrected():
            return replace(account, customer=happened.customer, opened=happened.on)
        case AccountOpeningWithdrawn():
            return Account()
        case AccountClosed():
            return replace(account, closed=happened.on)
        case AccountReopened():
            return replace(account, closed=None)
        case _:
            assert_never(happened)


def with_items(items: Items, more: Iterable[Item]) -> Items:
    """Open items and what is owed besides; one that is open keeps the day it was due first."""
    for each in more:
        items = _with(items, each.item, each.kind, each.due, each.amount)
    return items


def _settled(items: Items, allocations: Iterable[Allocation]) -> Items:
    for each in allocations:
        items = _with(items, each.item, each.kind, each.due or date.min, -each.amount)
    return items


def _with(items: Items, item: str, kind: str, due: date, amount: int) -> Items:
    before = items.get(item)
    if before is None:
        return items.set(item, OpenItem(kind, due, amount)) if amount else items
    kind, due, open_ = before
    if left := open_ + amount:
        return items.set(item, OpenItem(kind, due, left))
    return items.delete(item)


def _billed(billed: tuple[Span, ...], period: Period) -> tuple[Span, ...]:
    """The spans of days billed with one more; those that meet become one."""
    since, until = period.since, period.until
    if billed and billed[-1].until == since:  # nearly always: bills follow each other
        return (*billed[:-1], Span(billed[-1].since, until))
    apart: list[Span] = []
    for span in billed:
        if span.until < since or until < span.since:
            apart.append(span)
        else:
            since, until = min(since, span.since), max(until, span.until)
    return tuple(sorted([*apart, Span(since, until)]))


def _unbilled(billed: tuple[Span, ...], period: Period) -> tuple[Span, ...]:
    """The spans of days billed without those of a bill that was cancelled."""
    left: list[Span] = []
    for span in billed:
        left += (
            Span(since, until)
            for since, until in (
                (span.since, min(span.until, period.since)),
                (max(span.since, period.until), span.until),
            )
            if since < until
        )
    return tuple(left)


def _first_payments(account: Account, happened: AccountCredited) -> Map[str, Paid]:
    """What a payment of the first release settled, with the days on which that was due."""
    if happened.policy != FIRST_POLICY or happened.source.kind != "payment":
        return account.payments
    settled = tuple(
        replace(each, kind=open_.kind, due=open_.due)
        if (open_ := account.items.get(each.item))
        else each
        for each in happened.allocations
    )
    return account.payments.set(happened.source.reference, Paid(settled, happened.held))


def _as_due(account: Account, happened: AccountDebited) -> tuple[Item, ...]:
    """The items of a debit; what a return of the first release reopens is due as it was."""
    if happened.policy != FIRST_POLICY or happened.source.kind != "return":
        return happened.items
    paid = account.payments.get(happened.source.reference)
    dues = {each.item: each.due for each in paid.allocations} if paid else {}
    return tuple(replace(i, due=dues.get(i.item) or i.due) for i in happened.items)


def _place(account: Account) -> InUnit | None:
    return InUnit(account.org_unit) if account.customer else None


accounts = Kind("account", Account(), evolve, place=_place)


# What can be asked


@command(
    "open-account",
    duty="clerk",
    example={"account": "000120", "customer": "C-0042", "on": "2026-01-01"},
)
class OpenAccount:
    """Open an account for a registered customer."""

    account: AccountId
    customer: CustomerId
    on: date
    org_unit: UnitId | None = None  # where it lies; not said: where whoever asks has their duty


# What we answer


class AccountAlreadyOpen(Refused):
    """An account is open under this number."""


class AccountUnknown(Refused):
    """No account is open under this number."""


class AccountIsClosed(Refused):
    """The account is closed."""


@decision(
    refuses=(
        AccountAlreadyOpen,
        CustomerUnknown,
        CustomerIsAnother,
        PersonErased,
    )
)
def open_account(
    asked: OpenAccount, account: Account, customer: Customer, actor: Actor
) -> Iterator[AccountEvent | CustomerServedIn]:
    """A number names one account; it belongs to a customer we know."""
    if account.customer:
        raise AccountAlreadyOpen(account=asked.account, customer=account.customer)
    deal_with(asked.customer, customer)
    unit = asked.org_unit or actor.org_unit
    yield AccountOpened(customer=asked.customer, on=asked.on, org_unit=unit)
    if unit not in customer.units:
        yield CustomerServedIn(org_unit=unit, on=asked.on)
