"""
Customers: the people and firms that hold accounts.

    unknown ── register ──▶ registered ── rename ──┐
                                ▲──────────────────┘
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from domain.kit import Kind, Refused, command, decision, event
from domain.values import CustomerId, Text

# What can happen


@event("customer.registered")
class CustomerRegistered:
    name: Text
    contact: Text | None = None


@event("customer.renamed")
class CustomerRenamed:
    name: Text
    was: Text


CustomerEvent: TypeAlias = CustomerRegistered | CustomerRenamed


# What it then is


@dataclass(frozen=True, slots=True)
class Customer:
    """No name means nobody has registered under this key."""

    name: str = ""


def evolve(_: Customer, happened: CustomerEvent) -> Customer:
    """The newest name counts."""
    match happened:
        case CustomerRegistered() | CustomerRenamed():
            return Customer(happened.name)
        case _:
            assert_never(happened)


customers = Kind("customer", Customer(), evolve)


# What can be asked


@command("register-customer")
class RegisterCustomer:
    """Enter a customer under a number of the utility's own choosing."""

    customer: CustomerId
    name: Text
    contact: Text | None = None


@command("rename-customer")
class RenameCustomer:
    """Change the name of a customer; the old one stays in history."""

    customer: CustomerId
    name: Text


# What we answer


class CustomerAlreadyRegistered(Refused):
    """A customer is registered under this number."""


class CustomerUnknown(Refused):
    """No customer is registered under this number."""


@decision
def register(asked: RegisterCustomer, customer: Customer) -> Iterator[CustomerEvent]:
    """A number names one customer."""
    if customer.name:
        raise CustomerAlreadyRegistered(customer=asked.customer)
    yield CustomerRegistered(name=asked.name, contact=asked.contact)


@decision
def rename(asked: RenameCustomer, customer: Customer) -> Iterator[CustomerEvent]:
    """Quiet when the name is the same."""
    if not customer.name:
        raise CustomerUnknown(customer=asked.customer)
    if asked.name != customer.name:
        yield CustomerRenamed(name=asked.name, was=customer.name)
