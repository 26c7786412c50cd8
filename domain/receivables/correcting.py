"""Correcting payments: of another account, amount, method or day, or reversed in error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from domain.books.chart import BANK
from domain.books.entry import Posting
from domain.customers.account import (
    Account,
    AccountCredited,
    AccountUnknown,
    Paid,
    accounts,
)
from domain.customers.settling import credit
from domain.kit import (
    BeforeItBegan,
    InTheFuture,
    Refused,
    To,
    Today,
    command,
    decision,
)
from domain.organisation.utility import Utility
from domain.receivables.payment import (
    Amount,
    Concerned,
    Method,
    Payment,
    PaymentAlreadyReversed,
    PaymentCorrected,
    PaymentEvent,
    PaymentReceived,
    PaymentRestored,
    PaymentReversed,
    PaymentUnknown,
    ReversedBeforeReceived,
    business_of,
    taken_back,
)
from domain.values import AccountId, PaymentId, Text

# What can be asked


@command(
    "correct-payment",
    duty="cashier",
    example={
        "payment": "BACS-88121",
        "account": "000120",
        "to": "000121",
        "on": "2026-02-12",
        "reason": "the payer named the wrong account",
    },
)
class CorrectPayment:
    """
    Put right what was recorded of a payment, under the reference that it has.

    `to` is whose it is, if not of `account`; `amount`, `method` and `received` are what they
    should have been.  `on` is the day on which it is put right.  A second person's matter.
    """

    payment: PaymentId
    account: AccountId
    on: date
    reason: Text
    to: AccountId | None = None
    amount: Amount | None = None
    method: Method | None = None
    received: date | None = None

    @property
    def target(self) -> str:
        """The account whose payment it is."""
        return self.to or self.account


@command(
    "restore-payment",
    duty="cashier",
    example={
        "payment": "BACS-88121",
        "account": "000120",
        "on": "2026-02-14",
        "reason": "the bank returned another one",
    },
)
class RestorePayment:
    """Take back the reversal of a payment that was honoured; a second person's matter."""

    payment: PaymentId
    account: AccountId
    on: date
    reason: Text


# What we answer


class PaymentNotReversed(Refused):
    """The payment was not reversed, so it needs no restoring."""


@decision(
    apart_from=(PaymentReceived,),
    refuses=(
        AccountUnknown,
        BeforeItBegan,
        InTheFuture,
        PaymentAlreadyReversed,
        PaymentUnknown,
        ReversedBeforeReceived,
    ),
)
def correct(
    asked: CorrectPayment,
    payment: Payment,
    account: Account,
    target: Account,
    utility: Utility,
    today: Today,
) -> Iterator[PaymentEvent | To]:
    """Quiet when nothing would change; money moves only where account or amount do."""
    received, amount = asked.received or payment.on, asked.amount or payment.amount
    method = asked.method or payment.method or "transfer"
    _correctable(asked, payment, target, received, today)
    moves = (asked.target, amount) != (asked.account, payment.amount)
    if not moves and (received, method) == (payment.on, payment.method):
        return
    did, moved = payment.did or account.payments[asked.payment], tuple[To, ...]()
    if moves:
        debited = taken_back(account, did, asked, payment.amount, utility)
        if asked.target == asked.account:
            target = accounts.evolve(target, debited)
        credited = _credited(asked, asked.target, target, amount, utility)
        did = Paid(credited.allocations, credited.held)
        moved = To("account", debited), To("target", credited)
    yield PaymentCorrected(
        account=asked.target,
        was_account=asked.account,
        amount=amount,
        was_amount=payment.amount,
        currency=utility.currency,
        method=method,
        received=received,
        on=asked.on,
        reason=asked.reason,
        allocations=did.allocations,
        held=did.held,
    )
    yield from moved


def _correctable(
    asked: CorrectPayment, payment: Payment, target: Account, received: date, today: Today
) -> None:
    _of_the_account(asked, payment, today)
    if payment.reversed is not None:
        raise PaymentAlreadyReversed(payment=asked.payment)
    today.has_come(received)
    if not target.customer:
        raise AccountUnknown(account=asked.target)
    if received < target.opened:
        raise BeforeItBegan(on=received, began=target.opened)
    if asked.on < received:
        raise ReversedBeforeReceived(received=received, asked=asked.on)


@decision(
    apart_from=(PaymentReversed,),
    refuses=(InTheFuture, PaymentNotReversed, PaymentUnknown, ReversedBeforeReceived),
)
def restore(
    asked: RestorePayment, payment: Payment, account: Account, utility: Utility, today: Today
) -> Iterator[PaymentEvent | AccountCredited]:
    """The money meets what is due now, as when it came."""
    _of_the_account(asked, payment, today)
    if payment.reversed is None:
        raise PaymentNotReversed(payment=asked.payment)
    if asked.on < payment.reversed:
        raise ReversedBeforeReceived(received=payment.reversed, asked=asked.on)
    credited = _credited(asked, asked.account, account, payment.amount, utility)
    yield PaymentRestored(
        account=asked.account,
        amount=payment.amount,
        currency=utility.currency,
        reason=asked.reason,
        on=asked.on,
        allocations=credited.allocations,
        held=credited.held,
    )
    yield credited


def _of_the_account(asked: Concerned, payment: Payment, today: Today) -> None:
    today.has_come(asked.on)
    if payment.account != asked.account:
        raise PaymentUnknown(payment=asked.payment, account=asked.account)


def _credited(
    asked: Concerned, key: str, account: Account, amount: int, utility: Utility
) -> AccountCredited:
    business = replace(business_of(asked, "payment", utility), account=key)
    return credit(account, business, amount, (Posting(code=BANK, amount=amount),))
