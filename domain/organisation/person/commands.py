"""What can be asked of a person of the utility."""

from __future__ import annotations

from datetime import date

from domain.kit import command
from domain.values import Key, Name, PersonId, UnitId


@command(
    "engage-person",
    example={"person": "carol", "name": "Carol Rivers", "unit": "utility", "on": "2026-01-05"},
)
class EngagePerson:
    """Enter somebody who works for the utility, in a unit, from a day on."""

    person: PersonId
    name: Name
    unit: UnitId
    on: date


@command("move-person", example={"person": "carol", "unit": "lakeside", "on": "2026-03-01"})
class MovePerson:
    """Let a person work in another unit; duties stay what they are."""

    person: PersonId
    unit: UnitId
    on: date


@command(
    "give-duty",
    example={"person": "carol", "duty": "clerk", "unit": "utility", "since": "2026-01-05"},
)
class GiveDuty:
    """Give another person a duty for a unit and all below it; again, to change its days."""

    person: PersonId
    duty: Key
    unit: UnitId
    since: date
    until: date | None = None

    def __post_init__(self) -> None:
        if self.until is not None and self.until <= self.since:
            raise ValueError("a duty ends after it begins")


@command(
    "take-duty",
    example={"person": "carol", "duty": "clerk", "unit": "utility", "on": "2026-03-01"},
)
class TakeDuty:
    """Take a duty from a person, at once; `on` is the day that this is said of."""

    person: PersonId
    duty: Key
    unit: UnitId
    on: date


@command(
    "let-stand-in",
    example={
        "person": "dora",
        "instead_of": "carol",
        "since": "2026-07-01",
        "until": "2026-07-15",
    },
)
class LetStandIn:
    """Let a person hold the duties of another for some days; `until` is not one of them."""

    person: PersonId
    instead_of: PersonId
    since: date
    until: date

    def __post_init__(self) -> None:
        if self.until <= self.since:
            raise ValueError("a stand-in ends after it begins")


@command("end-engagement", example={"person": "carol", "on": "2026-06-30"})
class EndEngagement:
    """Record that a person has left: from then on they ask and see nothing."""

    person: PersonId
    on: date
