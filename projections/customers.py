"""Who the utility deals with: customers, their accounts, and each movement of an account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, assert_never

from domain.customers.account import (
    REOPENS,
    AccountClosed,
    AccountCorrected,
    AccountCredited,
    AccountDebited,
    AccountEvent,
    AccountOpened,
    AccountOpeningWithdrawn,
    AccountReopened,
    MoneyMoved,
)
from domain.customers.customer import (
    CustomerContactChanged,
    CustomerErased,
    CustomerMerged,
    CustomerMergerWithdrawn,
    CustomerRegistered,
    CustomerRenamed,
    CustomerServedIn,
)
from domain.kit import Fact
from domain.values import ERASED
from projections.kit.declaration import Back, Called, FactRef, Link, Minor, Position
from projections.kit.search import grams
from projections.kit.table import Projection, Table

# Customers


@dataclass(frozen=True, slots=True)
class Customer:
    """A person or a firm that holds accounts."""

    customer: Annotated[str, "Its number: C000120."]
    name: Annotated[str, "Its name."]
    contact: Annotated[str | None, "How to reach it, as it was told."]
    erased: Annotated[
        date | None, "From which day nothing personal is kept.", Called("erased_on")
    ] = None
    merged_into: Annotated[
        str | None, "The number of the customer that it is, if it was registered twice."
    ] = None
    grams: tuple[str, ...] = ()
    units: tuple[str, ...] = ()  # where they came first, and where their accounts lie


def _renamed(row: Customer, name: str) -> Customer:
    """The same, found by its name and contact."""
    return replace(row, name=name, grams=grams(row.customer, name, row.contact))


def _customers(table: Table[str, Customer], fact: Fact) -> None:
    match fact.event:
        case CustomerRegistered() as e:
            new = Customer(fact.key, e.name, e.contact, units=(e.org_unit,))
            table[fact.key] = _renamed(new, e.name)
        case CustomerRenamed() as e:
            table[fact.key] = _renamed(table[fact.key], e.name)
        case CustomerContactChanged() as e:
            was = table[fact.key]
            table[fact.key] = _renamed(replace(was, contact=e.contact), was.name)
        case CustomerMerged() as e:
            table[fact.key] = replace(table[fact.key], merged_into=e.into)
        case CustomerMergerWithdrawn():
            table[fact.key] = replace(table[fact.key], merged_into=None)
        case CustomerErased() as e:
            units = table[fact.key].units
            table[fact.key] = Customer(fact.key, ERASED, None, e.on, units=units)
        case CustomerServedIn() as e:
            known = table[fact.key]
            table[fact.key] = replace(known, units=(*known.units, e.org_unit))


customers = Projection(
    name="customers",
    version=4,
    row=Customer,
    key=("customer",),
    events=(
        CustomerRegistered,
        CustomerServedIn,
        CustomerRenamed,
        CustomerContactChanged,
        CustomerMerged,
        CustomerMergerWithdrawn,
        CustomerErased,
    ),
    keys=lambda fact: (fact.key,),
    project=_customers,
    search="grams",
)


# Accounts and what they owe

MOVEMENTS = (AccountDebited, AccountCredited)


@dataclass(frozen=True, slots=True)
class Account:
    """What a customer owes and is owed: bills, payments, supplies."""

    account: Annotated[str, "Its number: 000120."]
    customer: str
    opened: Annotated[date, "The day it was opened.", Called("opened_on")]
    balance: Annotated[
        Minor,
        "What is owed, net of credit held; negative: the utility owes. The sum of its"
        " movements; `asOf`: of those dated on or before it.",
    ]
    held: Annotated[
        Minor,
        "What is held for the customer: paid, and owed for nothing yet. `asOf`: after the"
        " movements dated on or before it.",
        Called("credit_held"),
    ]
    org_unit: Annotated[str, "The unit where it lies; empty: the one on top."] = ""
    closed: Annotated[
        date | None, "The first day it is closed; null while it is open.", Called("closed_on")
    ] = None


def _accounts(table: Table[str, Account], fact: Fact) -> None:
    e: AccountEvent = fact.event
    match e:
        case AccountOpened():
            table[fact.key] = Account(fact.key, e.customer, e.on, 0, 0, e.org_unit)
        case AccountCorrected():
            table[fact.key] = replace(table[fact.key], customer=e.customer, opened=e.on)
        case AccountOpeningWithdrawn():
            table.pop(fact.key)
        case AccountClosed():
            table[fact.key] = replace(table[fact.key], closed=e.on)
        case AccountReopened():
            table[fact.key] = replace(table[fact.key], closed=None)
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
    version=3,
    row=Account,
    key=("account",),
    events=(
        AccountOpened,
        AccountCorrected,
        AccountOpeningWithdrawn,
        AccountClosed,
        AccountReopened,
        *MOVEMENTS,
    ),
    keys=lambda fact: (fact.key,),
    project=_accounts,
    indexes=(("customer",),),
    since="opened",
    filters=("customer", "opened"),
    orders=(("customer",),),
    links=(
        Link(
            "customer", customers, "Whose it is.", Back("accounts", "Its accounts, by number.")
        ),
    ),
)


# Each movement of an account


@dataclass(frozen=True, slots=True)
class Movement:
    """One fact that moved the balance of an account."""

    account: str
    position: Annotated[Position, "Its place in history."]
    kind: Annotated[
        str, "What caused it: bill, note (a correction), payment, return (of a payment) …"
    ]
    reference: Annotated[str, "The number of the bill, of the note, or of the payment."]
    on: Annotated[date, "The day it is dated."]
    due: Annotated[
        date | None,
        "By when it is to be paid; of several items the first day.",
        Called("due_on"),
    ]
    amount: Annotated[Minor, "Owed more: positive. Owed less: negative."]
    currency: str
    fact: Annotated[FactRef, "The fact itself: account-000120@4."]


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
    since="on",
    filters=("account", "on", "kind"),
    links=(
        Link(
            "account",
            accounts,
            "Whose balance it moved.",
            Back("movements", "Each fact that moved its balance, in the order recorded."),
        ),
    ),
)


# Which payment settled which item


@dataclass(frozen=True, slots=True)
class Settlement:
    """A part of an open item that was settled, or (negative) reopened."""

    account: str
    position: Annotated[Position, "The place in history of the fact."]
    item: Annotated[str, "The open item: a bill by number, or a payment that was returned."]
    source: Annotated[
        str, "Settled with what: a payment, or the bill or note that is a credit."
    ]
    on: Annotated[date, "The day."]
    amount: Annotated[Minor, "How much; negative: reopened."]
    fact: Annotated[FactRef, "The fact that settled it."]


def _settled(e: MoneyMoved) -> dict[str, int]:
    """By item, what a movement settled, less what it reopened."""
    parts: Counter[str] = Counter()
    for each in e.allocations:
        parts[each.item] += each.amount
    match e:
        case AccountDebited(source=source, items=items) if source.kind in REOPENS:
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
    since="on",
    filters=("account", "item", "source"),
    links=(Link("account", accounts, "In which account."),),
)
