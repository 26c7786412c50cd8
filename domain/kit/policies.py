"""Policies: what follows from what, declared by type."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints

from domain.kit.decisions import DECISIONS, Sight, events_of
from domain.kit.events import Fact, Stream
from domain.kit.kinds import KINDS, Kind
from domain.kit.values import NAMES, kind_of

F = TypeVar("F", bound=Callable[..., Iterable[object]])

POLICIES: dict[str, Policy] = {}


@dataclass(frozen=True, slots=True)
class Policy:
    """
    What follows from what: facts that are answered with commands.

    It is a function of the event and of what a few things are now; it reads no tables.  What
    it gives is decided like any command; a refusal is an answer too, and is kept.
    """

    name: str
    react: Callable[..., Iterable[object]]
    answers: tuple[type, ...]  # the events that it answers
    gives: tuple[type, ...]  # the commands that it may give
    sees: tuple[Sight, ...]  # by a field of the event; "" is the thing that the fact is about
    takes_fact: bool

    def wanted(self, fact: Fact) -> dict[Stream, tuple[Kind[Any, Any], Stream]]:
        """What it must see for this fact, by stream."""
        found = [(sight.kind, _stream(sight, fact)) for sight in self.sees]
        return {stream: (kind, stream) for kind, stream in found}

    def commands(self, fact: Fact, states: Mapping[Stream, Any]) -> tuple[object, ...]:
        """What it gives.  Raises TypeError for what it did not declare."""
        given = {sight.name: states[_stream(sight, fact)] for sight in self.sees}
        if self.takes_fact:
            given["fact"] = fact
        made = tuple(self.react(fact.event, **given))
        for each in made:
            if type(each) not in self.gives:
                raise TypeError(
                    f"{self.name} gives {NAMES[type(each)]} and does not declare it"
                )
        return made


def _stream(sight: Sight, fact: Fact) -> Stream:
    key = getattr(fact.event, sight.field) if sight.field else fact.key
    return sight.kind.stream(sight.kind.only or key)


def policy(name: str, *, gives: tuple[type, ...]) -> Callable[[F], F]:
    """
    Register what follows from what.

        @policy("reconnect-paid", gives=(ReconnectPoint,))
        def reconnect_paid(happened: AccountCredited, account: Account) -> Iterator[object]: ...

    `happened` says by its type which events are answered.  A state is that of the thing which
    the event names in a field of the parameter's name, else of the one that the fact is about.
    A parameter `fact: Fact` is the event in its envelope.
    """

    def register(react: F) -> F:
        hints = get_type_hints(react)
        answers = events_of(hints["happened"])
        if not answers or name in POLICIES:
            raise TypeError(f"{name!r} answers nothing, or is the name of another policy")
        sees = tuple(
            _sight(name, parameter, KINDS[hints[parameter]], answers)
            for parameter in inspect.signature(react).parameters
            if parameter not in ("happened", "fact")
        )
        POLICIES[name] = Policy(name, react, answers, gives, sees, "fact" in hints)
        return react

    return register


def _sight(policy_: str, name: str, kind: Kind[Any, Any], answers: tuple[type, ...]) -> Sight:
    named = all(name in get_type_hints(event) for event in answers)
    if not named and kind.only is None and {kind_of(event) for event in answers} != {kind.name}:
        raise TypeError(f"{policy_}: which {name}? Not every event that it answers names one")
    return Sight(name, kind, name if named else "")


def loops(policies: Iterable[Policy]) -> list[tuple[str, ...]]:
    """The circles in which policies may set each other off, each once: names in order."""
    every = tuple(policies)
    follow: dict[str, list[str]] = {
        one.name: [other.name for other in every if _sets_off(one, other)] for one in every
    }
    found: set[tuple[str, ...]] = set()

    def walk(path: tuple[str, ...]) -> None:
        for name in follow[path[-1]]:
            if name == path[0]:
                found.add(path)
            elif name > path[0] and name not in path:  # each circle from its first name alone
                walk((*path, name))

    for name in follow:
        walk((name,))
    return sorted(found)


def _sets_off(one: Policy, other: Policy) -> bool:
    yielded = {event for given in one.gives for event in DECISIONS[given].yields}
    return not yielded.isdisjoint(other.answers)
