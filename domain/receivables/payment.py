"""
Payments: money that came in, and now and then went back.

    unknown ── receive ──▶ received ── reverse ──▶ reversed
                           ▲  │  ▲                  │
                 correct ──┴──┘  └──── restore ─────┘
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Literal, Protocol, TypeAlias, assert_never

from pydantic import Field

from domain.books.chart import BANK
from domain.books.entry import Posting, Source
from domain.customers.account import (
    Account,
    AccountDebited,
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
from domain.values import AccountId, Currency, Minor, PaymentId, Text

Method: TypeAlias = Literal["cash", "card", "cheque", "transfer", "direct-debit", "agent"]
Amount: TypeAlias = Annotated[Minor, Field(gt=0, lt=10**15)]


# What can happen


@event("payment.received", day="on")
class PaymentReceived:
    """Money came in; it settled `allocations`, and changed credit held by `held`."""

    account: AccountId
    amount: Minor
    currency: Currency
    method: Method
    on: date
    allocations: tuple[Allocation, ...] | None = None  # the first release did not say
    held: Minor = 0


@event("payment.reversed", day="on")
class PaymentReversed:
    account: AccountId
    amount: Minor
    currency: Currency
    reason: Text
    on: date


@event("payment.corrected", day="on")
class PaymentCorrected:
    """
    What was recorded of it is put right: whose it is, how much, how, or when it came.

    What it settled before is owed again; `allocations` and `held` are what it does now.
    """

    account: AccountId
    was_account: AccountId
    amount: Minor
    was_amount: Minor
    currency: Currency
    method: Method
    received: date
    on: date
    reason: Text
    allocations: tuple[Allocation, ...]
    held: Minor


@event("payment.restored", day="on")
class PaymentRestored:
    """It did hold: the money is there, and settles what is due now."""

    account: AccountId
    amount: Minor
    currency: Currency
    reason: Text
    on: date
    allocations: tuple[Allocation, ...]
    held: Minor


PaymentEvent: TypeAlias = PaymentReceived | PaymentReversed | PaymentCorrected | PaymentRestored


# What it then is


@dataclass(frozen=True, slots=True)
class Payment:
    """No account means never received."""

    account: str = ""
    amount: int = 0
    method: Method | None = None
    on: date = date.min
    did: Paid | None = None  # None: only the account knows
    reversed: date | None = None


def evolve(payment: Payment, happened: PaymentEvent) -> Payment:
    """Change the payment as the event says."""
    match happened:
        case PaymentReceived():
            settled = happened.allocations
            did = None if settled is None else Paid(settled, happened.held)
            return Payment(happened.account, happened.amount, happened.method, happened.on, did)
        case PaymentReversed():
            return replace(payment, reversed=happened.on)
        case PaymentCorrected():
            did = Paid(happened.allocations, happened.held)
            return Payment(
                happened.account, happened.amount, happened.method, happened.received, did
            )
        case PaymentRestored():
            did = Paid(happened.allocations, happened.held)
            return replace(payment, reversed=None, did=did)
        case _:
            assert_never(happened)


def _place(payment: Payment) -> AtThing | None:
    return AtThing("account", payment.account) if payment.account else None


payments = Kind("payment", Payment(), evolve, place=_place)


# What can be asked


@command(
    "receive-payment",
    duty="cashier",
    example={
        "payment": "BACS-88121",
        "account": "000120",
        "amount": 4250,
        "method": "transfer",
        "on": "2026-02-10",
    },
)
class ReceivePayment:
    """Take money for an account, in minor units, under the payer's or the bank's reference."""

    payment: PaymentId
    account: AccountId
    amount: Amount
    method: Method
    on: date


@command(
    "reverse-payment",
    duty="cashier",
    example={
        "payment": "BACS-88121",
        "account": "000120",
        "reason": "returned by the bank",
        "on": "2026-02-12",
    },
)
class ReversePayment:
    """Reverse a payment that was not honoured: the bills it settled are owed again."""

    payment: PaymentId
    account: AccountId
    reason: Text
    on: date


# What we answer


class PaymentAlreadyReceived(Refused):
    """A payment is on record under this reference."""


class PaymentUnknown(Refused):
    """No payment of this account is on record under this reference."""


class PaymentAlreadyReversed(Refused):
    """The payment was reversed before."""


class ReversedBeforeReceived(Refused):
    """A payment cannot be reversed before the day it was received."""


@decision(
    refuses=(
        AccountUnknown,
        BeforeItBegan,
        InTheFuture,
        PaymentAlreadyReceived,
    )
)
def receive(
    asked: ReceivePayment, payment: Payment, account: Account, utility: Utility, today: Today
) -> Iterator[PaymentReceived | MoneyMoved]:
    """A reference names one payment; it settles what was due first."""
    today.has_come(asked.on)
    if payment.account:
        raise PaymentAlreadyReceived(payment=asked.payment, account=payment.account)
    if not account.customer:
        raise AccountUnknown(account=asked.account)
    if asked.on < account.opened:
        raise BeforeItBegan(on=asked.on, began=account.opened)
    business = business_of(asked, "payment", utility)
    bank = Posting(code=BANK, amount=asked.amount)
    credited = credit(account, business, asked.amount, (bank,))
    yield PaymentReceived(
        account=asked.account,
        amount=asked.amount,
        currency=utility.currency,
        method=asked.method,
        on=asked.on,
        allocations=credited.allocations,
        held=credited.held,
    )
    yield credited


@decision(
    refuses=(
        InTheFuture,
        PaymentAlreadyReversed,
        PaymentUnknown,
        ReversedBeforeReceived,
    )
)
def reverse(
    asked: ReversePayment, payment: Payment, account: Account, utility: Utility, today: Today
) -> Iterator[PaymentReversed | MoneyMoved]:
    """What it settled is owed again as it was; credit it left and that is spent, from now."""
    today.has_come(asked.on)
    if payment.account != asked.account:
        raise PaymentUnknown(payment=asked.payment, account=asked.account)
    if payment.reversed:
        raise PaymentAlreadyReversed(payment=asked.payment)
    if asked.on < payment.on:
        raise ReversedBeforeReceived(received=payment.on, asked=asked.on)
    did = payment.did or account.payments[asked.payment]
    yield PaymentReversed(
        account=asked.account,
        amount=payment.amount,
        currency=utility.currency,
        reason=asked.reason,
        on=asked.on,
    )
    yield taken_back(account, did, asked, payment.amount, utility)


class Concerned(Protocol):
    """A command about a payment of an account, on a day."""

    @property
    def payment(self) -> str: ...
    @property
    def account(self) -> str: ...
    @property
    def on(self) -> date: ...


def taken_back(
    account: Account, did: Paid, asked: Concerned, amount: int, utility: Utility
) -> AccountDebited:
    """A payment is the account's no more: what it settled is owed again."""
    again, given = reopened(account, did, asked.payment, asked.on)
    business = replace(business_of(asked, "return", utility), reverses=asked.payment)
    bank = Posting(code=BANK, amount=-amount)
    return debit(account, business, again, (bank,), given=given)


def business_of(asked: Concerned, kind: str, utility: Utility) -> Business:
    """What a payment, or its return, is about."""
    return Business(
        account=asked.account,
        source=Source(kind=kind, reference=asked.payment),
        currency=utility.currency,
        on=asked.on,
        about=asked.on,
    )
