"""What we answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from domain.kit import Actor, InTheFuture, Refused, To, Today, decision
from domain.organisation.duties import Duties, DutyUnknown
from domain.organisation.person.commands import (
    EndEngagement,
    EngagePerson,
    GiveDuty,
    LetStandIn,
    MovePerson,
    TakeDuty,
)
from domain.organisation.person.events import (
    Ended,
    Held,
    PersonDutyGiven,
    PersonDutyTaken,
    PersonEngaged,
    PersonLeft,
    PersonMoved,
    PersonStandsIn,
)
from domain.organisation.person.state import Person, PersonHasLeft, PersonUnknown
from domain.organisation.unit import UnitIsClosed, UnitJoined, UnitParted, Units, UnitUnknown


class PersonAlreadyEngaged(Refused):
    """Somebody is, or was, engaged under this key."""


class GivesToSelf(Refused):
    """Nobody gives a duty to themselves, nor lets themselves stand in."""


class DutiesConflict(Refused):
    """One person does not hold two duties that are kept apart."""


class DutyNotHeld(Refused):
    """The person does not hold this duty for this unit."""


class NothingToStandInFor(Refused):
    """That person holds no duty on those days."""


@decision(refuses=(PersonAlreadyEngaged, UnitUnknown, UnitIsClosed, InTheFuture))
def engage_person(
    asked: EngagePerson, person: Person, tree: Units, today: Today
) -> Iterator[PersonEngaged | UnitJoined]:
    """A key names one person for ever, also after they have left."""
    today.has_come(asked.on)
    if person.unit:
        raise PersonAlreadyEngaged(person=asked.person)
    tree.known(asked.unit)
    yield PersonEngaged(name=asked.name, unit=asked.unit, on=asked.on)
    yield UnitJoined(unit=asked.unit, person=asked.person, on=asked.on)


@decision(refuses=(PersonUnknown, PersonHasLeft, UnitUnknown, UnitIsClosed, InTheFuture))
def move_person(
    asked: MovePerson, person: Person, tree: Units, today: Today
) -> Iterator[PersonMoved | UnitJoined]:
    """Quiet when they work there."""
    today.has_come(asked.on)
    person.present(asked.person)
    tree.known(asked.unit)
    if asked.unit != person.unit:
        yield PersonMoved(unit=asked.unit, was=person.unit, on=asked.on)
        yield UnitJoined(unit=asked.unit, person=asked.person, on=asked.on)


@decision(
    refuses=(
        GivesToSelf,
        PersonUnknown,
        PersonHasLeft,
        UnitUnknown,
        UnitIsClosed,
        DutyUnknown,
        DutiesConflict,
    )
)
def give_duty(
    asked: GiveDuty, person: Person, tree: Units, published: Duties, actor: Actor
) -> Iterator[PersonDutyGiven]:
    """Quiet when they hold it for just these days."""
    if actor.by == asked.person:
        raise GivesToSelf(person=asked.person)
    person.present(asked.person)
    tree.known(asked.unit)
    if published.duty(asked.duty) is None:
        raise DutyUnknown(duty=asked.duty)
    _apart(person, asked.person, asked.duty, published, asked.since, asked.until)
    new = Held(duty=asked.duty, unit=asked.unit, since=asked.since, until=asked.until)
    if new not in person.duties:
        yield PersonDutyGiven(
            duty=asked.duty,
            unit=asked.unit,
            since=asked.since,
            until=asked.until,
            given_by=actor.by,
        )


@decision(refuses=(PersonUnknown, DutyNotHeld, InTheFuture))
def take_duty(asked: TakeDuty, person: Person, today: Today) -> Iterator[PersonDutyTaken]:
    """Whoever holds it may be left with none."""
    today.has_come(asked.on)
    if not person.unit:
        raise PersonUnknown(person=asked.person)
    if not any((each.duty, each.unit) == (asked.duty, asked.unit) for each in person.duties):
        raise DutyNotHeld(person=asked.person, duty=asked.duty, unit=asked.unit)
    yield PersonDutyTaken(duty=asked.duty, unit=asked.unit, on=asked.on)


@decision(
    keys={"other": "instead_of"},
    refuses=(GivesToSelf, PersonUnknown, PersonHasLeft, NothingToStandInFor, DutiesConflict),
)
def let_stand_in(
    asked: LetStandIn, person: Person, other: Person, published: Duties, actor: Actor
) -> Iterator[To]:
    """What the other holds on some of these days, in their own name, for those days."""
    if asked.person in (actor.by, asked.instead_of):
        raise GivesToSelf(person=asked.person)
    person.present(asked.person)
    other.present(asked.instead_of)
    duties = tuple(
        replace(
            held,
            since=max(held.since, asked.since),
            until=min(held.until or asked.until, asked.until),
        )
        for held in other.duties
        if held.meets(asked.since, asked.until)
    )
    if not duties:
        raise NothingToStandInFor(person=asked.instead_of)
    for held in duties:
        _apart(person, asked.person, held.duty, published, held.since, held.until)
    stands_in = PersonStandsIn(
        instead_of=asked.instead_of,
        duties=duties,
        since=asked.since,
        until=asked.until,
        let_by=actor.by,
    )
    yield To("person", stands_in)


@decision(refuses=(PersonUnknown, InTheFuture))
def end_engagement(
    asked: EndEngagement, person: Person, tree: Units, today: Today
) -> Iterator[PersonLeft | UnitParted]:
    """Quiet when they have left."""
    today.has_come(asked.on)
    if not person.unit:
        raise PersonUnknown(person=asked.person)
    if not person.left:
        ended = tuple(
            Ended(duty=held.duty, unit=held.unit, instead_of=instead_of)
            for held, instead_of in person.every()
        )
        yield PersonLeft(on=asked.on, ended=ended)
        yield UnitParted(unit=tree.people[asked.person], person=asked.person, on=asked.on)


def _apart(
    person: Person, key: str, duty: str, published: Duties, since: date, until: date | None
) -> None:
    """Raise DutiesConflict if they hold, on one of those days, what is kept apart from it."""
    document = published.document
    excluded = document.excluded_by(duty) if document is not None else frozenset()
    for held, _ in person.every():
        if held.duty in excluded and held.meets(since, until):
            raise DutiesConflict(person=key, duty=duty, holds=held.duty)
