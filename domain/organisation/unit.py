"""
Units: the tree of the organisation, from the province down to the station.

    unknown ── found ──▶ open ── move ──┐
                          │ ▲───────────┘
                          └── close ──▶ closed

The tree is one stream, `unit-tree`: a rule about a unit needs those above and below it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal, TypeAlias, assert_never

from immutables import Map

from domain.kit import InTheFuture, Kind, Refused, Today, command, decision, event
from domain.values import Name, Text, UnitId, Zone

Level: TypeAlias = Literal["utility", "province", "city", "county", "station"]
LEVELS: tuple[Level, ...] = ("utility", "province", "city", "county", "station")

# What can happen


@event("unit.founded", day="on")
class UnitFounded:
    unit: UnitId
    name: Text
    kind: Level
    parent: UnitId | None  # None: it is the one on top
    zone: Zone
    on: date


@event("unit.moved", day="on")
class UnitMoved:
    unit: UnitId
    parent: UnitId
    was: UnitId
    on: date


@event("unit.closed", day="on")
class UnitClosed:
    unit: UnitId
    on: date


@event("unit.joined", day="on")
class UnitJoined:
    """A person works there from a day on."""

    unit: UnitId
    person: str
    on: date


@event("unit.parted", day="on")
class UnitParted:
    """A person works there no more."""

    unit: UnitId
    person: str
    on: date


UnitEvent: TypeAlias = UnitFounded | UnitMoved | UnitClosed | UnitJoined | UnitParted


# What it then is


@dataclass(frozen=True, slots=True)
class Unit:
    """One of the tree."""

    kind: Level
    parent: str | None
    zone: str
    open: bool = True


@dataclass(frozen=True, slots=True)
class Units:
    """Every unit there ever was, and who works where."""

    units: Map[str, Unit] = field(default_factory=Map)
    people: Map[str, str] = field(default_factory=Map)  # person -> unit

    @property
    def top(self) -> str | None:
        """The unit on top; None before it is founded."""
        return next((unit for unit, each in self.units.items() if each.parent is None), None)

    def above(self, unit: str) -> Iterator[str]:
        """A unit, then the one above it, up to the top; nothing for one that is unknown."""
        at: str | None = unit
        while at is not None and at in self.units:
            yield at
            at = self.units[at].parent

    def within(self, unit: str) -> frozenset[str]:
        """A unit and all that lie below it, closed ones too."""
        return frozenset(each for each in self.units if unit in self.above(each))

    def known(self, unit: str) -> Unit:
        """A unit that is open.  Raises UnitUnknown, UnitIsClosed."""
        found = self.units.get(unit)
        if found is None:
            raise UnitUnknown(unit=unit)
        if not found.open:
            raise UnitIsClosed(unit=unit)
        return found


def evolve(units: Units, happened: UnitEvent) -> Units:
    """Change the tree as the event says."""
    match happened:
        case UnitFounded():
            new = Unit(happened.kind, happened.parent, happened.zone)
            return replace(units, units=units.units.set(happened.unit, new))
        case UnitMoved():
            moved = replace(units.units[happened.unit], parent=happened.parent)
            return replace(units, units=units.units.set(happened.unit, moved))
        case UnitClosed():
            closed = replace(units.units[happened.unit], open=False)
            return replace(units, units=units.units.set(happened.unit, closed))
        case UnitJoined():
            return replace(units, people=units.people.set(happened.person, happened.unit))
        case UnitParted():
            return replace(units, people=units.people.delete(happened.person))
        case _:
            assert_never(happened)


tree = Kind("unit", Units(), evolve, only="tree")


# What can be asked


@command(
    "found-unit",
    example={
        "unit": "lakeside",
        "name": "Lakeside",
        "kind": "station",
        "parent": "utility",
        "zone": "Europe/London",
        "on": "2026-01-01",
    },
)
class FoundUnit:
    """Enter a unit of the organisation, below another one."""

    unit: UnitId
    name: Name
    kind: Level
    parent: UnitId
    zone: Zone
    on: date


@command("move-unit", example={"unit": "lakeside", "parent": "utility", "on": "2026-03-01"})
class MoveUnit:
    """Put a unit, with all that lie below it, under another one."""

    unit: UnitId
    parent: UnitId
    on: date


@command("close-unit", example={"unit": "lakeside", "on": "2026-06-30"})
class CloseUnit:
    """Close a unit in which nobody works and below which none is open."""

    unit: UnitId
    on: date


# What we answer


class UnitUnknown(Refused):
    """There is no such unit in the organisation."""


class UnitIsClosed(Refused):
    """The unit is closed."""


class UnitAlreadyFounded(Refused):
    """A unit was founded under this key."""


class UnitNotBelow(Refused):
    """A unit lies below one of a higher level: utility, province, city, county, station."""


class UnitBelowItself(Refused):
    """A unit cannot be put below itself, nor below one that lies below it."""


class UnitHasPeople(Refused):
    """People work in this unit: move them first, or let them leave."""


class UnitHasUnits(Refused):
    """Units below this one are open: close or move them first."""


class UnitOnTop(Refused):
    """The unit on top of the organisation stays there, and open."""


@decision(refuses=(UnitAlreadyFounded, UnitUnknown, UnitIsClosed, UnitNotBelow, InTheFuture))
def found_unit(asked: FoundUnit, tree: Units, today: Today) -> Iterator[UnitFounded]:
    """Below one that is open, and of a lower level than that."""
    today.has_come(asked.on)
    if asked.unit in tree.units:
        raise UnitAlreadyFounded(unit=asked.unit)
    _lower(asked.kind, tree.known(asked.parent).kind)
    yield UnitFounded(
        unit=asked.unit,
        name=asked.name,
        kind=asked.kind,
        parent=asked.parent,
        zone=asked.zone,
        on=asked.on,
    )


@decision(
    refuses=(UnitUnknown, UnitIsClosed, UnitOnTop, UnitBelowItself, UnitNotBelow, InTheFuture)
)
def move_unit(asked: MoveUnit, tree: Units, today: Today) -> Iterator[UnitMoved]:
    """Quiet when it lies there already."""
    today.has_come(asked.on)
    was = tree.known(asked.unit).parent
    if was is None:
        raise UnitOnTop(unit=asked.unit)
    if asked.unit in tree.above(asked.parent):
        raise UnitBelowItself(unit=asked.unit, parent=asked.parent)
    _lower(tree.units[asked.unit].kind, tree.known(asked.parent).kind)
    if was != asked.parent:
        yield UnitMoved(unit=asked.unit, parent=asked.parent, was=was, on=asked.on)


@decision(refuses=(UnitUnknown, UnitOnTop, UnitHasPeople, UnitHasUnits, InTheFuture))
def close_unit(asked: CloseUnit, tree: Units, today: Today) -> Iterator[UnitClosed]:
    """Quiet when it is closed."""
    today.has_come(asked.on)
    found = tree.units.get(asked.unit)
    if found is None:
        raise UnitUnknown(unit=asked.unit)
    if found.parent is None:
        raise UnitOnTop(unit=asked.unit)
    people = sorted(person for person, unit in tree.people.items() if unit == asked.unit)
    if people:
        raise UnitHasPeople(unit=asked.unit, people=people)
    below = sorted(
        k for k, each in tree.units.items() if each.open and each.parent == asked.unit
    )
    if below:
        raise UnitHasUnits(unit=asked.unit, units=below)
    if found.open:
        yield UnitClosed(unit=asked.unit, on=asked.on)


def _lower(kind: Level, above: Level) -> None:
    if LEVELS.index(kind) <= LEVELS.index(above):
        raise UnitNotBelow(kind=kind, above=above)
