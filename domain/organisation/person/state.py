"""What a person of the utility then is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import assert_never

from domain.kit import InUnit, Kind, Refused
from domain.organisation.person.events import (
    Held,
    PersonDutyGiven,
    PersonDutyTaken,
    PersonEngaged,
    PersonEvent,
    PersonLeft,
    PersonMoved,
    PersonStandsIn,
)


class PersonUnknown(Refused):
    """Nobody is known under this key."""


class PersonHasLeft(Refused):
    """The person has left the utility."""


@dataclass(frozen=True, slots=True)
class StandIn:
    """The duties of another, for some days."""

    instead_of: str
    duties: tuple[Held, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the utility; no unit means that nobody is known under this key."""

    unit: str = ""
    duties: tuple[Held, ...] = ()
    stand_ins: tuple[StandIn, ...] = ()
    left: bool = False

    def present(self, person: str) -> None:
        """Raises PersonUnknown, PersonHasLeft."""
        if not self.unit:
            raise PersonUnknown(person=person)
        if self.left:
            raise PersonHasLeft(person=person)

    def every(self) -> Iterator[tuple[Held, str]]:
        """What they hold, in their own name ("") and as stand-ins of whom."""
        if self.left:
            return
        for held in self.duties:
            yield held, ""
        for each in self.stand_ins:
            for held in each.duties:
                yield held, each.instead_of


def evolve(person: Person, happened: PersonEvent) -> Person:
    """Change the person as the event says."""
    match happened:
        case PersonEngaged() | PersonMoved():
            return replace(person, unit=happened.unit)
        case PersonDutyGiven(duty=duty, unit=unit, since=since, until=until):
            given = Held(duty=duty, unit=unit, since=since, until=until)
            return replace(person, duties=(*_without(person, duty, unit), given))
        case PersonDutyTaken(duty=duty, unit=unit):
            return replace(person, duties=_without(person, duty, unit))
        case PersonStandsIn(instead_of=instead_of, duties=duties):
            return replace(person, stand_ins=(*person.stand_ins, StandIn(instead_of, duties)))
        case PersonLeft():
            return replace(person, left=True)
        case _:
            assert_never(happened)


def _without(person: Person, duty: str, unit: str) -> tuple[Held, ...]:
    return tuple(each for each in person.duties if (each.duty, each.unit) != (duty, unit))


def _place(person: Person) -> InUnit | None:
    return InUnit(person.unit) if person.unit else None


persons = Kind("person", Person(), evolve, place=_place)
