"""What a bill, a note or a cancellation does to the account, and by when it is to be paid."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from domain.books.entry import Posting
from domain.customers.account import Account, Item, MoneyMoved
from domain.customers.settling import Business, credit, debit
from domain.organisation.utility import Utility


def moved(
    account: Account,
    business: Business,
    bill: str,
    total: int,
    against: tuple[Posting, ...],
    due: date,
) -> MoneyMoved:
    """
    A total above zero is owed; one below it settles the bill first, then what is due.

    What a note adds is owed with its bill, and so met before what was due later than that,
    whatever day the note itself gives for paying it.
    """
    if total < 0:
        return credit(account, replace(business, due=None), -total, against, first=bill)
    item = Item(item=bill, kind="energy", amount=total, due=due)
    return debit(account, business, (item,), against)


def due_day(on: date, days: int | None, utility: Utility) -> date:
    """So many days after it is issued, else as many as the utility's terms say."""
    return on + timedelta(days=utility.due_days if days is None else days)
