"""
Founding: the first unit, two people, and the duties of today; then nobody acts alone.

It is asked once.  Until then a token says itself in which duty somebody asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TypeAlias

from domain.kit import Actor, InTheFuture, Refused, To, Today, command, decision
from domain.organisation.duties import (
    ADMIN,
    Duties,
    DutiesPublished,
    first_document,
)
from domain.organisation.person import (
    Person,
    PersonAlreadyEngaged,
    PersonDutyGiven,
    PersonEngaged,
)
from domain.organisation.unit import UnitFounded, UnitJoined, Units
from domain.organisation.utility import Utility, UtilityNotEstablished
from domain.values import Name, PersonId, UnitId

Founded: TypeAlias = (
    UnitFounded | UnitJoined | DutiesPublished | PersonEngaged | PersonDutyGiven
)


@command(
    "found-utility",
    example={
        "unit": "utility",
        "first": "anna",
        "first_name": "Anna Ray",
        "second": "bert",
        "second_name": "Bert Moss",
        "on": "2026-01-01",
    },
)
class FoundUtility:
    """Found the organisation: the unit on top, and two people who may ask everything in it."""

    unit: UnitId
    first: PersonId
    first_name: Name
    second: PersonId
    second_name: Name
    on: date


class UtilityAlreadyFounded(Refused):
    """The organisation is founded; its people give duties and publish other ones."""


class FoundersAreOne(Refused):
    """An organisation is founded by two people, so that nobody acts alone."""


@decision(
    refuses=(
        UtilityNotEstablished,
        UtilityAlreadyFounded,
        FoundersAreOne,
        PersonAlreadyEngaged,
        InTheFuture,
    )
)
def found_utility(
    asked: FoundUtility,
    utility: Utility,
    tree: Units,
    published: Duties,
    first: Person,
    second: Person,
    actor: Actor,
    today: Today,
) -> Iterator[To | Founded]:
    """Both hold the administrator's duty; whatever they do to each other needs the other."""
    today.has_come(asked.on)
    if not utility.currency:
        raise UtilityNotEstablished
    if published.every or tree.units:
        raise UtilityAlreadyFounded
    if asked.first == asked.second:
        raise FoundersAreOne(person=asked.first)
    for key, person in ((asked.first, first), (asked.second, second)):
        if person.unit:
            raise PersonAlreadyEngaged(person=key)
    yield UnitFounded(
        unit=asked.unit,
        name=utility.name,
        kind="utility",
        parent=None,
        zone=utility.zone,
        on=asked.on,
    )
    yield DutiesPublished(version=1, since=today.day, document=first_document())
    yield from _people(asked, actor)


def _people(asked: FoundUtility, actor: Actor) -> Iterator[To | Founded]:
    named = (
        ("first", asked.first, asked.first_name),
        ("second", asked.second, asked.second_name),
    )
    for to, key, name in named:
        yield To(to, PersonEngaged(name=name, unit=asked.unit, on=asked.on))
        yield UnitJoined(unit=asked.unit, person=key, on=asked.on)
        given = PersonDutyGiven(
            duty=ADMIN, unit=asked.unit, since=asked.on, until=None, given_by=actor.by
        )
        yield To(to, given)
