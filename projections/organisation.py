"""The utility's settings, its units, and what its people were denied."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, TypeAlias
from urllib.parse import unquote

from domain.kit import Fact
from domain.organisation.attempts import AttemptDenied
from domain.organisation.duties import DutiesDocument, DutiesPublished
from domain.organisation.person import (
    PersonDutyGiven,
    PersonDutyTaken,
    PersonEngaged,
    PersonLeft,
    PersonMoved,
    PersonStandsIn,
)
from domain.organisation.rules import RulesAdopted
from domain.organisation.unit import Level, UnitClosed, UnitFounded, UnitMoved
from domain.organisation.utility import UtilityEstablished, UtilityTermsSet
from projections.kit.declaration import Back, Called, FactRef, Link, Position
from projections.kit.table import Projection, Table

KEY = "settings"


@dataclass(frozen=True, slots=True)
class Settings:
    """The one row of settings."""

    key: str
    name: str
    currency: str
    zone: str
    due_days: int
    minor_digits: int
    edition: int  # of the rating rules by which bills are calculated


def _settings(table: Table[str, Settings], fact: Fact) -> None:
    match fact.event:
        case UtilityEstablished() as e:
            table[KEY] = Settings(
                KEY, e.name, e.currency, e.zone, e.due_days, e.minor_digits, e.edition
            )
        case UtilityTermsSet() as e:
            table[KEY] = replace(table[KEY], name=e.name, due_days=e.due_days)
        case RulesAdopted() as e:
            table[KEY] = replace(table[KEY], edition=e.edition)


settings = Projection(
    name="settings",
    version=3,
    row=Settings,
    key=("key",),
    events=(UtilityEstablished, UtilityTermsSet, RulesAdopted),
    keys=lambda _: (KEY,),
    project=_settings,
)


# Units

LEVELS = {
    "utility": "The one on top.",
    "province": "A province.",
    "city": "A city.",
    "county": "A county.",
    "station": "A station.",
}


@dataclass(frozen=True, slots=True)
class OrgUnit:
    """A unit of the organisation; duties are given for one and all that lie below it."""

    unit: Annotated[str, "Its key: lakeside."]
    name: Annotated[str, "Its name."]
    kind: Annotated[Level, "What it is.", LEVELS]
    parent: Annotated[str | None, "The key of the unit above it; null of the one on top."]
    zone: Annotated[str, "The time zone of its days, IANA."]
    founded: Annotated[date, "The day it was founded.", Called("founded_on")]
    closed: Annotated[date | None, "The day it was closed, if it was.", Called("closed_on")]


def _units(table: Table[str, OrgUnit], fact: Fact) -> None:
    match fact.event:
        case UnitFounded() as e:
            table[e.unit] = OrgUnit(e.unit, e.name, e.kind, e.parent, e.zone, e.on, None)
        case UnitMoved() as e:
            table[e.unit] = replace(table[e.unit], parent=e.parent)
        case UnitClosed() as e:
            table[e.unit] = replace(table[e.unit], closed=e.on)


org_units = Projection(
    name="org_units",
    version=1,
    row=OrgUnit,
    key=("unit",),
    events=(UnitFounded, UnitMoved, UnitClosed),
    keys=lambda fact: (fact.event.unit,),
    project=_units,
    indexes=(("parent",),),
    since="founded",
    filters=("kind", "parent"),
)


# People and their duties


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who works, or worked, for the utility."""

    person: Annotated[str, "The key: as facts name who recorded them."]
    name: Annotated[str, "The name."]
    unit: str
    engaged: Annotated[date, "The first day.", Called("engaged_on")]
    left: Annotated[date | None, "The day they left, if they did.", Called("left_on")]


def _people(table: Table[str, Person], fact: Fact) -> None:
    match fact.event:
        case PersonEngaged() as e:
            table[fact.key] = Person(fact.key, e.name, e.unit, e.on, None)
        case PersonMoved() as e:
            table[fact.key] = replace(table[fact.key], unit=e.unit)
        case PersonLeft() as e:
            table[fact.key] = replace(table[fact.key], left=e.on)


people = Projection(
    name="people",
    version=1,
    row=Person,
    key=("person",),
    events=(PersonEngaged, PersonMoved, PersonLeft),
    keys=lambda fact: (fact.key,),
    project=_people,
    indexes=(("unit",),),
    since="engaged",
    filters=("unit",),
    orders=(("unit",),),
    links=(
        Link("unit", org_units, "Where they work.", Back("people", "Who works there, or did.")),
    ),
)


