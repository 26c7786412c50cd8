"""Cancelling: a bill that should not exist, or is for a wrong period, is taken to nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from domain.billing.bill import (
    Bill,
    BillCancelled,
    BillEvent,
    BillIssued,
    BillUnknown,
    BillWasCancelled,
)
from domain.billing.correcting import stands
from domain.billing.lines import difference
from domain.billing.owing import due_day, moved
from domain.billing.posting import corrected
from domain.books.entry import Source
from domain.customers.account import Account, MoneyMoved
from domain.customers.settling import Business
from domain.kit import BeforeItBegan, InTheFuture, Today, command, decision
from domain.organisation.utility import Utility
from domain.values import AccountId, BillId, Text

# What can be asked


@command(
    "cancel-bill",
    duty="billing",
    example={
        "account": "000120",
        "bill": "000120-2026-01",
        "on": "2026-04-10",
        "reason": "the account was billed for its neighbour's flat",
    },
)
class CancelBill:
    """
    Cancel a bill with its notes; its days may be billed anew.

    A second person's matter.  What was paid for it meets what is due next, else it is held.
    """

    account: AccountId
    bill: BillId
    on: date
    reason: Text


# What we answer


@decision(
    apart_from=(BillIssued,),
    refuses=(BeforeItBegan, BillUnknown, BillWasCancelled, InTheFuture),
)
def cancel(
    asked: CancelBill, bill: Bill, account: Account, utility: Utility, today: Today
) -> Iterator[BillEvent | MoneyMoved]:
    """Its entry is reversed on the day it is cancelled; later bills may then be corrected."""
    stands(asked.account, asked.bill, bill, asked.on, today)
    if bill.basis is None or bill.period is None:
        raise BillUnknown(account=asked.account, bill=asked.bill)
    note, due = f"{asked.bill}-c{bill.notes + 1}", due_day(asked.on, None, utility)
    yield BillCancelled(
        account=asked.account,
        period=bill.period,
        note=note,
        currency=bill.currency,
        lines=difference((), bill.lines),
        total=-bill.total,
        on=asked.on,
        due=due,
        basis=bill.basis,
        reason=asked.reason,
    )
    business = Business(
        account=asked.account,
        source=Source(kind="cancellation", reference=note),
        currency=bill.currency,
        on=asked.on,
        about=bill.period.last,
        due=due,
        unbilled=bill.period,
        reverses=asked.bill,
    )
    against = corrected((), bill.lines, utility.minor_digits)
    yield moved(account, business, asked.bill, -bill.total, against, due)
