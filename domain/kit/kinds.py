"""Kinds: a noun of the trade as a stream of events, and the fold that says what it then is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Any, Generic, TypeAlias, TypeVar

from domain.kit.events import Stream

S = TypeVar("S")
E = TypeVar("E")

KINDS: dict[type, Kind[Any, Any]] = {}
"""Class of a state -> its kind: so a state shared by several kinds needs a subclass of each."""


@dataclass(frozen=True, slots=True)
class InUnit:
    """A thing lies in a unit of the organisation; "" is the one on top."""

    unit: str


@dataclass(frozen=True, slots=True)
class AtThing:
    """A thing lies where another does: a bill at its account, a meter at its point."""

    kind: str
    key: str


@dataclass(frozen=True, slots=True)
class InUnits:
    """A thing lies in each of several units: who may see one of them may see it."""

    units: tuple[str, ...]


Place: TypeAlias = InUnit | AtThing | InUnits


@dataclass(frozen=True, slots=True)
class Kind(Generic[S, E]):
    """
    One kind of thing: its name in events, what it is at first, how it changes.

    `place` says where one of them lies in the organisation, None as long as it is not there; a
    kind without it belongs to the utility as a whole.
    """

    name: str
    initial: S
    evolve: Callable[[S, E], S]
    only: str | None = None  # the key, where there is but one of the kind
    streams: str | None = None  # how its streams begin, if not with its name
    place: Callable[[S], Place | None] | None = None

    def __post_init__(self) -> None:
        other = KINDS.setdefault(type(self.initial), self)
        if other is not self and other.name != self.name:
            raise TypeError(f"{type(self.initial).__qualname__} is the state of {other.name}")

    @property
    def prefix(self) -> str:
        """How its streams begin, before the key."""
        return self.streams or self.name

    def stream(self, key: str) -> Stream:
        """The stream of one thing of this kind."""
        return Stream(f"{self.streams or self.name}-{key}")

    def fold(self, happened: Iterable[E], since: S | None = None) -> S:
        """What the thing is, given what happened to it."""
        return reduce(self.evolve, happened, self.initial if since is None else since)


class Many(dict[str, S]):
    """Things of one kind by their keys, in the order asked: `accounts: Many[Account]`."""
