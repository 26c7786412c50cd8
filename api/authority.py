"""
Who may ask and see what: by the duties that somebody holds, for the units they hold them for.

What is decided from are three streams: the person's, the published duties, and the tree of
units.  A command sees them like what its decision sees, so that what was taken from somebody is
gone at the next command.  Until a utility is founded its tokens say themselves in which duty
somebody asks; those that were made before then and name nobody on record go on saying it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from threading import Lock
from typing import Any, cast, get_type_hints
from urllib.parse import quote

from api.auth import Person
from domain.catalogue import KINDS
from domain.kit import NAMES, AtThing, Decision, InUnit, InUnits, Kind, Stream
from domain.organisation import duties, person, unit
from domain.organisation.duties import (
    DutiesDocument,
    Duty,
    Looks,
    PersonalField,
    first_document,
)
from domain.values import UnitId
from replay.store.append import Seen, Stale
from replay.store.history import History

KNOWN_MOST = 4096  # people whose rights are remembered
BY_NAME: Mapping[str, Kind[Any, Any]] = {kind.name: kind for kind in KINDS.values()}
DUTIES = duties.published.stream("published")
TREE = unit.tree.stream("tree")

Wanted = dict[Stream, tuple[Kind[Any, Any], Stream]]
Found = Callable[[Stream, Kind[Any, Any]], Any]
"""The state of a stream."""


class NotAtHand(Exception):
    """What has to be read first is not in memory."""


class NotAllowed(Exception):
    """The duty of this person does not include that."""

    rule = "not-allowed"

    def __init__(
        self, asking: Person, wanted: str, allowed: Iterable[str] = (), unit_: str = ""
    ) -> None:
        super().__init__(self._told(asking, wanted))
        self.person = asking
        self.wanted = wanted
        self.allowed = frozenset(allowed)  # the duties that may
        self.org_unit = unit_  # whose thing it is about

    def _told(self, asking: Person, wanted: str) -> str:
        held = f"the duty {asking.role}" if asking.role else f"no duty of {asking.by}"
        return f"{held} may {'not ' if asking.role else ''}{wanted}"


class OutsideUnit(NotAllowed):
    """What this is about lies outside the units for which this person holds such a duty."""

    rule = "outside-unit"

    def _told(self, asking: Person, wanted: str) -> str:
        return f"{asking.by} may {wanted} in other units, not in this one"


class NotOfThisUtility(NotAllowed):
    """Who asks is not, or no longer, one of the utility."""

    rule = "not-of-this-utility"

    def _told(self, asking: Person, wanted: str) -> str:
        return f"{asking.by} is nobody on record here, or has left: they may not {wanted}"


@dataclass(frozen=True, slots=True)
class Granted:
    """In which duty something may be asked, for which unit, instead of whom."""

    duty: str
    org_unit: str
    on_behalf_of: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """A duty that somebody holds today: for these units (None: for all), instead of whom."""

    duty: Duty
    unit: str
    within: frozenset[str] | None
    instead_of: str = ""

    def may(self, command: str) -> bool:
        """Whether it has a command."""
        return self.duty.every_command or command in self.duty.commands

    def covers(self, places: Iterable[frozenset[str]]) -> bool:
        """Whether of each thing one of the units where it lies is among its own."""
        return self.within is None or all(self.within & each for each in places)


@dataclass(frozen=True, slots=True)
class Rights:
    """What somebody may ask and see today."""

    person: Person
    grants: tuple[Grant, ...]
    document: DutiesDocument
    top: str
    known: bool = True

    def _denied(self, wanted: str, allowed: Iterable[str]) -> NotAllowed:
        kind = NotAllowed if self.known else NotOfThisUtility
        return kind(self.person, wanted, allowed)

    def may(self, command: str) -> list[Grant]:
        """The duties that have a command, wherever.  Raises NotAllowed."""
        found = [grant for grant in self.grants if grant.may(command)]
        if not found:
            told = (
                d.name for d in self.document.duties if d.every_command or command in d.commands
            )
            raise self._denied(command, told)
        return found

    def granted(self, command: str, places: list[frozenset[str]], new: bool) -> Granted:
        """
        The first duty that has a command where its things lie; the unit that it is about.

        What is about nothing in particular is about the whole.  Raises NotAllowed, OutsideUnit.
        """
        found = self.may(command)
        where = places or ([] if new else [frozenset((self.top,))])
        for grant in found:
            if grant.covers(where):
                exact = {next(iter(each)) for each in where if len(each) == 1}
                about = exact.pop() if len(exact) == 1 else grant.unit
                return Granted(grant.duty.name, about, grant.instead_of)
        raise OutsideUnit(self.person, command)

    def looks(self, at: Looks, wanted: str) -> list[Grant]:
        """The duties that look at tables, facts or the journal.  Raises NotAllowed."""
        found = [grant for grant in self.grants if at in grant.duty.looks]
        if not found:
            told = (each.name for each in self.document.duties if at in each.looks)
            raise self._denied(wanted, told)
        return found


def within(grants: Iterable[Grant]) -> frozenset[str] | None:
    """All units of some grants; None for every one there is."""
    units: set[str] = set()
    for grant in grants:
        if grant.within is None:
            return None
        units |= grant.within
    return frozenset(units)


def reads_whole(grants: Iterable[Grant], field: PersonalField) -> frozenset[str] | None:
    """The units in which a personal field is shown as it is; None for every one there is."""
    return within(grant for grant in grants if field in grant.duty.whole)


def seen_of(by: str) -> Wanted:
    """The streams from which somebody's rights follow."""
    mine = person.persons.stream(person_key(by))
    return {
        mine: (person.persons, mine),
        DUTIES: (duties.published, DUTIES),
        TREE: (unit.tree, TREE),
    }


