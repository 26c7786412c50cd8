"""
Bills: what an account owes for a period, and why that was right when it was issued.

    unknown ── issue ──▶ issued ── correct ──┐
                           ▲─────────────────┘

An issued bill is never touched.  It remembers its *basis*: the position of history it was
calculated at.  A correction is subtraction: the bill as known now, minus the bill as it stands,
with the facts that made the difference.  Bills of an account are corrected in the order of
their periods: on what one carries forward (blocks of a year, a ratchet) the next one stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Annotated, TypeAlias, assert_never

from pydantic import Field

from domain.billing.lines import BillLine, added, difference
from domain.billing.posting import corrected, revenue
from domain.billing.refusals import NOT_CALCULATED
from domain.books.entry import Entry, Posting, Source
from domain.customers.account import Account, AccountUnknown, Item, MoneyMoved
from domain.customers.settling import Business, credit, debit
from domain.kit import InTheFuture, Kind, Refused, Today, command, decision, event, value
from domain.organisation.utility import Utility
from domain.values import AccountId, BillId, Currency, Period


@value
class Basis:
    """What a bill stands on: the position of history, the tariff versions, the usage facts."""

    position: int
    tariffs: tuple[str, ...]  # "R1@2": version 2 of tariff R1
    facts: tuple[str, ...]  # "meter-M1@4", or "meter-M1@4-9": see domain.references
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
    total: int
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
    total: int
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
    total: int
    on: date
    due: date
    basis: Basis
    causes: tuple[Cause, ...]
    entry: Entry | None = None


BillEvent: TypeAlias = BillIssued | BillCorrected


# What it then is


@dataclass(frozen=True, slots=True)
class Bill:
    """The bill as it stands: issued lines and all corrections added up."""

    account: str = ""
    period: Period | None = None
    lines: tuple[BillLine, ...] = ()
    total: int = 0
    notes: int = 0
    due: date = date.min


def evolve(bill: Bill, happened: BillEvent) -> Bill:
    """Change the bill as the event says."""
    match happened:
        case BillIssued():
            return Bill(
                account=happened.account,
                period=happened.period,
                lines=happened.lines,
                total=happened.total,
                due=happened.due,
            )
        case BillCorrected():
            return replace(
                bill,
                lines=added(bill.lines, happened.lines),
                total=bill.total + happened.total,
                notes=bill.notes + 1,
            )
        case _:
            assert_never(happened)


bills = Kind("bill", Bill(), evolve)


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
    """Bill an account for the local days since ≤ day < until, from what is known now."""

    account: AccountId
    since: date
    until: date
    on: date
    due_days: Annotated[int, Field(ge=0, le=365)] | None = None

    @property
    def bill(self) -> str:
        """The key of the bill: the account, and the month (or day) its period begins in."""
        return bill_key(self.account, self.since)


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


def bill_key(account: str, since: date) -> str:
    """`000120-2026-03`, or with the day when the period does not begin with a month."""
    return f"{account}-{since:%Y-%m}" if since.day == 1 else f"{account}-{since:%Y-%m-%d}"


# What we answer


class BillAlreadyIssued(Refused):
    """The account is billed for some of these days already; correct that bill instead."""


class BillUnknown(Refused):
    """No bill of this account was issued under this number."""


class EarlierBillUncorrected(Refused):
    """An earlier bill of the account must be corrected first: this one stands on it."""


@decision(
    refuses=(
        AccountUnknown,
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
    today.has_come(asked.on)
    if not account.customer:
        raise AccountUnknown(account=asked.account)
    for span in account.billed:
        if billed := calculation.period.meet(span.since, span.until):
            raise BillAlreadyIssued(since=billed.since, until=billed.until)
    if bill.account:
        raise BillAlreadyIssued(bill=asked.bill)
    due = _due(asked, utility)
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
    yield _moved(account, business, asked.bill, calculation.total, against, due)


@decision(
    refuses=(
        AccountUnknown,
        BillUnknown,
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
    today.has_come(asked.on)
    if bill.account != asked.account:
        raise BillUnknown(account=asked.account, bill=asked.bill)
    if calculation.uncorrected:
        raise EarlierBillUncorrected(bills=list(calculation.uncorrected))
    if not (lines := difference(calculation.lines, bill.lines)):
        return
    total = calculation.total - bill.total
    note, due = f"{asked.bill}-c{bill.notes + 1}", _due(asked, utility)
    yield BillCorrected(
        account=asked.account,
        period=calculation.period,
        note=note,
        currency=calculation.currency,
        lines=lines,
        total=total,
        on=asked.on,
        due=due,
        basis=calculation.basis,
        causes=calculation.causes,
    )
    business = Business(
        account=asked.account,
        source=Source(kind="note", reference=note),
        currency=calculation.currency,
        on=asked.on,
        about=calculation.period.last,
        due=due,
    )
    against = corrected(calculation.lines, bill.lines, utility.minor_digits)
    yield _moved(account, business, asked.bill, total, against, bill.due)


def _moved(
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
    return debit(
        account,
        business,
        (Item(item=bill, kind="energy", amount=total, due=due),),
        against,
    )


def _due(asked: IssueBill | CorrectBill, utility: Utility) -> date:
    """So many days after the bill is issued as asked, else as the utility's terms say."""
    days = utility.due_days if asked.due_days is None else asked.due_days
    return asked.on + timedelta(days=days)