@dataclass(frozen=True, slots=True)
class HeldDuty:
    """A duty that somebody holds for a unit and all that lie below it."""

    person: str
    duty: Annotated[str, "Its name: clerk."]
    unit: str
    instead_of: Annotated[str, "As the stand-in of whom; empty in their own name."]
    since: Annotated[date, "The first day."]
    until: Annotated[date | None, "The first day after it; null while it lasts."]
    given_by: Annotated[str, "Who gave it."]
    fact: Annotated[FactRef, "The fact that says so."]


HeldKey: TypeAlias = tuple[str, str, str, str]


def _held(table: Table[HeldKey, HeldDuty], fact: Fact) -> None:
    keys = _held_keys(fact)
    match fact.event:
        case PersonDutyGiven() as e:
            table[keys[0]] = HeldDuty(*keys[0], e.since, e.until, e.given_by, fact.ref)
        case PersonStandsIn() as e:
            for key, held in zip(keys, e.duties, strict=True):
                table[key] = HeldDuty(*key, held.since, held.until, e.let_by, fact.ref)
        case PersonDutyTaken() | PersonLeft():
            for key in keys:
                table.pop(key, None)


def _held_keys(fact: Fact) -> list[HeldKey]:
    match fact.event:
        case PersonDutyGiven() | PersonDutyTaken() as e:
            return [(fact.key, e.duty, e.unit, "")]
        case PersonStandsIn() as e:
            return [(fact.key, held.duty, held.unit, e.instead_of) for held in e.duties]
        case PersonLeft() as e:
            return [(fact.key, each.duty, each.unit, each.instead_of) for each in e.ended]
        case _:
            raise AssertionError(fact.name)


duties_held = Projection(
    name="duties_held",
    version=1,
    row=HeldDuty,
    key=("person", "duty", "unit", "instead_of"),
    events=(PersonDutyGiven, PersonDutyTaken, PersonStandsIn, PersonLeft),
    keys=_held_keys,
    project=_held,
    indexes=(("unit",),),
    since="since",
    until="until",
    filters=("person", "duty", "unit"),
    links=(
        Link("person", people, "Who holds it.", Back("duties", "What they hold.", short=True)),
        Link("unit", org_units, "For which unit.", Back("duties", "Who holds what for it.")),
    ),
)


@dataclass(frozen=True, slots=True)
class DutiesVersion:
    """A published version of the duties: in force until the next is recorded."""

    since: Annotated[date, "The day it was published."]
    version: Annotated[int, "1, 2, 3 …"]
    document: DutiesDocument
    fact: Annotated[FactRef, "The fact that published it."]


def _versions(table: Table[tuple[date, int], DutiesVersion], fact: Fact) -> None:
    e: DutiesPublished = fact.event
    table[e.since, e.version] = DutiesVersion(e.since, e.version, e.document, fact.ref)


duties_versions = Projection(
    name="duties_versions",
    version=1,
    row=DutiesVersion,
    key=("since", "version"),
    events=(DutiesPublished,),
    keys=lambda fact: ((fact.event.since, fact.event.version),),
    project=_versions,
    since="since",
)


# What was denied


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody asked that was denied to them."""

    person: Annotated[str, "Who asked."]
    position: Annotated[Position, "Its place in history."]
    on: Annotated[date, "The day."]
    command: Annotated[str, "What was asked: issue-bill, query, follow …"]
    subject: Annotated[str, "The thing it was about: account-000120; empty if none was named."]
    rule: Annotated[str, "By which rule it was denied: not-allowed, outside-unit …"]
    org_unit: Annotated[str, "The unit whose thing it is; empty if that is not known."]
    times: Annotated[int, "How often within a minute."]
    fact: Annotated[FactRef, "The fact that says so."]


def _attempts(table: Table[tuple[str, int], Attempt], fact: Fact) -> None:
    e: AttemptDenied = fact.event
    person, position = _attempt_key(fact)
    table[person, position] = Attempt(
        person, position, e.on, e.command, e.subject, e.rule, e.org_unit, e.times, fact.ref
    )


def _attempt_key(fact: Fact) -> tuple[str, int]:
    return unquote(fact.key[: -len("-2026-03-01")]), fact.position


attempts = Projection(
    name="attempts",
    version=1,
    row=Attempt,
    key=("person", "position"),
    events=(AttemptDenied,),
    keys=lambda fact: (_attempt_key(fact),),
    project=_attempts,
    indexes=(("on",), ("command",)),
    since="on",
    filters=("person", "on", "command", "rule", "org_unit"),
    orders=(("on",),),
)
