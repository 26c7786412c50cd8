"""What can happen to a person of the utility."""

from __future__ import annotations

from datetime import date
from typing import TypeAlias

from domain.kit import event, value
from domain.values import Key, PersonId, Text, UnitId


@value
class Held:
    """A duty for a unit and all below it; from `since`, until (without) `until`, if ever."""

    duty: Key
    unit: UnitId
    since: date
    until: date | None = None

    def on(self, day: date) -> bool:
        """Whether it is held on a day."""
        return self.since <= day and (self.until is None or day < self.until)

    def meets(self, since: date, until: date | None) -> bool:
        """Whether it is held on some day of a span."""
        return (until is None or self.since < until) and (
            self.until is None or since < self.until
        )


@event("person.engaged", day="on")
class PersonEngaged:
    name: Text
    unit: UnitId
    on: date


@event("person.moved", day="on")
class PersonMoved:
    unit: UnitId
    was: UnitId
    on: date


@event("person.duty-given", day="since")
class PersonDutyGiven:
    duty: Key
    unit: UnitId
    since: date
    until: date | None
    given_by: Text


@event("person.duty-taken", day="on")
class PersonDutyTaken:
    duty: Key
    unit: UnitId
    on: date


@event("person.stands-in", day="since")
class PersonStandsIn:
    """Holds what another holds, as it was when this was let."""

    instead_of: PersonId
    duties: tuple[Held, ...]
    since: date
    until: date
    let_by: Text


@value
class Ended:
    """A duty that ends because its holder left; of a stand-in, also whose it is."""

    duty: Key
    unit: UnitId
    instead_of: str = ""


@event("person.left", day="on")
class PersonLeft:
    on: date
    ended: tuple[Ended, ...] = ()


PersonEvent: TypeAlias = (
    PersonEngaged
    | PersonMoved
    | PersonDutyGiven
    | PersonDutyTaken
    | PersonStandsIn
    | PersonLeft
)