@lru_cache(KNOWN_MOST)
def person_key(by: str) -> str:
    """The key under which somebody is on record: their name, written as in a URL."""
    return quote(by, safe="")


class Authority:
    """Knows the rights of whoever asks.  Thread-safe; one to a process."""

    def __init__(self, history: History, today: Callable[[], date]) -> None:
        self._history, self._today = history, today
        self._known: OrderedDict[Any, Rights] = OrderedDict()
        self._lock = Lock()

    def now(self, asking: Person) -> Rights:
        """
        The rights of somebody, as they are recorded now: for what only looks.

        Raises Unavailable.
        """
        wanted = seen_of(asking.by)
        while True:
            seen = self._history.states(wanted)
            try:
                self._history.confirm({stream: each.version for stream, each in seen.items()})
            except Stale:
                continue
            return self.rights(asking, seen)

    def cached(self, asking: Person) -> Rights | None:
        """The same as far as it is at hand: to deny early what is decided again later."""
        seen = self._history.cached(seen_of(asking.by))
        return None if seen is None else self.rights(asking, seen)

    def rights(self, asking: Person, seen: Mapping[Stream, Seen]) -> Rights:
        """The rights that follow from the streams of `seen_of`, as seen."""
        mine = seen[person.persons.stream(person_key(asking.by))]
        published, tree = seen[DUTIES], seen[TREE]
        day = self._today()
        versions = mine.version, published.version, tree.version
        key = (asking.by, asking.role, asking.issued, day, *versions)
        with self._lock:
            known = self._known.get(key)
            if known is not None:
                return known
        made = _rights(asking, mine.state, published.state, tree.state, day)
        with self._lock:
            self._known[key] = made
            if len(self._known) > KNOWN_MOST:
                self._known.popitem(last=False)
        return made

    def granted(
        self,
        asking: Person,
        asked: object,
        decision: Decision,
        seen: Mapping[Stream, Seen],
        *,
        from_memory: bool = False,
    ) -> Granted:
        """
        In which duty somebody may ask this.

        Raises NotAllowed, OutsideUnit; with `from_memory` NotAtHand.
        """
        rights, command = self.rights(asking, seen), NAMES[type(asked)]
        found = rights.may(command)
        if not rights.top:
            return Granted(found[0].duty.name, "")
        look = Look(self._history, seen, rights.top, from_memory)
        return rights.granted(command, *look.places(asked, decision))


