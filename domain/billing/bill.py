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

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Annotated, TypeAlias, assert_never

from pydantic import Field

from domain.billing.refusals import NOT_CALCULATED
from domain.customers.account import (
    Account,
    AccountAdjusted,
    AccountCharged,
    AccountUnknown,
    Allocation,
    allocate,
)
from domain.kit import Kind, Refused, command, decision, event, value
from domain.organisation.utility import Utility
from domain.pricing.rating import Line
from domain.values import AccountId, BillId, Currency, Period


@value
class BillLine:
    """A line of a bill: at which service point, and what was rated there."""

    point: str
    line: Line


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


@event("bill.issued")
class BillIssued:
    account: AccountId
    period: Period
    currency: Currency
    lines: tuple[BillLine, ...]
    total: int
    on: date
    due: date
    basis: Basis


@event("bill.corrected")
class BillCorrected:
    """`lines` and `total` are differences: what the bill is more or less than it stood."""

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


def evolve(bill: Bill, happened: BillEvent) -> Bill:
    """Change the bill as the event says."""
    match happened:
        case BillIssued():
            return Bill(happened.account, happened.period, happened.lines, happened.total)
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


def _signed(lines: Iterable[BillLine], sign: int) -> tuple[BillLine, ...]:
    return tuple(
        replace(
            each,
            line=replace(
                each.line, quantity=sign * each.line.quantity, amount=sign * each.line.amount
            ),
        )
        for each in lines
    )


def added(lines: Iterable[BillLine], more: Iterable[BillLine]) -> tuple[BillLine, ...]:
    """Lines alike in all but quantity and amount become one, their sum; empty ones vanish."""
    sums: dict[BillLine, BillLine] = {}
    for each in (*lines, *more):
        alike = replace(
            each, line=replace(each.line, quantity=each.line.quantity * 0, amount=0)
        )
        if alike in sums:
            line = sums[alike].line
            each = replace(
                each,
                line=replace(
                    line,
                    quantity=line.quantity + each.line.quantity,
                    amount=line.amount + each.line.amount,
                ),
            )
        sums[alike] = each
    return tuple(s for s in sums.values() if s.line.quantity or s.line.amount)


def difference(now: Iterable[BillLine], stood: Iterable[BillLine]) -> tuple[BillLine, ...]:
    """What must be added to the bill as it stood to make it what it is now."""
    return added(now, _signed(stood, -1))


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
        *NOT_CALCULATED,
    )
)
def issue(
    asked: IssueBill,
    bill: Bill,
    account: Account,
    utility: Utility,
    calculation: BillCalculation,
) -> Iterator[object]:
    """Each day of an account is billed once."""
    if not account.customer:
        raise AccountUnknown(account=asked.account)
    for key, period in account.billed:
        if calculation.period.meet(period.since, period.until):
            raise BillAlreadyIssued(bill=key, since=period.since, until=period.until)
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
    settled = settle(account, asked.bill, calculation.total)
    yield AccountCharged(
        bill=asked.bill,
        period=calculation.period,
        amount=calculation.total,
        currency=calculation.currency,
        on=asked.on,
        due=due,
        from_advance=settled.from_advance,
        to_advance=settled.to_advance,
        allocations=settled.allocations,
    )


@decision(
    refuses=(
        AccountUnknown,
        BillUnknown,
        EarlierBillUncorrected,
        *NOT_CALCULATED,
    )
)
def correct(
    asked: CorrectBill,
    bill: Bill,
    account: Account,
    utility: Utility,
    calculation: BillCalculation,
) -> Iterator[object]:
    """Quiet when the bill is right as it stands."""
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
    settled = settle(account, asked.bill, total)
    yield AccountAdjusted(
        bill=asked.bill,
        note=note,
        amount=total,
        currency=calculation.currency,
        on=asked.on,
        due=due,
        from_advance=settled.from_advance,
        to_advance=settled.to_advance,
        allocations=settled.allocations,
    )


def _due(asked: IssueBill | CorrectBill, utility: Utility) -> date:
    """So many days after the bill is issued as asked, else as the utility's terms say."""
    days = utility.due_days if asked.due_days is None else asked.due_days
    return asked.on + timedelta(days=days)


@dataclass(frozen=True, slots=True)
class Settled:
    """How a debit, or a credit, of an account is met."""

    from_advance: int = 0
    to_advance: int = 0
    allocations: tuple[Allocation, ...] = ()


def settle(account: Account, bill: str, amount: int) -> Settled:
    """
    How a debit or a credit (a negative amount) of an account is met.

    A debit is met from the advance as far as that goes; a credit settles the bill it is about,
    then the oldest open item, and the rest is held in advance.
    """
    if amount >= 0:
        return Settled(from_advance=min(amount, account.advance))
    found = allocate(account, -amount, first=bill)
    left = -amount - sum(each.amount for each in found)
    return Settled(to_advance=left, allocations=found)
