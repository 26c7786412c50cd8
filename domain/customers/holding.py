"""
Who holds an account, and for how long.

It is put right, opened in error, closed, or given to one customer of two who are the same.

What stands on an account besides its money are supplies, which are facts of service points: a
decision is given them as the tables show them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, NamedTuple

from pydantic import Field

from domain.customers.account import (
    Account,
    AccountClosed,
    AccountCorrected,
    AccountIsClosed,
    AccountOpened,
    AccountOpeningWithdrawn,
    AccountReopened,
    AccountUnknown,
)
from domain.customers.customer import (
    Customer,
    CustomerIsAnother,
    CustomerMerged,
    CustomerMergerWithdrawn,
    CustomerRegistered,
    CustomerServedIn,
    CustomerUnknown,
    PersonErased,
    deal_with,
)
from domain.kit import (
    MANY_MOST,
    BeforeItBegan,
    EachOnce,
    Instead,
    InTheFuture,
    Many,
    Refused,
    To,
    Today,
    command,
    decision,
)
from domain.values import AccountId, CustomerId, Text

# What a decision is given


class Taken(NamedTuple):
    """Supply that an account takes at a point, half open; no end while it lasts."""

    point: str
    since: date
    until: date | None


@dataclass(frozen=True, slots=True)
class Supplies:
    """Where the account that a command names takes supply."""

    taken: tuple[Taken, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """The accounts that the customer whom a command names holds, in order."""

    accounts: tuple[str, ...] = ()


# What can be asked

Accounts = Annotated[tuple[AccountId, ...], Field(max_length=MANY_MOST), EachOnce]


@command(
    "correct-account",
    duty="clerk",
    example={
        "account": "000120",
        "customer": "C-0043",
        "on": "2026-01-01",
        "reason": "it was opened for the neighbour",
    },
)
class CorrectAccount:
    """Put right whose an account is, or the day it was opened."""

    account: AccountId
    customer: CustomerId
    on: date | None = None
    reason: Text


@command(
    "withdraw-account",
    duty="clerk",
    example={"account": "000120", "reason": "it was opened twice"},
)
class WithdrawAccount:
    """Take back that an account was opened at all."""

    account: AccountId
    reason: Text


@command("close-account", duty="clerk", example={"account": "000120", "on": "2026-12-01"})
class CloseAccount:
    """Close an account that takes no supply any more and owes nothing."""

    account: AccountId
    on: date


@command(
    "reopen-account",
    duty="clerk",
    example={"account": "000120", "reason": "the move was called off"},
)
class ReopenAccount:
    """Take back that an account was closed."""

    account: AccountId
    reason: Text


@command(
    "merge-customers",
    duty="clerk",
    example={"customer": "C-0043", "into": "C-0042", "reason": "registered twice"},
)
class MergeCustomers:
    """Say that two customers are one; the accounts of the first go over to the other."""

    customer: CustomerId
    into: CustomerId
    reason: Text
    accounts: Accounts = ()  # all of them; found if they are not said


@command(
    "withdraw-merger",
    duty="clerk",
    example={"customer": "C-0043", "reason": "they are mother and daughter"},
)
class WithdrawMerger:
    """Take back that two customers are one; the accounts that went over come back."""

    customer: CustomerId
    reason: Text
    accounts: Accounts = ()  # all that went over; found if they are not said


# What we answer


class AccountInUse(Refused):
    """Supply was taken on this account, or money moved: at all, or at that time."""


class AccountNotClosed(Refused):
    """The account is not closed."""


class BalanceOpen(Refused):
    """The account owes something, or credit is held for it."""


class SameCustomer(Refused):
    """A customer is merged with another one."""


class AccountsDiffer(Refused):
    """The accounts that go over are all of them, and no others."""


class TooManyAccounts(Refused):
    """One command moves at most 500 accounts; correct them one by one."""


class CustomerNotMerged(Refused):
    """The customer was not merged with another one."""


@decision(
    apart_from=(AccountOpened,),
    refuses=(AccountUnknown, CustomerUnknown, CustomerIsAnother, PersonErased, AccountInUse),
)
def correct_account(
    asked: CorrectAccount, account: Account, customer: Customer, supplies: Supplies
) -> Iterator[AccountCorrected | CustomerServedIn]:
    """It was opened before supply and bills began.  Quiet when nothing changes."""
    _open(asked.account, account)
    deal_with(asked.customer, customer)
    on = asked.on or account.opened
    early = [each.point for each in supplies.taken if each.since < on]
    billed = [span.since for span in account.billed if span.since < on]
    if on != account.opened and (early or billed):
        raise AccountInUse(points=early, billed=billed, asked=on)
    if (asked.customer, on) != (account.customer, account.opened):
        yield AccountCorrected(
            customer=asked.customer, was=account.customer, on=on, reason=asked.reason
        )
        if account.org_unit not in customer.units:
            yield CustomerServedIn(org_unit=account.org_unit, on=on)


@decision(apart_from=(AccountOpened,), refuses=(AccountUnknown, AccountInUse))
def withdraw_account(
    asked: WithdrawAccount, account: Account, supplies: Supplies
) -> Iterator[AccountOpeningWithdrawn]:
    """Nothing stands on it: supplies are withdrawn first; where money moved it is closed."""
    _open(asked.account, account)
    points = [each.point for each in supplies.taken]
    if points or account.moved:
        raise AccountInUse(points=points, money=account.moved)
    yield AccountOpeningWithdrawn(
        customer=account.customer, on=account.opened, reason=asked.reason
    )


@decision(
    refuses=(
        AccountUnknown,
        AccountIsClosed,
        AccountInUse,
        BalanceOpen,
        BeforeItBegan,
        InTheFuture,
    )
)
def close(
    asked: CloseAccount, account: Account, supplies: Supplies, today: Today
) -> Iterator[AccountClosed]:
    """Its supplies have ended by then and nothing is owed.  Quiet when it is closed so."""
    today.has_come(asked.on)
    _open(asked.account, account)
    if account.closed == asked.on:
        return
    if account.closed is not None:
        raise AccountIsClosed(account=asked.account, on=account.closed)
    if asked.on < account.opened:
        raise BeforeItBegan(account=asked.account, on=account.opened, asked=asked.on)
    lasting = [s.point for s in supplies.taken if s.until is None or s.until > asked.on]
    if lasting:
        raise AccountInUse(points=lasting, asked=asked.on)
    if account.items or account.held:
        raise BalanceOpen(owed=dict(account.owed), held=account.held)
    yield AccountClosed(on=asked.on)


@decision(apart_from=(AccountClosed,), refuses=(AccountUnknown, AccountNotClosed))
def reopen(asked: ReopenAccount, account: Account) -> Iterator[AccountReopened]:
    """It takes supply again."""
    _open(asked.account, account)
    if account.closed is None:
        raise AccountNotClosed(account=asked.account)
    yield AccountReopened(on=account.closed, reason=asked.reason)


@decision(
    apart_from=(CustomerRegistered,),
    refuses=(
        SameCustomer,
        CustomerUnknown,
        CustomerIsAnother,
        PersonErased,
        TooManyAccounts,
        AccountsDiffer,
    ),
)
def merge(
    asked: MergeCustomers,
    customer: Customer,
    into: Customer,
    accounts: Many[Account],
    held: Held,
) -> Iterator[object]:
    """All accounts go over, each by a fact of its own."""
    if asked.customer == asked.into:
        raise SameCustomer(customer=asked.customer)
    deal_with(asked.customer, customer)
    deal_with(asked.into, into)
    if len(held.accounts) > MANY_MOST:
        raise TooManyAccounts(customer=asked.customer, accounts=len(held.accounts))
    if held.accounts and not asked.accounts:
        raise Instead(replace(asked, accounts=held.accounts))
    if sorted(asked.accounts) != sorted(held.accounts):
        raise AccountsDiffer(held=list(held.accounts))
    merged = CustomerMerged(into=asked.into, accounts=asked.accounts, reason=asked.reason)
    yield To("customer", merged)
    moved = {account.org_unit: account.opened for account in accounts.values()}
    for unit, on in moved.items():
        if unit not in into.units:
            yield To("into", CustomerServedIn(org_unit=unit, on=on))
    yield from _go_over(accounts, asked.into, asked.reason)


@decision(apart_from=(CustomerMerged,), refuses=(CustomerNotMerged, AccountsDiffer))
def withdraw_merger(
    asked: WithdrawMerger, customer: Customer, accounts: Many[Account]
) -> Iterator[object]:
    """What was given to somebody else since stays with them."""
    merged = customer.merged
    if merged is None:
        raise CustomerNotMerged(customer=asked.customer)
    if merged.accounts and not asked.accounts:
        raise Instead(replace(asked, accounts=merged.accounts))
    if sorted(asked.accounts) != sorted(merged.accounts):
        raise AccountsDiffer(held=list(merged.accounts))
    left = Many((key, one) for key, one in accounts.items() if one.customer == merged.into)
    yield CustomerMergerWithdrawn(into=merged.into, accounts=tuple(left), reason=asked.reason)
    yield from _go_over(left, asked.customer, asked.reason)


def _go_over(accounts: Many[Account], to: str, reason: str) -> Iterator[To]:
    for key, account in accounts.items():
        corrected = AccountCorrected(
            customer=to, was=account.customer, on=account.opened, reason=reason
        )
        yield To("accounts", corrected, key)


def _open(key: str, account: Account) -> None:
    if not account.customer:
        raise AccountUnknown(account=key)