@dataclass(frozen=True, slots=True)
class Look:
    """Looks where the things lie that a command names."""

    history: History
    seen: Mapping[Stream, Seen]
    top: str
    from_memory: bool

    def places(self, asked: object, decision: Decision) -> tuple[list[frozenset[str]], bool]:
        """The units where each thing lies that a command names; whether one is new."""
        places: list[frozenset[str]] = []
        new = False
        for stream, kind in _things(asked, decision):
            found = self._place(stream, kind)
            if found is None:
                new = True
            else:
                places.append(found)
        tree: unit.Units = self.seen[TREE].state
        for name in _unit_fields(cast("Hashable", type(asked))):
            named = getattr(asked, name)
            if named is not None and named in tree.units:
                places.append(frozenset((named,)))
        return places, new

    def _state(self, stream: Stream, kind: Kind[Any, Any]) -> Any:
        if stream in self.seen:
            return self.seen[stream].state
        wanted = {stream: (kind, stream)}
        known = self.history.cached(wanted)
        if known is None and self.from_memory:
            raise NotAtHand
        return (known or self.history.states(wanted))[stream].state

    def _place(self, stream: Stream, kind: Kind[Any, Any]) -> frozenset[str] | None:
        assert kind.place is not None
        match kind.place(self._state(stream, kind)):
            case InUnit(unit=lies):
                return frozenset((lies or self.top,))
            case AtThing(kind=name, key=key):
                return self._place(BY_NAME[name].stream(key), BY_NAME[name])
            case InUnits(units=units):
                return frozenset(each or self.top for each in units)
            case None:
                return None


def _things(asked: object, decision: Decision) -> Iterator[tuple[Stream, Kind[Any, Any]]]:
    """What a command names that lies somewhere: what its decision sees, and by field."""
    told: set[Stream] = set()
    for stream, (kind, _) in decision.wanted(asked).items():
        if kind.place is not None:
            told.add(stream)
            yield stream, kind
    for name in _thing_fields(cast("Hashable", type(asked))):
        key = getattr(asked, name)
        stream = BY_NAME[name].stream(key) if isinstance(key, str) else Stream("")
        if stream and stream not in told:
            yield stream, BY_NAME[name]


@cache
def _thing_fields(command: Hashable) -> tuple[str, ...]:
    """Fields that are called like a kind of thing that lies somewhere."""
    fields = get_type_hints(command)
    return tuple(name for name in fields if name in BY_NAME and BY_NAME[name].place is not None)


@cache
def _unit_fields(command: Hashable) -> tuple[str, ...]:
    hints = get_type_hints(command, include_extras=True)
    return tuple(name for name, hint in hints.items() if hint in (UnitId, UnitId | None))


def _rights(
    asking: Person,
    mine: person.Person,
    published: duties.Duties,
    tree: unit.Units,
    day: date,
) -> Rights:
    """What somebody may, by the three streams, on a day."""
    document, top = published.document, tree.top or ""
    if document is None:
        return Rights(asking, _as_told(asking, first_document()), first_document(), "")
    if not mine.unit:  # a token of before the founding goes on as long as it lives
        old = datetime.fromtimestamp(asking.issued, UTC).date() < published.every[0].since
        grants = _as_told(asking, document) if old else ()
        return Rights(asking, grants, document, top, known=bool(grants))
    by_name = {duty.name: duty for duty in document.duties}
    grants = tuple(
        Grant(
            by_name[held.duty],
            held.unit,
            None if held.unit == top else tree.within(held.unit),
            instead_of,
        )
        for held, instead_of in mine.every()
        if held.on(day) and held.duty in by_name and asking.role in ("", held.duty)
    )
    return Rights(asking, grants, document, top, known=not mine.left)


def _as_told(asking: Person, document: DutiesDocument) -> tuple[Grant, ...]:
    """The duty that a token itself says, everywhere."""
    return tuple(Grant(d, "", None) for d in document.duties if d.name == asking.role)
