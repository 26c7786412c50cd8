"""
Customers: the people and firms that hold accounts.

    unknown ── register ──▶ registered ── rename · change contact ──┐
                              │ ▲───────────────────────────────────┘
                              ├── merge ──▶ merged ── withdraw the merger ──▶ registered
                              └── erase ──▶ erased

What they are called and how to reach them is personal: erasing a person destroys the key under
which it stands in history, while their accounts, bills and payments stay what they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeAlias, assert_never

from domain.kit import Actor, InUnits, Kind, Refused, command, decision, event
from domain.values import ERASED, AccountId, CustomerId, Name, PersonalText, Text, UnitId

# What can happen


@event("customer.registered")
class CustomerRegistered:
    name: PersonalText
    contact: PersonalText | None = None
    org_unit: str = ""  # where they came first


@event("customer.served-in", day="on")
class CustomerServedIn:
    """An account of theirs lies in a unit in which they had none."""

    org_unit: str
    on: date


@event("customer.renamed")
class CustomerRenamed:
    name: PersonalText
    was: PersonalText


@event("customer.contact-changed")
class CustomerContactChanged:
    contact: PersonalText | None
    was: PersonalText | None


@event("customer.merged")
class CustomerMerged:
    """They are the customer `into`, who was registered twice; `accounts` went over."""

    into: CustomerId
    accounts: tuple[AccountId, ...]
    reason: Text


@event("customer.merger-withdrawn")
class CustomerMergerWithdrawn:
    """They are not the customer `into`; `accounts` are theirs again."""

    into: CustomerId
    accounts: tuple[AccountId, ...]
    reason: Text


@event("customer.erased", day="on")
class CustomerErased:
    """What was personal can be read no more; the reason is not personal, and stays."""

    reason: Text
    on: date


CustomerEvent: TypeAlias = (
    CustomerRegistered
    | CustomerServedIn
    | CustomerRenamed
    | CustomerContactChanged
    | CustomerMerged
    | CustomerMergerWithdrawn
    | CustomerErased
)


# What it then is


@dataclass(frozen=True, slots=True)
class Customer:
    """No name means nobody has registered under this key."""

    name: str = ""
    erased: bool = False
    units: tuple[str, ...] = ()
    contact: str | None = None
    merged: CustomerMerged | None = None  # with whom, if they were registered twice


def evolve(customer: Customer, happened: CustomerEvent) -> Customer:
    """The newest name and contact count, until there are none any more."""
    match happened:
        case CustomerRegistered():
            return replace(
                customer,
                name=happened.name,
                contact=happened.contact,
                units=(happened.org_unit,),
            )
        case CustomerServedIn():
            return replace(customer, units=(*customer.units, happened.org_unit))
        case CustomerRenamed():
            return replace(customer, name=happened.name)
        case CustomerContactChanged():
            return replace(customer, contact=happened.contact)
        case CustomerMerged():
            return replace(customer, merged=happened)
        case CustomerMergerWithdrawn():
            return replace(customer, merged=None)
        case CustomerErased():
            return replace(customer, name=ERASED, erased=True)
        case _:
            assert_never(happened)


def _place(customer: Customer) -> InUnits | None:
    return InUnits(customer.units) if customer.name else None


customers = Kind("customer", Customer(), evolve, place=_place)


# What can be asked


@command(
    "register-customer",
    duty="clerk",
    example={"customer": "C-0042", "name": "Ada Byron", "contact": "ada@example.org"},
)
class RegisterCustomer:
    """Enter a customer under a number of the utility's own choosing."""

    customer: CustomerId
    name: Name
    contact: Name | None = None
    org_unit: UnitId | None = None  # not said: where whoever asks has their duty


@command(
    "rename-customer",
    duty="clerk",
    example={"customer": "C-0042", "name": "Ada Lovelace"},
)
class RenameCustomer:
    """Change the name of a customer; the old one stays in history."""

    customer: CustomerId
    name: Name


@command(
    "change-contact",
    duty="clerk",
    example={"customer": "C-0042", "contact": "ada@example.com"},
)
class ChangeContact:
    """Say how a customer is reached, or that nobody knows; what was said before stays."""

    customer: CustomerId
    contact: Name | None = None


@command(
    "erase-person",
    duty="privacy",
    example={"customer": "C-0042", "reason": "asked for it, Art. 17 GDPR", "on": "2026-06-01"},
)
class ErasePerson:
    """Make a person's name and contact unreadable for ever, wherever they stand in history."""

    customer: CustomerId
    reason: Text
    on: date


# What we answer


class CustomerAlreadyRegistered(Refused):
    """A customer is registered under this number."""


class CustomerUnknown(Refused):
    """No customer is registered under this number."""


class CustomerIsAnother(Refused):
    """The customer was registered twice; they are dealt with under the other number."""


class PersonErased(Refused):
    """The person has been erased; nothing about them is written any more."""


@decision(refuses=(CustomerAlreadyRegistered,))
def register(
    asked: RegisterCustomer, customer: Customer, actor: Actor
) -> Iterator[CustomerEvent]:
    """A number names one customer."""
    if customer.name:
        raise CustomerAlreadyRegistered(customer=asked.customer)
    yield CustomerRegistered(
        name=asked.name, contact=asked.contact, org_unit=asked.org_unit or actor.org_unit
    )


@decision(
    refuses=(
        CustomerUnknown,
        PersonErased,
    )
)
def rename(asked: RenameCustomer, customer: Customer) -> Iterator[CustomerEvent]:
    """Quiet when the name is the same."""
    _there(asked.customer, customer)
    if asked.name != customer.name:
        yield CustomerRenamed(name=asked.name, was=customer.name)


@decision(refuses=(CustomerUnknown, PersonErased))
def change_contact(asked: ChangeContact, customer: Customer) -> Iterator[CustomerEvent]:
    """Quiet when it is the same."""
    _there(asked.customer, customer)
    if asked.contact != customer.contact:
        yield CustomerContactChanged(contact=asked.contact, was=customer.contact)


@decision(refuses=(CustomerUnknown,))
def erase(asked: ErasePerson, customer: Customer) -> Iterator[CustomerEvent]:
    """Quiet when it is done already; the number stays taken."""
    if not customer.name:
        raise CustomerUnknown(customer=asked.customer)
    if not customer.erased:
        yield CustomerErased(reason=asked.reason, on=asked.on)


def deal_with(key: str, customer: Customer) -> None:
    """Raise CustomerUnknown, PersonErased, CustomerIsAnother."""
    _there(key, customer)
    if customer.merged is not None:
        raise CustomerIsAnother(customer=key, into=customer.merged.into)


def _there(key: str, customer: Customer) -> None:
    if not customer.name:
        raise CustomerUnknown(customer=key)
    if customer.erased:
        raise PersonErased(customer=key)
