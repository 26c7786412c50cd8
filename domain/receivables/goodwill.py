"""
Goodwill: money given to a customer without owing it, for what went wrong.

    unknown ── propose ──▶ proposed ── approve (a second person) ──▶ granted
                              │                                       │
                              └─────────── withdraw ──▶ withdrawn ◀───┘
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, TypeAlias, assert_never

from domain.books.chart import CLASSES
from domain.books.entry import Posting, Source
from domain.customers.account import (
    Account,
    AccountUnknown,
    Allocation,
    MoneyMoved,
    Paid,
)
from domain.customers.settling import Business, credit, debit, reopened
from domain.kit import (
    AtThing,
    BeforeItBegan,
    InTheFuture,
    Kind,
    Refused,
    Today,
    command,
    decision,
    event,
)
from domain.organisation.utility import Utility
from domain.receivables.payment import Amount
from domain.values import AccountId, Currency, Key, Minor, Text

CLASS = "goodwill"

# What can happen


@event("goodwill.proposed", day="on")
class GoodwillProposed:
    account: AccountId
    amount: Minor
    currency: Currency
    reason: Text
    on: date


@event("goodwill.granted", day="on")
class GoodwillGranted:
    """It settled `allocations`, and changed credit held by `held`."""

    account: AccountId
    amount: Minor
    currency: Currency
    on: date
    allocations: tuple[Allocation, ...]
    held: Minor


@event("goodwill.withdrawn", day="on")
class GoodwillWithdrawn:
    """What it settled, if it was granted, is owed again."""

    account: AccountId
    amount: Minor
    currency: Currency
    reason: Text
    on: date


GoodwillEvent: TypeAlias = GoodwillProposed | GoodwillGranted | GoodwillWithdrawn


# What it then is


@dataclass(frozen=True, slots=True)
class Goodwill:
    """No account means never proposed."""

    account: str = ""
    amount: int = 0
    on: date = date.min
    state: Literal["unknown", "proposed", "granted", "withdrawn"] = "unknown"
    did: Paid | None = None


def evolve(goodwill: Goodwill, happened: GoodwillEvent) -> Goodwill:
    """Change it as the event says."""
    match happened:
        case GoodwillProposed():
            return Goodwill(happened.account, happened.amount, happened.on, "proposed")
        case GoodwillGranted():
            did = Paid(happened.allocations, happened.held)
            return replace(goodwill, on=happened.on, state="granted", did=did)
        case GoodwillWithdrawn():
            return replace(goodwill, state="withdrawn")
        case _:
            assert_never(happened)


def _place(goodwill: Goodwill) -> AtThing | None:
    return AtThing("account", goodwill.account) if goodwill.account else None


goodwills = Kind("goodwill", Goodwill(), evolve, place=_place)


# What can be asked


@command(
    "propose-goodwill",
    duty="clerk",
    example={
        "goodwill": "G-2026-17",
        "account": "000120",
        "amount": 2500,
        "reason": "was without light for two days",
        "on": "2026-02-12",
    },
)
class ProposeGoodwill:
    """Propose to give a customer money, in minor units; a second person approves it."""

    goodwill: Key
    account: AccountId
    amount: Amount
    reason: Text
    on: date


@command(
    "approve-goodwill",
    duty="supervisor",
    example={"goodwill": "G-2026-17", "account": "000120", "on": "2026-02-13"},
)
class ApproveGoodwill:
    """Give what was proposed: it meets what is due, and the rest is held."""

    goodwill: Key
    account: AccountId
    on: date


@command(
    "withdraw-goodwill",
    duty="supervisor",
    example={
        "goodwill": "G-2026-17",
        "account": "000120",
        "reason": "was given twice",
        "on": "2026-02-14",
    },
)
class WithdrawGoodwill:
    """Take it back, proposed or given; of what was given a second person's matter."""

    goodwill: Key
    account: AccountId
    reason: Text
    on: date


# What we answer


class GoodwillAlreadyProposed(Refused):
    """A goodwill credit is on record under this number."""


