"""
Accounts: what a customer owes, bill by bill, and what is held in advance.

    unknown ── open ──▶ open ── charged · adjusted · credited · payment returned ──┐
                          ▲────────────────────────────────────────────────────────┘

`owed` has a line for each open item, oldest first; `advance` is money held for the customer.
The balance is Σ owed − advance, and each event moves it by exactly its own amount.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TypeAlias, assert_never

from domain.customers.customer import Customer, CustomerUnknown, PersonErased
from domain.kit import Kind, Refused, command, decision, event, value
from domain.values import AccountId, BillId, Currency, CustomerId, PaymentId, Period

ALLOCATION_POLICY = "oldest-first-v1"
"""Money in goes to the bill it is about, then to the oldest open item; the rest is held."""


@value
class Allocation:
    """So many minor units of an open item are settled."""

    item: BillId
    amount: int


# What can happen


@event("account.opened")
class AccountOpened:
    customer: CustomerId
    on: date


@event("account.charged")
class AccountCharged:
    """A bill was issued: `amount` is owed, `allocations` of it settled at once."""

    bill: BillId
    period: Period
    amount: int
    currency: Currency
    on: date
    due: date
    from_advance: int = 0
    to_advance: int = 0
    allocations: tuple[Allocation, ...] = ()


@event("account.adjusted")
class AccountAdjusted:
    """A correction note: the bill is `amount` more (or less) than it was."""

    bill: BillId
    note: str
    amount: int
    currency: Currency
    on: date
    due: date
    from_advance: int = 0
    to_advance: int = 0
    allocations: tuple[Allocation, ...] = ()


@event("account.credited")
class AccountCredited:
    """A payment came in: settled against open items, the rest held in advance."""

    payment: PaymentId
    amount: int
    currency: Currency
    on: date
    policy: str
    to_advance: int = 0
    allocations: tuple[Allocation, ...] = ()


@event("account.payment-returned")
class AccountPaymentReturned:
    """A payment was reversed: `allocations` are owed again, `from_advance` no longer held."""

    payment: PaymentId
    amount: int
    currency: Currency
    on: date
    from_advance: int = 0
    allocations: tuple[Allocation, ...] = ()


AccountEvent: TypeAlias = (
    AccountOpened | AccountCharged | AccountAdjusted | AccountCredited | AccountPaymentReturned
)


# What it then is


@dataclass(frozen=True, slots=True)
class Account:
    """Just enough to settle with; no customer means not opened."""

    customer: str = ""
    owed: Mapping[str, int] = field(default_factory=dict)
    advance: int = 0
    billed: tuple[tuple[str, Period], ...] = ()
    payments: Mapping[str, AccountCredited] = field(default_factory=dict)

    @property
    def balance(self) -> int:
        """What the customer owes, net of what is held for them."""
        return sum(self.owed.values()) - self.advance


def evolve(account: Account, happened: AccountEvent) -> Account:
    """Change the account as the event says."""
    match happened:
        case AccountOpened():
            return replace(account, customer=happened.customer)
        case AccountCharged():
            billed = (*account.billed, (happened.bill, happened.period))
            return replace(_debited(account, happened), billed=billed)
        case AccountAdjusted():
            return _debited(account, happened)
        case AccountCredited():
            return replace(
                account,
                owed=_moved(account.owed, happened.allocations, -1),
                advance=account.advance + happened.to_advance,
                payments={**account.payments, happened.payment: happened},
            )
        case AccountPaymentReturned():
            kept = {k: v for k, v in account.payments.items() if k != happened.payment}
            return replace(
                account,
                owed=_moved(account.owed, happened.allocations, +1),
                advance=account.advance - happened.from_advance,
                payments=kept,
            )
        case _:
            assert_never(happened)


def _debited(account: Account, happened: AccountCharged | AccountAdjusted) -> Account:
    settled = sum(a.amount for a in happened.allocations)
    credit = settled + happened.to_advance  # what a negative amount paid for elsewhere
    own = Allocation(
        item=happened.bill, amount=happened.amount - happened.from_advance + credit
    )
    owed = _moved(_moved(account.owed, (own,), +1), happened.allocations, -1)
    advance = account.advance - happened.from_advance + happened.to_advance
    return replace(account, owed=owed, advance=advance)


def _moved(
    owed: Mapping[str, int], allocations: Iterable[Allocation], sign: int
) -> Mapping[str, int]:
    moved = dict(owed)
    for allocation in allocations:
        moved[allocation.item] = moved.get(allocation.item, 0) + sign * allocation.amount
    return {item: amount for item, amount in moved.items() if amount}


accounts = Kind("account", Account(), evolve)


def allocate(account: Account, money: int, first: str = "") -> tuple[Allocation, ...]:
    """The open items that `money` settles under ALLOCATION_POLICY; `first` goes first."""
    found: list[Allocation] = []
    for item in sorted(account.owed, key=lambda item: item != first):
        part = min(money, account.owed[item])
        if part > 0:
            found.append(Allocation(item=item, amount=part))
            money -= part
    return tuple(found)


# What can be asked


@command(
    "open-account",
    duty="clerk",
    example={"account": "000120", "customer": "C-0042", "on": "2026-01-01"},
)
class OpenAccount:
    """Open an account for a registered customer."""

    account: AccountId
    customer: CustomerId
    on: date


# What we answer


class AccountAlreadyOpen(Refused):
    """An account is open under this number."""


class AccountUnknown(Refused):
    """No account is open under this number."""


@decision(
    refuses=(
        AccountAlreadyOpen,
        CustomerUnknown,
        PersonErased,
    )
)
def open_account(
    asked: OpenAccount, account: Account, customer: Customer
) -> Iterator[AccountEvent]:
    """A number names one account; it belongs to a customer we know."""
    if account.customer:
        raise AccountAlreadyOpen(account=asked.account, customer=account.customer)
    if not customer.name:
        raise CustomerUnknown(customer=asked.customer)
    if customer.erased:
        raise PersonErased(customer=asked.customer)
    yield AccountOpened(customer=asked.customer, on=asked.on)
