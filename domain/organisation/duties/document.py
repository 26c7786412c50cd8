"""What the utility publishes about duties: who may ask and see what, and what is kept apart."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StringConstraints

from domain.kit import ASKED, COMMANDS, value
from domain.values import Key, Text

Word: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,63}$")]
EventName: TypeAlias = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,63}\.[a-z][a-z0-9-]{1,63}$")
]
Looks: TypeAlias = Literal["tables", "facts", "journal"]
PersonalField: TypeAlias = Literal["name", "contact"]

WHOLE: tuple[PersonalField, ...] = ("name", "contact")


@value
class Duty:
    """What a post is for: the commands it asks, what it looks at, and what it reads whole."""

    name: Key
    title: Text
    commands: tuple[Word, ...] = ()
    every_command: bool = False  # also those that a later release brings
    looks: tuple[Looks, ...] = ("tables",)
    whole: tuple[PersonalField, ...] = ()  # what of a customer is shown to it unmasked


@value
class Pair:
    """Who recorded the last `first` about a thing does not record `second` about it."""

    first: EventName
    second: EventName


@value
class Apart:
    """Two duties that nobody holds at the same time."""

    one: Key
    other: Key


@value
class DutiesDocument:
    """The duties of a utility, and what is kept apart."""

    duties: Annotated[tuple[Duty, ...], Field(min_length=1, max_length=200)]
    pairs: Annotated[tuple[Pair, ...], Field(max_length=500)] = ()
    apart: Annotated[tuple[Apart, ...], Field(max_length=500)] = ()

    def excluded_by(self, duty: str) -> frozenset[str]:
        """The duties that nobody holds beside this one."""
        beside = {each.other for each in self.apart if each.one == duty}
        return frozenset(beside | {each.one for each in self.apart if each.other == duty})


@dataclass(frozen=True, slots=True)
class DutiesVersion:
    """A published version: in force from the moment it was recorded until the next."""

    version: int
    since: date
    document: DutiesDocument


ADMIN = "admin"
NAMES_ONLY: tuple[PersonalField, ...] = ("name",)

FIRST: tuple[Duty, ...] = (
    Duty(
        name=ADMIN,
        title="Administrator: founds the organisation and gives duties",
        every_command=True,
        looks=("tables", "facts", "journal"),
        whole=WHOLE,
    ),
    Duty(name="clerk", title="Clerk: customers, accounts and supplies", whole=WHOLE),
    Duty(name="reader", title="Meter reader"),
    Duty(name="metering", title="Metering: installs, exchanges and tests meters"),
    Duty(name="analyst", title="Analyst: drafts tariffs"),
    Duty(name="supervisor", title="Supervisor: approves and publishes", whole=NAMES_ONLY),
    Duty(name="billing", title="Billing: issues and corrects bills", whole=NAMES_ONLY),
    Duty(name="cashier", title="Cashier: takes money", whole=NAMES_ONLY),
    Duty(name="privacy", title="Data protection officer", whole=WHOLE),
    Duty(
        name="auditor",
        title="Auditor: looks at everything",
        looks=("tables", "facts", "journal"),
        whole=WHOLE,
    ),
    Duty(name="integrator", title="Interfaces: facts, no names", looks=("facts", "journal")),
    Duty(name="finance", title="Finance: the journal alone", looks=("journal",)),
)
"""The duties of the first release as they are told; their commands say which those are."""

FIRST_PAIRS = (
    Pair(first="tariff.drafted", second="tariff.approved"),
    Pair(first="tariff.drafted", second="tariff.published"),
    Pair(first="duties.drafted", second="duties.approved"),
    Pair(first="payment.received", second="payment.reversed"),
)

FIRST_APART = (
    Apart(one="reader", other="billing"),
    Apart(one="billing", other="cashier"),
    Apart(one="cashier", other="reader"),
)
"""Who reads, who calculates and who collects are three people (抄、核、收分離)."""


def first_document() -> DutiesDocument:
    """The duties of today: the roles as the commands of this release declare them."""
    asked = {
        duty.name: tuple(
            sorted(name for name, each in COMMANDS.items() if duty.name in ASKED[each].duties)
        )
        for duty in FIRST
    }
    duties = tuple(replace(duty, commands=asked[duty.name]) for duty in FIRST)
    return DutiesDocument(duties=duties, pairs=FIRST_PAIRS, apart=FIRST_APART)
