"""
The words every domain module is written in: value, event, command, Kind, decision, Refused.

A noun of the trade is a *Kind*: a stream of events, and the fold that says what it then is.
A *decision* is one pure function a command, whose parameters say which streams it must see:

    @decision
    def install(asked: InstallMeter, meter: Meter, point: Point) -> Iterator[object]: ...

`meter: Meter` asks for the state of the stream `meter-<asked.meter>`.  The events it yields go
to the stream of their own kind, `meter.installed` to the meter and `point.metered` to the
point, all or none.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Any, Generic, NewType, TypeVar, cast, dataclass_transform, get_type_hints

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass as validated

T = TypeVar("T")
S = TypeVar("S")
E = TypeVar("E")
F = TypeVar("F", bound=Callable[..., Iterable[object]])

Stream = NewType("Stream", str)  # "meter-CN00417": the kind of the thing and its natural key

EVENTS: dict[str, type] = {}
COMMANDS: dict[str, type] = {}
NAMES: dict[type, str] = {}
KINDS: dict[type, Kind[Any, Any]] = {}
DECISIONS: dict[type, Decision] = {}


@dataclass_transform(frozen_default=True, kw_only_default=True)
def value(cls: type[T]) -> type[T]:
    """Declare a value: frozen, validated, refusing what it does not know."""
    made = validated(frozen=True, slots=True, kw_only=True, config=ConfigDict(extra="forbid"))(
        cls
    )
    return cast("type[T]", made)


@dataclass_transform(frozen_default=True, kw_only_default=True)
def event(name: str) -> Callable[[type[T]], type[T]]:
    """Declare something that happens, under the name (`kind.participle`) it keeps for ever."""
    return lambda cls: _declare(cls, name, EVENTS)


@dataclass_transform(frozen_default=True, kw_only_default=True)
def command(name: str) -> Callable[[type[T]], type[T]]:
    """Declare something that can be asked, under its public name (`verb-noun`)."""
    return lambda cls: _declare(cls, name, COMMANDS)


def _declare(cls: type[T], name: str, catalogue: dict[str, type]) -> type[T]:
    made = value(cls)
    if name in catalogue:
        raise TypeError(f"{name!r} is already the name of {catalogue[name].__qualname__}")
    catalogue[name] = made
    NAMES[made] = name
    return made


class Refused(Exception):
    """The rules of the utility say no.  The class is named after the rule that was kept."""

    def __init__(self, **details: object) -> None:
        sentence = " ".join((type(self).__doc__ or "").split())
        super().__init__(sentence)
        self.details = details

    @property
    def code(self) -> str:
        """The class name as the world outside spells it: DialWentBack -> dial-went-back."""
        return code_of(type(self))


def code_of(refusal: type[Refused]) -> str:
    """The same of a class."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", refusal.__name__).lower()


@dataclass(frozen=True, slots=True)
class Fact:
    """An event in its envelope: where it stands in history, when recorded, by whom and why."""

    stream: Stream
    version: int  # 1, 2, 3 … within the stream
    event: Any
    at: datetime  # UTC, when recorded; never earlier than the fact before
    by: str  # the person or machine that asked
    role: str  # the duty in which they asked
    cause: str  # the id of the command
    correlation: str  # what the command itself belongs to: a run, a case, a file
    position: int = 0  # 1, 2, 3 … in all of history, without a gap

    @property
    def name(self) -> str:
        """The stored name of the event: `meter.installed`."""
        return NAMES[type(self.event)]

    @property
    def key(self) -> str:
        """The natural key of the thing: the stream without its kind."""
        return self.stream.partition("-")[2]

    @property
    def ref(self) -> str:
        """How other facts name this one: `meter-CN00417@3`."""
        return f"{self.stream}@{self.version}"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks, and in which duty; a decision takes one only if a rule needs it."""

    by: str
    role: str


@dataclass(frozen=True, slots=True)
class Kind(Generic[S, E]):
    """One kind of thing: the prefix of its streams, what it is at first, how it changes."""

    name: str
    initial: S
    evolve: Callable[[S, E], S]
    only: str | None = None  # the key, where there is but one of the kind

    def __post_init__(self) -> None:
        KINDS[type(self.initial)] = self

    def stream(self, key: str) -> Stream:
        """The stream of one thing of this kind."""
        return Stream(f"{self.name}-{key}")

    def fold(self, happened: Iterable[E], since: S | None = None) -> S:
        """What the thing is, given what happened to it."""
        return reduce(self.evolve, happened, self.initial if since is None else since)


@dataclass(frozen=True, slots=True)
class Decision:
    """A rule of the utility: the streams it must see, what else it needs, and its answer."""

    command: type
    decide: Callable[..., Iterable[object]]
    sees: tuple[tuple[str, Kind[Any, Any]], ...]  # (parameter, kind)
    needs: tuple[tuple[str, type], ...]  # (parameter, type) that the door supplies

    def streams(self, asked: object) -> dict[str, Stream]:
        """Parameter -> stream, for this command."""
        return {
            name: kind.stream(kind.only or getattr(asked, name)) for name, kind in self.sees
        }

    def route(self, asked: object, happened: object) -> Stream:
        """The stream to which an event of this decision belongs: the one of its own kind."""
        prefix = NAMES[type(happened)].partition(".")[0]
        for name, kind in self.sees:
            if kind.name == prefix:
                return kind.stream(kind.only or getattr(asked, name))
        raise TypeError(f"{self.decide.__name__} yields {prefix} events and sees no {prefix}")


def decision(decide: F) -> F:
    """Register the one function that answers a command; its signature is its declaration."""
    hints = get_type_hints(decide)
    sees: list[tuple[str, Kind[Any, Any]]] = []
    needs: list[tuple[str, type]] = []
    for name in inspect.signature(decide).parameters:
        if name == "asked":
            continue
        hint = hints[name]
        if hint in KINDS:
            sees.append((name, KINDS[hint]))
        else:
            needs.append((name, hint))
    if len({kind.name for _, kind in sees}) < len(sees):
        raise TypeError(f"{decide.__name__} sees two streams of one kind")
    command_type = hints["asked"]
    if command_type in DECISIONS:
        raise TypeError(f"{command_type.__qualname__} is already decided")
    DECISIONS[command_type] = Decision(command_type, decide, tuple(sees), tuple(needs))
    return decide
