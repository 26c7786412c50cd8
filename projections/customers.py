"""Who the utility deals with: customers, their accounts, and each movement of an account."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from domain.customers.account import (
    AccountAdjusted,
    AccountCharged,
    AccountCredited,
    AccountOpened,
    AccountPaymentReturned,
)
from domain.customers.customer import CustomerErased, CustomerRegistered, CustomerRenamed
from domain.kit import Fact
from domain.values import ERASED
from projections.kit.table import Projection, Table

# Customers


@dataclass(frozen=True, slots=True)
class Customer:
    """One row a customer."""

    customer: str
    name: str
    contact: str | None
    erased: date | None = None  # the day, when nothing personal can be read any more


def _customers(table: Table[str, Customer], fact: Fact) -> None:
    match fact.event:
        case CustomerRegistered() as e:
            table[fact.key] = Customer(fact.key, e.name, e.contact)
        case CustomerRenamed() as e:
            table[fact.key] = replace(table[fact.key], name=e.name)
        case CustomerErased() as e:
            table[fact.key] = Customer(fact.key, ERASED, None, e.on)


customers = Projection(
    name="customers",
    version=2,
    row=Customer,
    key=("customer",),
    events=(CustomerRegistered, CustomerRenamed, CustomerErased),
    keys=lambda fact: (fact.key,),
    project=_customers,
)


# Accounts and what they owe

MOVEMENTS = (AccountCharged, AccountAdjusted, AccountCredited, AccountPaymentReturned)


@dataclass(frozen=True, slots=True)
class Account:
    """One row an account; minor units; balance = what is owed − what is held in advance."""

    account: str
    customer: str
    opened: date
    balance: int
    advance: int


def _accounts(table: Table[str, Account], fact: Fact) -> None:
    match fact.event:
        case AccountOpened() as e:
            table[fact.key] = Account(fact.key, e.customer, e.on, 0, 0)
        case AccountCharged() | AccountAdjusted() as e:
            _move(table, fact, e.amount, e.to_advance - e.from_advance)
        case AccountCredited() as e:
            _move(table, fact, -e.amount, e.to_advance)
        case AccountPaymentReturned() as e:
            _move(table, fact, e.amount, -e.from_advance)


def _move(table: Table[str, Account], fact: Fact, amount: int, advance: int) -> None:
    row = table[fact.key]
    table[fact.key] = replace(row, balance=row.balance + amount, advance=row.advance + advance)


accounts = Projection(
    name="accounts",
    version=1,
    row=Account,
    key=("account",),
    events=(AccountOpened, *MOVEMENTS),
    keys=lambda fact: (fact.key,),
    project=_accounts,
    indexes=(("customer",),),
)


# Each movement of an account


@dataclass(frozen=True, slots=True)
class Movement:
    """One row for each fact that moved a balance: minor units, what is owed positive."""

    account: str
    position: int
    kind: str  # the name of the fact: account.charged
    reference: str  # the bill, the note or the payment
    on: date
    due: date | None
    amount: int
    currency: str
    fact: str


def _movements(table: Table[tuple[str, int], Movement], fact: Fact) -> None:
    e = fact.event
    reference: str
    due: date | None
    match e:
        case AccountCharged():
            reference, due, amount = e.bill, e.due, e.amount
        case AccountAdjusted():
            reference, due, amount = e.note, e.due, e.amount
        case AccountCredited():
            reference, due, amount = e.payment, None, -e.amount
        case _:
            reference, due, amount = e.payment, None, e.amount
    table[fact.key, fact.position] = Movement(
        fact.key, fact.position, fact.name, reference, e.on, due, amount, e.currency, fact.ref
    )


movements = Projection(
    name="movements",
    version=1,
    row=Movement,
    key=("account", "position"),
    events=MOVEMENTS,
    keys=lambda fact: ((fact.key, fact.position),),
    project=_movements,
)


# Which payment settled which item


@dataclass(frozen=True, slots=True)
class Settlement:
    """One row for each open item a fact of the account settled, or (negative) reopened."""

    account: str
    position: int
    item: str
    source: str  # the payment, or the bill whose credit it was
    on: date
    amount: int
    fact: str


def _settlements(table: Table[tuple[str, int, str], Settlement], fact: Fact) -> None:
    e = fact.event
    sign = -1 if isinstance(e, AccountPaymentReturned) else 1
    charged = isinstance(e, AccountCharged | AccountAdjusted)
    source = e.bill if charged else e.payment
    parts = [(each.item, sign * each.amount) for each in e.allocations]
    if charged and e.from_advance:
        parts.append((e.bill, e.from_advance))
    for item, amount in parts:
        table[fact.key, fact.position, item] = Settlement(
            fact.key, fact.position, item, source, e.on, amount, fact.ref
        )


def _settlement_keys(fact: Fact) -> Iterable[tuple[str, int, str]]:
    e = fact.event
    own = (e.bill,) if isinstance(e, AccountCharged | AccountAdjusted) else ()
    items = {*own, *(each.item for each in e.allocations)}
    return tuple((fact.key, fact.position, item) for item in items)


settlements = Projection(
    name="settlements",
    version=1,
    row=Settlement,
    key=("account", "position", "item"),
    events=(AccountCharged, AccountAdjusted, AccountCredited, AccountPaymentReturned),
    keys=_settlement_keys,
    project=_settlements,
    indexes=(("item",), ("source",)),
)
