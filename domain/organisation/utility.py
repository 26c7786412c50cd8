"""
The utility itself: the settings by which everything else is read.

    nothing ── establish ──▶ established ── set terms ──┐
                                  ▲─────────────────────┘
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, TypeAlias, assert_never

from pydantic import Field

from domain.editions import EDITION
from domain.kit import Kind, Refused, command, decision, event
from domain.values import Currency, Text, Zone, minor_digits

DueDays: TypeAlias = Annotated[int, Field(ge=0, le=365)]


# What can happen


@event("utility.established")
class UtilityEstablished:
    name: Text
    currency: Currency
    zone: Zone
    due_days: int
    minor_digits: int  # of the currency, in these books for ever
    edition: int  # of the rating rules that it begins with


@event("utility.terms-set")
class UtilityTermsSet:
    name: Text
    due_days: int


UtilityEvent: TypeAlias = UtilityEstablished | UtilityTermsSet


# What it then is


@dataclass(frozen=True, slots=True)
class Utility:
    """The settings that decisions need; no currency means not established yet."""

    name: str = ""
    currency: str = ""
    zone: str = "UTC"
    due_days: int = 14
    minor_digits: int = 2
    edition: int = 1


def evolve(utility: Utility, happened: UtilityEvent) -> Utility:
    """Change the settings as the event says."""
    match happened:
        case UtilityEstablished():
            return Utility(
                happened.name,
                happened.currency,
                happened.zone,
                happened.due_days,
                happened.minor_digits,
                happened.edition,
            )
        case UtilityTermsSet():
            return replace(utility, name=happened.name, due_days=happened.due_days)
        case _:
            assert_never(happened)


utility = Kind("utility", Utility(), evolve, only="settings")


# What can be asked


@command(
    "establish-utility",
    example={
        "name": "Harbour Electric",
        "currency": "GBP",
        "zone": "Europe/London",
        "due_days": 14,
    },
)
class EstablishUtility:
    """Found the utility: its name, the currency of its books, the zone of its calendar."""

    name: Text
    currency: Currency
    zone: Zone
    due_days: DueDays = 14


@command(
    "set-terms",
    example={"name": "Harbour Electric", "due_days": 21},
)
class SetTerms:
    """Change the name on the bill, and how many days after issue a bill falls due."""

    name: Text
    due_days: DueDays


# What we answer


class UtilityAlreadyEstablished(Refused):
    """The utility is established; its currency and time zone cannot change any more."""


class UtilityNotEstablished(Refused):
    """The utility has no settings yet: establish it first."""


@decision(refuses=(UtilityAlreadyEstablished,))
def establish(asked: EstablishUtility, utility: Utility) -> Iterator[UtilityEvent]:
    """Once, and for ever: amounts and days recorded under one setting need it to be read."""
    if utility.currency:
        raise UtilityAlreadyEstablished(name=utility.name)
    yield UtilityEstablished(
        name=asked.name,
        currency=asked.currency,
        zone=asked.zone,
        due_days=asked.due_days,
        minor_digits=minor_digits(asked.currency),
        edition=EDITION,
    )


@decision(refuses=(UtilityNotEstablished,))
def set_terms(asked: SetTerms, utility: Utility) -> Iterator[UtilityEvent]:
    """Quiet when nothing would change."""
    if not utility.currency:
        raise UtilityNotEstablished
    if (asked.name, asked.due_days) != (utility.name, utility.due_days):
        yield UtilityTermsSet(name=asked.name, due_days=asked.due_days)
