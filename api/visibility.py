"""
Whose rows somebody sees, and which of their fields are shown as they are.

A row lies in a unit of its own, or where the thing lies that it is about.  Whoever has a duty
for the whole utility sees all; others what lies in their units, in every list, link and count.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from api.authority import Grant, Rights, reads_whole, within
from domain.catalogue import KINDS
from domain.kit import AtThing, Fact, InUnit, InUnits, Kind, Stream
from domain.organisation.duties import WHOLE, PersonalField
from projections.customers import Customer, customers
from projections.kit.table import Projection, Where
from replay.store.history import History
from replay.store.sealing import PERSONALS

MASKED = "(masked)"
Path = tuple[tuple[str, str, str], ...]  # (table, its column, the column that leads on)

POINT: Path = (("points", "point", "org_unit"),)
ACCOUNT: Path = (("accounts", "account", "org_unit"),)
METER: Path = (("installations", "meter", "point"), *POINT)

PLACES: Mapping[str, tuple[str, Path] | None] = {
    "settings": None,
    "org_units": None,
    "duties_versions": None,
    "tariffs": None,
    "tariff_versions": None,
    "trial_balance": None,
    "people": ("unit", ()),
    "duties_held": ("unit", ()),
    "attempts": ("person", (("people", "person", "unit"),)),
    "customers": ("units", ()),
    "accounts": ("org_unit", ()),
    "movements": ("account", ACCOUNT),
    "settlements": ("account", ACCOUNT),
    "bills": ("account", ACCOUNT),
    "corrections": ("bill", (("bills", "bill", "account"), *ACCOUNT)),
    "payments": ("account", ACCOUNT),
    "journal": ("account", ACCOUNT),
    "supplied_points": ("account", ACCOUNT),
    "priced_accounts": ("account", ACCOUNT),
    "points": ("org_unit", ()),
    "supplies": ("point", POINT),
    "terms": ("point", POINT),
    "installations": ("point", POINT),
    "point_meters": ("point", POINT),
    "interval_days": ("point", POINT),
    "readings": ("meter", METER),
    "meter_errors": ("meter", METER),
}
"""Table -> the column that says where a row lies, and the way on; None: for everybody."""

FOR_ALL = frozenset(("utility", "unit", "duties", "tariff", "day", "rules"))
"""Kinds of streams that are about no customer, place or person."""
BY_PREFIX: Mapping[str, Kind[Any, Any]] = {kind.prefix: kind for kind in KINDS.values()}
MASKS: Mapping[tuple[Projection[Any], str], PersonalField] = {
    (customers, "name"): "name",
    (customers, "contact"): "contact",
}
FIELDS: Mapping[str, PersonalField] = {"name": "name", "was": "name", "contact": "contact"}


class Sight:
    """What somebody sees, by the duties with which they look."""

    def __init__(self, history: History, grants: Iterable[Grant]) -> None:
        self._history = history
        self._grants = tuple(grants)
        self.units = within(self._grants)  # None: every one
        self._known: dict[Stream, frozenset[str] | None] = {}

    @property
    def tag(self) -> str:
        """What names this sight, where it is not all there is: two see two pages."""
        whole = [reads_whole(self._grants, field) for field in WHOLE]
        if self.units is None and all(each is None for each in whole):
            return ""
        told = repr(
            [sorted(each) if each is not None else None for each in (self.units, *whole)]
        )
        return "-" + hashlib.sha256(told.encode()).hexdigest()[:12]

    def rows(self, projection: Projection[Any]) -> tuple[Where, ...]:
        """What is true of the rows of a table that are seen."""
        place = PLACES[projection.name]
        if self.units is None or place is None:
            return ()
        return (_within(place, self.units),)

    def named(self) -> tuple[Where, ...]:
        """What is true of the customers whose name is shown: they are found by it."""
        units = reads_whole(self._grants, "name")
        return () if units is None else (_within(("units", ()), units),)

    def stream(self, stream: Stream) -> bool:
        """Whether what happened to a thing is seen."""
        if self.units is None:
            return True
        lies = self._lies(stream)
        return lies is None or bool(lies & self.units)

    def shown(self, projection: Projection[Any], column: str, row: object) -> bool:
        """Whether a column of a row is shown as it is."""
        field = MASKS.get((projection, column))
        if field is None or not isinstance(row, Customer):
            return True
        units = reads_whole(self._grants, field)
        return units is None or not units.isdisjoint(row.units)

    def data(self, fact: Fact, told: Mapping[str, Any]) -> dict[str, Any]:
        """What an event says, with what is personal in it masked unless it may be read."""
        masked = dict(told)
        for name in PERSONALS[type(fact.event)]:
            units = reads_whole(self._grants, FIELDS[name])
            if masked.get(name) is None or units is None:
                continue
            lies = self._lies(fact.stream)
            if lies is None or units.isdisjoint(lies):
                masked[name] = MASKED
        return masked

    def _lies(self, stream: Stream) -> frozenset[str] | None:
        """The units where a thing lies; None for what is for everybody."""
        if stream not in self._known:
            self._known[stream] = self._found(stream)
        return self._known[stream]

    def _found(self, stream: Stream) -> frozenset[str] | None:
        prefix, _, key = stream.partition("-")
        kind = BY_PREFIX.get(prefix)
        if kind is None:
            return frozenset()
        if kind.name in FOR_ALL:
            return None
        if prefix == "intervals":
            return self._lies(BY_PREFIX["point"].stream(key[: -len("-2026-03")]))
        if kind.place is None:
            return frozenset()
        match kind.place(self._history.states({stream: (kind, stream)})[stream].state):
            case InUnit(unit=lies):
                return frozenset((lies,))
            case InUnits(units=units):
                return frozenset(units)
            case AtThing(kind=name, key=at):
                return self._lies(BY_PREFIX[name].stream(at))
            case None:
                return frozenset()


def sight_of(history: History, rights: Rights) -> Sight:
    """What somebody sees of the tables."""
    return Sight(history, rights.looks("tables", "query"))


def _within(place: tuple[str, Path], units: frozenset[str]) -> Where:
    column, path = place
    return Where(column, "within", (tuple(sorted(units)), path))