class GoodwillUnknown(Refused):
    """No goodwill credit of this account is on record under this number."""


class GoodwillAlreadyGranted(Refused):
    """It was given before."""


class GoodwillAlreadyWithdrawn(Refused):
    """It was withdrawn before."""


@decision(
    refuses=(AccountUnknown, BeforeItBegan, GoodwillAlreadyProposed, InTheFuture),
)
def propose(
    asked: ProposeGoodwill, goodwill: Goodwill, account: Account, utility: Utility, today: Today
) -> Iterator[GoodwillEvent]:
    """A number names one credit; nothing is given yet."""
    today.has_come(asked.on)
    if goodwill.account:
        raise GoodwillAlreadyProposed(goodwill=asked.goodwill, account=goodwill.account)
    if not account.customer:
        raise AccountUnknown(account=asked.account)
    if asked.on < account.opened:
        raise BeforeItBegan(on=asked.on, began=account.opened)
    yield GoodwillProposed(
        account=asked.account,
        amount=asked.amount,
        currency=utility.currency,
        reason=asked.reason,
        on=asked.on,
    )


@decision(
    apart_from=(GoodwillProposed,),
    refuses=(
        BeforeItBegan,
        GoodwillAlreadyGranted,
        GoodwillAlreadyWithdrawn,
        GoodwillUnknown,
        InTheFuture,
    ),
)
def approve(
    asked: ApproveGoodwill, goodwill: Goodwill, account: Account, utility: Utility, today: Today
) -> Iterator[GoodwillEvent | MoneyMoved]:
    """A second person gives it; it is the utility's expense."""
    _there(asked, goodwill, today)
    if goodwill.state == "granted":
        raise GoodwillAlreadyGranted(goodwill=asked.goodwill)
    expense = Posting(code=CLASSES[CLASS], amount=goodwill.amount, ledger_class=CLASS)
    business = _business(asked, "goodwill", utility)
    credited = credit(account, business, goodwill.amount, (expense,))
    yield GoodwillGranted(
        account=asked.account,
        amount=goodwill.amount,
        currency=utility.currency,
        on=asked.on,
        allocations=credited.allocations,
        held=credited.held,
    )
    yield credited


@decision(
    apart_from=(GoodwillGranted,),
    refuses=(BeforeItBegan, GoodwillAlreadyWithdrawn, GoodwillUnknown, InTheFuture),
)
def withdraw(
    asked: WithdrawGoodwill,
    goodwill: Goodwill,
    account: Account,
    utility: Utility,
    today: Today,
) -> Iterator[GoodwillEvent | MoneyMoved]:
    """What it settled is owed again as it was."""
    _there(asked, goodwill, today)
    yield GoodwillWithdrawn(
        account=asked.account,
        amount=goodwill.amount,
        currency=utility.currency,
        reason=asked.reason,
        on=asked.on,
    )
    if goodwill.did is not None:
        again, given = reopened(account, goodwill.did, asked.goodwill, asked.on)
        expense = Posting(code=CLASSES[CLASS], amount=-goodwill.amount, ledger_class=CLASS)
        business = _business(asked, "goodwill-withdrawn", utility)
        business = replace(business, reverses=asked.goodwill)
        yield debit(account, business, again, (expense,), given=given)


def _there(asked: ApproveGoodwill | WithdrawGoodwill, goodwill: Goodwill, today: Today) -> None:
    today.has_come(asked.on)
    if goodwill.account != asked.account:
        raise GoodwillUnknown(goodwill=asked.goodwill, account=asked.account)
    if goodwill.state == "withdrawn":
        raise GoodwillAlreadyWithdrawn(goodwill=asked.goodwill)
    if asked.on < goodwill.on:
        raise BeforeItBegan(on=asked.on, began=goodwill.on)


def _business(
    asked: ApproveGoodwill | WithdrawGoodwill, kind: str, utility: Utility
) -> Business:
    return Business(
        account=asked.account,
        source=Source(kind=kind, reference=asked.goodwill),
        currency=utility.currency,
        on=asked.on,
        about=asked.on,
    )
