"""Correcting: an issued bill is brought to what is known now, by a note of the difference."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated

from pydantic import Field

from domain.billing.bill import (
    Bill,
    BillCalculation,
    BillCorrected,
    BillEvent,
    BillUnknown,
    BillWasCancelled,
)
from domain.billing.lines import differ, difference
from domain.billing.owing import due_day, moved
from domain.billing.posting import corrected
from domain.billing.refusals import NOT_CALCULATED
from domain.books.entry import Source
from domain.customers.account import Account, AccountUnknown, MoneyMoved
from domain.customers.settling import Business
from domain.kit import BeforeItBegan, InTheFuture, Refused, Today, command, decision
from domain.organisation.utility import Utility
from domain.values import AccountId, BillId

# What can be asked


@command(
    "correct-bill",
    duty="billing",
    example={"account": "000120", "bill": "000120-2026-01", "on": "2026-04-10"},
)
class CorrectBill:
    """Bring an issued bill to what is known now, by a note of the difference."""

    account: AccountId
    bill: BillId
    on: date
    due_days: Annotated[int, Field(ge=0, le=365)] | None = None


# What we answer


class EarlierBillUncorrected(Refused):
    """An earlier bill of the account must be corrected first: this one depends on it."""


@decision(
    refuses=(
        AccountUnknown,
        BeforeItBegan,
        BillUnknown,
        BillWasCancelled,
        EarlierBillUncorrected,
        InTheFuture,
        *NOT_CALCULATED,
    )
)
def correct(
    asked: CorrectBill,
    bill: Bill,
    account: Account,
    utility: Utility,
    calculation: BillCalculation,
    today: Today,
) -> Iterator[BillEvent | MoneyMoved]:
    """Quiet when the bill is right as it stands."""
    stands(asked.account, asked.bill, bill, asked.on, today)
    if calculation.uncorrected:
        raise EarlierBillUncorrected(bills=list(calculation.uncorrected))
    due = due_day(asked.on, asked.due_days, utility)
    yield from noted(asked.bill, bill, account, utility, calculation, asked.on, due)


def stands(account: str, key: str, bill: Bill, on: date, today: Today) -> None:
    """
    A bill of the account stands, and was issued by a day that has come.

    Raises InTheFuture, BillUnknown, BillWasCancelled, BeforeItBegan.
    """
    today.has_come(on)
    if bill.account != account:
        raise BillUnknown(account=account, bill=key)
    if bill.cancelled:
        raise BillWasCancelled(bill=key)
    if on < bill.on:
        raise BeforeItBegan(on=on, began=bill.on)


def noted(
    key: str,
    bill: Bill,
    account: Account,
    utility: Utility,
    calculation: BillCalculation,
    on: date,
    due: date,
) -> Iterator[BillEvent | MoneyMoved]:
    """The note that brings a bill to what was calculated; nothing when it is that already."""
    if not differ(calculation.lines, bill.lines):
        return
    total, note = calculation.total - bill.total, f"{key}-c{bill.notes + 1}"
    yield BillCorrected(
        account=bill.account,
        period=calculation.period,
        note=note,
        currency=calculation.currency,
        lines=difference(calculation.lines, bill.lines),
        total=total,
        on=on,
        due=due,
        basis=calculation.basis,
        causes=calculation.causes,
    )
    business = Business(
        account=bill.account,
        source=Source(kind="note", reference=note),
        currency=calculation.currency,
        on=on,
        about=calculation.period.last,
        due=due,
    )
    against = corrected(calculation.lines, bill.lines, utility.minor_digits)
    yield moved(account, business, key, total, against, bill.due)
