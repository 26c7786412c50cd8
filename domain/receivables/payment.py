"""
Payments: money that came in, and now and then went back.

    unknown ── receive ──▶ received ── reverse ──▶ reversed
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Literal, TypeAlias, assert_never

from pydantic import Field

from domain.customers.account import (
    ALLOCATION_POLICY,
    Account,
    AccountCredited,
    AccountPaymentReturned,
    AccountUnknown,
    Allocation,
    allocate,
)
from domain.kit import Kind, Refused, command, decision, event
from domain.organisation.utility import Utility
from domain.values import AccountId, Currency, PaymentId, Text

Method: TypeAlias = Literal["cash", "card", "cheque", "transfer", "direct-debit", "agent"]
Amount: TypeAlias = Annotated[int, Field(gt=0, lt=10**15)]


# What can happen


@event("payment.received")
class PaymentReceived:
    account: AccountId
    amount: int
    currency: Currency
    method: Method
    on: date


@event("payment.reversed")
class PaymentReversed:
    account: AccountId
    amount: int
    currency: Currency
    reason: Text
    on: date


PaymentEvent: TypeAlias = PaymentReceived | PaymentReversed


# What it then is


@dataclass(frozen=True, slots=True)
class Payment:
    """No account means never received."""

    account: str = ""
    amount: int = 0
    on: date = date.min
    reversed: bool = False


def evolve(payment: Payment, happened: PaymentEvent) -> Payment:
    """Change the payment as the event says."""
    match happened:
        case PaymentReceived():
            return Payment(happened.account, happened.amount, happened.on)
        case PaymentReversed():
            return replace(payment, reversed=True)
        case _:
            assert_never(happened)


payments = Kind("payment", Payment(), evolve)


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
    """Take back a payment that did not hold: the bills it settled are owed again."""

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
        PaymentAlreadyReceived,
    )
)
def receive(
    asked: ReceivePayment, payment: Payment, account: Account, utility: Utility
) -> Iterator[object]:
    """A reference names one payment; it settles the oldest open item first."""
    if payment.account:
        raise PaymentAlreadyReceived(payment=asked.payment, account=payment.account)
    if not account.customer:
        raise AccountUnknown(account=asked.account)
    settled = allocate(account, asked.amount)
    yield PaymentReceived(
        account=asked.account,
        amount=asked.amount,
        currency=utility.currency,
        method=asked.method,
        on=asked.on,
    )
    yield AccountCredited(
        payment=asked.payment,
        amount=asked.amount,
        currency=utility.currency,
        on=asked.on,
        policy=ALLOCATION_POLICY,
        to_advance=asked.amount - sum(each.amount for each in settled),
        allocations=settled,
    )


@decision(
    refuses=(
        PaymentAlreadyReversed,
        PaymentUnknown,
        ReversedBeforeReceived,
    )
)
def reverse(
    asked: ReversePayment, payment: Payment, account: Account, utility: Utility
) -> Iterator[object]:
    """What it settled is owed again; advance that is spent becomes an item of its own."""
    if payment.account != asked.account:
        raise PaymentUnknown(payment=asked.payment, account=asked.account)
    if payment.reversed:
        raise PaymentAlreadyReversed(payment=asked.payment)
    if asked.on < payment.on:
        raise ReversedBeforeReceived(received=payment.on, asked=asked.on)
    credited = account.payments[asked.payment]
    held = min(credited.to_advance, account.advance)
    spent = credited.to_advance - held
    again = credited.allocations
    if spent:
        again = (*again, Allocation(item=asked.payment, amount=spent))
    yield PaymentReversed(
        account=asked.account,
        amount=payment.amount,
        currency=utility.currency,
        reason=asked.reason,
        on=asked.on,
    )
    yield AccountPaymentReturned(
        payment=asked.payment,
        amount=payment.amount,
        currency=utility.currency,
        on=asked.on,
        from_advance=held,
        allocations=again,
    )
