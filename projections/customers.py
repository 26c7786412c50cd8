"""Who the utility deals with: customers, their accounts, and each movement of an account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import assert_never

from domain.customers.account import (
    AccountCredited,
    AccountDebited,
    AccountEvent,
    AccountOpened,
    MoneyMoved,
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

MOVEMENTS = (AccountDebited, AccountCredited)


@dataclass(frozen=True, slots=True)
class Account:
    """One row an account; minor units; balance = Σ open items − the credit that is held."""

    account: str
    customer: str
    opened: date
    balance: int
    held: int


def _accounts(table: Table[str, Account], fact: Fact) -> None:
    e: AccountEvent = fact.event
    match e:
        case AccountOpened():
            table[fact.key] = Account(fact.key, e.customer, e.on, 0, 0)
        case AccountDebited():
            _move(table, fact, e.amount, e.held)
        case AccountCredited():
            _move(table, fact, -e.amount, e.held)
        case _:
            assert_never(e)


def _move(table: Table[str, Account], fact: Fact, amount: int, held: int) -> None:
    row = table[fact.key]
    table[fact.key] = replace(row, balance=row.balance + amount, held=row.held + held)


accounts = Projection(
    name="accounts",
    version=2,
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
    kind: str  # what caused it: bill, note, payment, return …
    reference: str  # the bill, the note or the payment
    on: date
    due: date | None  # of what is debited; the first day, where it is several items
    amount: int
    currency: str
    fact: str


def _movements(table: Table[tuple[str, int], Movement], fact: Fact) -> None:
    e: MoneyMoved = fact.event
    due: date | None
    match e:
        case AccountDebited():
            due, amount = min((each.due for each in e.items), default=None), e.amount
        case AccountCredited():
            due, amount = None, -e.amount
        case _:
            assert_never(e)
    kind, reference = e.source.kind, e.source.reference
    table[fact.key, fact.position] = Movement(
        fact.key, fact.position, kind, reference, e.on, due, amount, e.currency, fact.ref
    )


movements = Projection(
    name="movements",
    version=2,
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
    source: str  # the payment, the bill or the note whose credit it was
    on: date
    amount: int
    fact: str


def _settled(e: MoneyMoved) -> dict[str, int]:
    """By item, what a movement settled, less what it reopened."""
    parts: Counter[str] = Counter()
    for each in e.allocations:
        parts[each.item] += each.amount
    match e:
        case AccountDebited(source=source, items=items) if source.kind == "return":
            for item in items:
                parts[item.item] -= item.amount
        case AccountDebited() | AccountCredited():
            pass
        case _:
            assert_never(e)
    return parts


def _settlements(table: Table[tuple[str, int, str], Settlement], fact: Fact) -> None:
    e: MoneyMoved = fact.event
    for item, amount in _settled(e).items():
        table[fact.key, fact.position, item] = Settlement(
            fact.key, fact.position, item, e.source.reference, e.on, amount, fact.ref
        )


def _settlement_keys(fact: Fact) -> Iterable[tuple[str, int, str]]:
    return tuple((fact.key, fact.position, item) for item in _settled(fact.event))


settlements = Projection(
    name="settlements",
    version=2,
    row=Settlement,
    key=("account", "position", "item"),
    events=MOVEMENTS,
    keys=_settlement_keys,
    project=_settlements,
    indexes=(("item",), ("source",)),
)
