"""
Bills: what an account owes for a period, and why that was right when it was issued.

    unknown ── issue ──▶ issued ── correct ──┐      issued ── cancel ──▶ cancelled
                           ▲─────────────────┘

An issued bill is never touched.  It remembers its *basis*: the position of history it was
calculated at.  A correction is subtraction: the bill as known now, minus the bill as it stands,
with the facts that made the difference.  Bills of an account are corrected in the order of
their periods: on what one carries forward (blocks of a year, a ratchet) the next one stands.
A bill that should not exist is cancelled, and its days may be billed anew: its number is next.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, TypeAlias, assert_never

from pydantic import Field

from domain.billing.lines import BillLine, added
from domain.billing.owing import due_day, moved
from domain.billing.posting import revenue
from domain.billing.refusals import NOT_CALCULATED
from domain.books.entry import Entry, Source
from domain.customers.account import Account, AccountUnknown, MoneyMoved
from domain.customers.settling import Business
from domain.kit import (
    AtThing,
    BeforeItBegan,
    Instead,
    InTheFuture,
    Kind,
    Refused,
    Today,
    command,
    decision,
    event,
    value,
)
from domain.organisation.utility import Utility
from domain.values import AccountId, BillId, Currency, Minor, Period, Text

AGAIN_MOST = 9
"""So many bills may begin on one day, each but the last cancelled."""


@value
class Basis:
    """What a bill stands on: the position of history, the tariff versions, the usage facts."""

    position: int
    tariffs: tuple[str, ...]  # "R1@2": version 2 of tariff R1
    facts: tuple[str, ...]  # "meter-M1@4", or "meter-M1@4-9": see domain.references
    edition: int  # of the rating rules
    estimated: bool = False  # some of the usage is interpolated or estimated


@value
class Cause:
    """A fact that came after the basis and moved the bill."""

    fact: str  # "meter-M1@5"
    name: str  # "meter.found-inaccurate"
    position: int


@value
class BillCalculation:
    """A bill as it would be if issued at `basis.position`; `causes` are newer than `since`."""

    period: Period
    currency: Currency
    lines: tuple[BillLine, ...]
    total: Minor
    basis: Basis
    causes: tuple[Cause, ...] = ()
    uncorrected: tuple[BillId, ...] = ()  # earlier bills of the account that differ as well


# What can happen


@event("bill.issued", day="on")
class BillIssued:
    """`entry` has what the first release posted; since then the account's event has it all."""

    account: AccountId
    period: Period
    currency: Currency
    lines: tuple[BillLine, ...]
    total: Minor
    on: date
    due: date
    basis: Basis
    entry: Entry | None = None


@event("bill.corrected", day="on")
class BillCorrected:
    """
    `lines` and `total` are differences: what the bill is more or less than it stood.

    `entry` is as in bill.issued.
    """

    account: AccountId
    period: Period
    note: str
    currency: Currency
    lines: tuple[BillLine, ...]
    total: Minor
    on: date
    due: date
    basis: Basis
    causes: tuple[Cause, ...]
    entry: Entry | None = None


@event("bill.cancelled", day="on")
class BillCancelled:
    """
    The bill should not exist; its days may be billed anew.

    `lines` and `total` take back what it stood at; `due` is for who then owes, since the bill
    had given them something.  `basis` is that of what is taken back.
    """

    account: AccountId
    period: Period
    note: str
    currency: Currency
    lines: tuple[BillLine, ...]
    total: Minor
    on: date
    due: date
    basis: Basis
    reason: Text


BillEvent: TypeAlias = BillIssued | BillCorrected | BillCancelled


# What it then is


@dataclass(frozen=True, slots=True)
class Bill:
    """The bill as it stands: issued lines and all corrections added up; no basis: unknown."""

    account: str = ""
    period: Period | None = None
    currency: str = ""
    lines: tuple[BillLine, ...] = ()
    total: int = 0
    notes: int = 0
    on: date = date.min
    due: date = date.min
    basis: Basis | None = None  # the newest
    cancelled: bool = False


