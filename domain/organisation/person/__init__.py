"""
Persons: who works for the utility, in which unit, with which duties and from when until when.

    unknown ── engage ──▶ active ── move · give, take a duty · stand in ──┐
                            │ ▲────────────────────────────────────────────┘
                            └── end engagement ──▶ left

A duty is given for a unit and all that lie below it, from a day on and, if said, until a day
that it does not include any more.  A stand-in holds the duties of another for some days.
"""

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
    PersonEvent,
    PersonLeft,
    PersonMoved,
    PersonStandsIn,
)
from domain.organisation.person.rules import (
    DutiesConflict,
    DutyNotHeld,
    GivesToSelf,
    NothingToStandInFor,
    PersonAlreadyEngaged,
)
from domain.organisation.person.state import Person, PersonHasLeft, PersonUnknown, persons

__all__ = [
    "DutiesConflict",
    "DutyNotHeld",
    "EndEngagement",
    "Ended",
    "EngagePerson",
    "GiveDuty",
    "GivesToSelf",
    "Held",
    "LetStandIn",
    "MovePerson",
    "NothingToStandInFor",
    "Person",
    "PersonAlreadyEngaged",
    "PersonDutyGiven",
    "PersonDutyTaken",
    "PersonEngaged",
    "PersonEvent",
    "PersonHasLeft",
    "PersonLeft",
    "PersonMoved",
    "PersonStandsIn",
    "PersonUnknown",
    "TakeDuty",
    "persons",
]
