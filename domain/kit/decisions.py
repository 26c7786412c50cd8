"""Decisions: one pure function a command, whose signature says what it must see and know."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar, get_args, get_origin, get_type_hints, overload

from domain.kit.commands import MANY_MOST, is_bounded
from domain.kit.events import Stream
from domain.kit.kinds import KINDS, Kind, Many
from domain.kit.refusals import InTheFuture, Refused, SamePerson
from domain.kit.values import NAMES, kind_of

F = TypeVar("F", bound=Callable[..., Iterable[object]])

DECISIONS: dict[type, Decision] = {}

RECORDERS: dict[type, set[tuple[str, ...]]] = {}
"""The events of which is remembered who recorded them, and by which fields they are told."""

Told = tuple[type, tuple[tuple[str, object], ...]]
"""A class of events, and what one of them says in the fields by which it is told."""

Recorders = Mapping[Told, str]
"""Which event -> who recorded the last such on a stream; without fields, of its class."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks, in which duty, for whom; a decision takes one only if a rule needs it."""

    by: str
    duty: str
    org_unit: str = ""
    on_behalf_of: str = ""


@dataclass(frozen=True, slots=True)
class Today:
    """The utility's local day, which the door supplies: `today: Today`."""

    day: date

    def has_come(self, day: date) -> None:
        """Raises InTheFuture for a day on which nothing can have been seen yet."""
        if day > self.day:
            raise InTheFuture(on=day, today=self.day)


@dataclass(frozen=True, slots=True)
class To:
    """An event and the thing it happens to: the parameter of the decision; of many, the key."""

    name: str
    event: object
    key: str | None = None


class Instead(Exception):
    """Another command is meant than was asked, as the states show; the door asks that one."""

    def __init__(self, asked: object) -> None:
        super().__init__(type(asked).__qualname__)
        self.asked = asked


@dataclass(frozen=True, slots=True)
class The:
    """The very event that a command is about: (field of the event, field of the command)."""

    event: type
    fields: tuple[tuple[str, str], ...] = ()

    def told(self, asked: object) -> Told:
        """Which one it is for this command."""
        return self.event, tuple((name, getattr(asked, field)) for name, field in self.fields)


def the(event: type, *same: str, **fields: str) -> The:
    """
    The event which says in `same` what the command says, and in others what `fields` name.

    `the(MeterRead, "on")`: that of the day; `the(PointVacated, supplied="since")`.
    """
    return The(event, tuple(sorted({**dict(zip(same, same, strict=True)), **fields}.items())))


@dataclass(frozen=True, slots=True)
class Sight:
    """One parameter of a decision that asks for a state: what it sees, and by which field."""

    name: str
    kind: Kind[Any, Any]
    field: str  # of the command: the key, or the keys of many
    many: bool = False

    def keys(self, asked: object) -> tuple[str, ...]:
        """The keys of the things it sees for this command."""
        if self.kind.only is not None:
            return (self.kind.only,)
        named = getattr(asked, self.field)
        return tuple(named) if self.many else (named,)

    def shown(self, asked: object, states: Mapping[Stream, Any]) -> Any:
        """The state, or of many the states by key."""
        shown = [(key, states[self.kind.stream(key)]) for key in self.keys(asked)]
        return Many(shown) if self.many else shown[0][1]


@dataclass(frozen=True, slots=True)
class Decision:
    """A rule of the utility: what it must see, what else it needs, and its answer."""

    command: type
    decide: Callable[..., Iterable[object]]
    sees: tuple[Sight, ...]
    needs: tuple[tuple[str, type], ...]  # (parameter, type) that the door supplies
    yields: tuple[type, ...]  # the events that it may answer with
    apart_from: tuple[The, ...] = ()  # the events that somebody else must have recorded
    refuses: tuple[type[Refused], ...] = ()  # what it may be refused for

    def wanted(self, asked: object) -> dict[Stream, tuple[Kind[Any, Any], Stream]]:
        """What it must see for this command, by stream: each once, by whatever names."""
        return {
            (stream := sight.kind.stream(key)): (sight.kind, stream)
            for sight in self.sees
            for key in sight.keys(asked)
        }

    def given(self, asked: object, states: Mapping[Stream, Any]) -> dict[str, Any]:
        """Parameter -> state, or states by key, out of the states of the streams wanted."""
        return {sight.name: sight.shown(asked, states) for sight in self.sees}

    def routed(self, asked: object, happened: Iterable[object]) -> Iterator[tuple[Stream, Any]]:
        """Each event with the stream to which it goes.  Raises TypeError if that is open."""
        for each in happened:
            if isinstance(each, To):
                yield self._stream(asked, each.event, each.name, each.key), each.event
            else:
                yield self._stream(asked, each), each

    def second_person(
        self, asked: object, by: str, recorders: Mapping[Stream, Recorders]
    ) -> None:
        """Refuse who recorded what this must be apart from.  Raises SamePerson."""
        for stream in self.wanted(asked) if self.apart_from else ():
            for one in self.apart_from:
                if recorders[stream].get(one.told(asked)) == by:
                    raise SamePerson(recorded=NAMES[one.event], by=by)

    def declares(self, refused: Refused) -> bool:
        """Whether it says that it may be refused for this."""
        return type(refused) in self.refuses

    def _stream(
        self, asked: object, event: Any, name: str = "", key: str | None = None
    ) -> Stream:
        kind = kind_of(type(event))
        mine = [s for s in self.sees if s.kind.name == kind and (not name or name == s.name)]
        keys = mine[0].keys(asked) if len(mine) == 1 else ()
        if key is None and len(keys) == 1:
            return mine[0].kind.stream(keys[0])
        if key is not None and key in keys:
            return mine[0].kind.stream(key)
        said = f"To({name!r}, {NAMES[type(event)]}, {key!r})"
        raise TypeError(f"{self.decide.__name__}: {said} is not about one thing that it sees")