def evolve(bill: Bill, happened: BillEvent) -> Bill:
    """Change the bill as the event says."""
    match happened:
        case BillIssued():
            return Bill(
                account=happened.account,
                period=happened.period,
                currency=happened.currency,
                lines=happened.lines,
                total=happened.total,
                on=happened.on,
                due=happened.due,
                basis=happened.basis,
            )
        case BillCorrected() | BillCancelled():
            return replace(
                bill,
                lines=added(bill.lines, happened.lines),
                total=bill.total + happened.total,
                notes=bill.notes + 1,
                basis=happened.basis,
                cancelled=isinstance(happened, BillCancelled),
            )
        case _:
            assert_never(happened)


def _place(bill: Bill) -> AtThing | None:
    return AtThing("account", bill.account) if bill.account else None


bills = Kind("bill", Bill(), evolve, place=_place)


# What can be asked


@command(
    "issue-bill",
    duty="billing",
    example={
        "account": "000120",
        "since": "2026-01-01",
        "until": "2026-02-01",
        "on": "2026-02-03",
    },
)
class IssueBill:
    """
    Bill an account for the local days since ≤ day < until, from what is known now.

    Where the bill of these days was cancelled, the next number is taken by itself: `again`.
    """

    account: AccountId
    since: date
    until: date
    on: date
    due_days: Annotated[int, Field(ge=0, le=365)] | None = None
    again: Annotated[int, Field(ge=1, le=AGAIN_MOST)] = 1

    @property
    def bill(self) -> str:
        """The key of the bill: account and month (or day), and which one of these it is."""
        key = bill_key(self.account, self.since)
        return key if self.again == 1 else f"{key}-{self.again}"


def bill_key(account: str, since: date) -> str:
    """`000120-2026-03`, or with the day when the period does not begin with a month."""
    return f"{account}-{since:%Y-%m}" if since.day == 1 else f"{account}-{since:%Y-%m-%d}"


# What we answer


class BillAlreadyIssued(Refused):
    """The account is billed for some of these days already; correct that bill instead."""


class BillUnknown(Refused):
    """No bill of this account was issued under this number."""


class BillWasCancelled(Refused):
    """The bill was cancelled; what was supplied in its days is billed anew."""


@decision(
    refuses=(
        AccountUnknown,
        BeforeItBegan,
        BillAlreadyIssued,
        BillUnknown,
        InTheFuture,
        *NOT_CALCULATED,
    )
)
def issue(
    asked: IssueBill,
    bill: Bill,
    account: Account,
    utility: Utility,
    calculation: BillCalculation,
    today: Today,
) -> Iterator[BillEvent | MoneyMoved]:
    """Each day of an account is billed once, on a day that has come."""
    _billable(asked, account, calculation, today)
    if bill.cancelled and asked.again < AGAIN_MOST:
        raise Instead(replace(asked, again=asked.again + 1))
    if bill.account:
        raise BillAlreadyIssued(bill=asked.bill)
    due = due_day(asked.on, asked.due_days, utility)
    yield BillIssued(
        account=asked.account,
        period=calculation.period,
        currency=calculation.currency,
        lines=calculation.lines,
        total=calculation.total,
        on=asked.on,
        due=due,
        basis=calculation.basis,
    )
    business = Business(
        account=asked.account,
        source=Source(kind="bill", reference=asked.bill),
        currency=calculation.currency,
        on=asked.on,
        about=calculation.period.last,
        due=due,
        period=calculation.period,
    )
    against = revenue(calculation.lines, utility.minor_digits)
    yield moved(account, business, asked.bill, calculation.total, against, due)


def _billable(
    asked: IssueBill, account: Account, calculation: BillCalculation, today: Today
) -> None:
    """Raises InTheFuture, AccountUnknown, BeforeItBegan, BillAlreadyIssued."""
    today.has_come(asked.on)
    if not account.customer:
        raise AccountUnknown(account=asked.account)
    if asked.on < asked.since:
        raise BeforeItBegan(on=asked.on, began=asked.since)
    for span in account.billed:
        if billed := calculation.period.meet(span.since, span.until):
            raise BillAlreadyIssued(since=billed.since, until=billed.until)
