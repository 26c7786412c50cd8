"""A chain: the bills of an account that are not what they should be, corrected in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Annotated, TypeAlias

from pydantic import Field

from domain.billing.bill import (
    Bill,
    BillCalculation,
    BillEvent,
    BillUnknown,
    BillWasCancelled,
)
from domain.billing.correcting import EarlierBillUncorrected, noted, stands
from domain.billing.owing import due_day
from domain.billing.refusals import NOT_CALCULATED
from domain.customers.account import (
    Account,
    AccountCredited,
    AccountDebited,
    AccountUnknown,
    MoneyMoved,
    accounts,
)
from domain.kit import (
    MANY_MOST,
    BeforeItBegan,
    EachOnce,
    Instead,
    InTheFuture,
    Many,
    To,
    Today,
    command,
    decision,
    value,
)
from domain.organisation.utility import Utility
from domain.values import AccountId, BillId


@value
class ChainLink:
    """A bill that is not what it should be, as it would be if issued now."""

    bill: BillId
    calculation: BillCalculation


@value
class ChainCalculation:
    """Bills to correct, in the order of their periods; `uncorrected` are others before them."""

    links: tuple[ChainLink, ...]
    uncorrected: tuple[BillId, ...] = ()


# What can be asked


Bills: TypeAlias = Annotated[tuple[BillId, ...], EachOnce, Field(max_length=MANY_MOST)]


@command(
    "correct-chain",
    duty="billing",
    example={"account": "000120", "on": "2026-04-10"},
)
class CorrectChain:
    """
    Bring bills of an account to what is known now, in the order of their periods, at once.

    `bills` are those meant, else all that differ.  What cannot be calculated is left as it is
    unless it is named; then its rule is the answer.
    """

    account: AccountId
    on: date
    bills: Bills = ()
    due_days: Annotated[int, Field(ge=0, le=365)] | None = None


# What we answer


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
def correct_chain(
    asked: CorrectChain,
    bills: Many[Bill],
    account: Account,
    utility: Utility,
    calculation: ChainCalculation,
    today: Today,
) -> Iterator[BillEvent | MoneyMoved | To]:
    """A note for each bill that differs; quiet when all are right as they stand."""
    today.has_come(asked.on)
    if not account.customer:
        raise AccountUnknown(account=asked.account)
    if not asked.bills and calculation.links:
        raise Instead(replace(asked, bills=tuple(link.bill for link in calculation.links)))
    for key, bill in bills.items():
        stands(asked.account, key, bill, asked.on, today)
    if calculation.uncorrected:
        raise EarlierBillUncorrected(bills=list(calculation.uncorrected))
    due = due_day(asked.on, asked.due_days, utility)
    for link in calculation.links:
        bill = bills[link.bill]
        for each in noted(link.bill, bill, account, utility, link.calculation, asked.on, due):
            if isinstance(each, AccountDebited | AccountCredited):
                account = accounts.evolve(account, each)
                yield each
            else:
                yield To("bills", each, link.bill)