def recorders_of(happened: Iterable[tuple[object, str]], since: Recorders) -> Recorders:
    """Who recorded what, after some more (event, who); of two that say the same, the last."""
    new = {
        (type(each), tuple((name, getattr(each, name)) for name in names)): by
        for each, by in happened
        for names in RECORDERS.get(type(each), ())
    }
    return {**since, **new} if new else since


@overload
def decision(decide: F) -> F: ...


@overload
def decision(
    *,
    refuses: tuple[type[Refused], ...] = (),
    keys: Mapping[str, str] | None = None,
    apart_from: tuple[type | The, ...] = (),
) -> Callable[[F], F]: ...


def decision(
    decide: F | None = None,
    *,
    refuses: tuple[type[Refused], ...] = (),
    keys: Mapping[str, str] | None = None,
    apart_from: tuple[type | The, ...] = (),
) -> Any:
    """
    Register the one function that answers a command; its signature is its declaration.

    A state is that of the thing which the command names in the field of the parameter's name,
    or in the one that `keys` says: `@decision(keys={"target": "account"})`.  `refuses` names
    every refusal that may be the answer, also those of what it needs.  Whoever recorded an
    event in `apart_from`, on a stream that it sees, is refused SamePerson: of a class that is
    the last one, of `the(MeterRead, "on")` the very one that the command is about.
    """

    def register(later: F) -> F:
        apart = tuple(one if isinstance(one, The) else The(one) for one in apart_from)
        made = _declared(later, keys or {}, apart, refuses)
        if made.command in DECISIONS:
            raise TypeError(f"{made.command.__qualname__} is already decided")
        for one in apart:
            RECORDERS.setdefault(one.event, set()).add(tuple(name for name, _ in one.fields))
        DECISIONS[made.command] = made
        return later

    return register if decide is None else register(decide)


def _declared(
    decide: Callable[..., Iterable[object]],
    keys: Mapping[str, str],
    apart_from: tuple[The, ...],
    refuses: tuple[type[Refused], ...],
) -> Decision:
    hints = get_type_hints(decide)
    command = hints["asked"]
    fields = get_type_hints(command, include_extras=True)
    sees: list[Sight] = []
    needs: list[tuple[str, type]] = []
    for name in inspect.signature(decide).parameters:
        if name == "asked":
            continue
        many = get_origin(hints[name]) is Many
        hint = get_args(hints[name])[0] if many else hints[name]
        if hint not in KINDS:
            needs.append((name, hint))
            continue
        sight = Sight(name, KINDS[hint], keys.get(name, name), many)
        if sight.kind.only is None and not hasattr(command, sight.field):
            raise TypeError(f"{decide.__name__}: the command has no field {sight.field!r}")
        if many and not is_bounded(fields[sight.field]):
            raise TypeError(
                f"{decide.__name__}: {sight.field} is not EachOnce and at most {MANY_MOST}"
            )
        sees.append(sight)
    kinds = {sight.kind.name for sight in sees}
    if unseen := [NAMES[e.event] for e in apart_from if kind_of(e.event) not in kinds]:
        raise TypeError(f"{decide.__name__} is apart from what it does not see: {unseen}")
    for one in apart_from:
        said = get_type_hints(one.event)
        if lost := [name for name, f in one.fields if name not in said or f not in fields]:
            raise TypeError(f"{decide.__name__} cannot tell {NAMES[one.event]} by {lost}")
    if unknown := keys.keys() - {sight.name for sight in sees}:
        raise TypeError(f"{decide.__name__} sees nothing as {sorted(unknown)}")
    yields = events_of(hints["return"]) or tuple(c for c in NAMES if kind_of(c) in kinds)
    refused = (*refuses, SamePerson) if apart_from else refuses
    return Decision(command, decide, tuple(sees), tuple(needs), yields, apart_from, refused)


def events_of(hint: Any) -> tuple[type, ...]:
    """The events that a type names: `A | B`, `Iterator[A | B]`; none for an object."""
    inner = get_args(hint)
    return tuple(e for each in inner for e in events_of(each)) or (hint,) * (hint in NAMES)
