"""The one place where something asked becomes something that happened."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from pydantic import TypeAdapter

from domain.catalogue import DECISIONS
from domain.kit import NAMES, Actor, Refused, Stream
from replay.append import Append, Appended, KeyReused, Stale
from replay.history import History

ATTEMPTS = 5  # a stale look is looked at again: others may be quicker, but not for ever

Supply = Callable[[object], object]


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, in which duty, for which larger matter, and under which key."""

    by: str
    role: str
    correlation: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a command: the positions of its facts; none when there was nothing to do."""

    positions: tuple[int, ...]
    streams: Mapping[Stream, int]  # stream -> its version now
    cause: str
    repeated: bool = False


class Dispatch:
    """
    Look, decide, append; look again when somebody was quicker.

    `supplies` gives what decisions need beside streams, by type: Reckoned -> how to reckon it.
    Raises Refused, Stale, KeyReused, Overloaded, Unavailable; nothing is recorded then.
    """

    def __init__(self, history: History, supplies: Mapping[type, Supply]) -> None:
        self._history = history
        self._supplies = supplies

    def __call__(self, asked: object, asker: Asker) -> Answer:
        """Answer one command."""
        digest = digest_of(asked)
        if asker.key is not None:
            known = self._history.outcome(asker.by, asker.key)
            if known is not None:
                if known.digest != digest:
                    raise KeyReused
                return Answer(known.positions, {}, known.cause, repeated=True)
        cause = str(uuid4())
        for attempt in range(1, ATTEMPTS + 1):
            try:
                append = self._decided(asked, asker, cause, digest)
                if not append.happenings:
                    return Answer((), append.seen, cause)
                return _answer(append, self._history.append(append))
            except Stale:
                if attempt == ATTEMPTS:
                    raise
        raise AssertionError("unreachable")

    def _decided(self, asked: object, asker: Asker, cause: str, digest: bytes) -> Append:
        decision = DECISIONS[type(asked)]
        streams = decision.streams(asked)
        seen = self._history.states(
            {name: (kind, streams[name]) for name, kind in decision.sees}
        )
        given: dict[str, Any] = {name: seen[name].state for name in seen}
        given |= {name: self._given(need, asked, asker) for name, need in decision.needs}
        versions = {each.stream: each.version for each in seen.values()}
        try:
            happened = tuple(decision.decide(asked, **given))
        except Refused:
            self._history.confirm(versions)  # a refusal must not rest on an old look either
            raise
        if not happened:
            self._history.confirm(versions)
        return Append(
            happenings=tuple((decision.route(asked, each), each) for each in happened),
            seen=versions,
            by=asker.by,
            role=asker.role,
            cause=cause,
            correlation=asker.correlation or cause,
            key=asker.key,
            digest=digest,
        )

    def _given(self, need: type, asked: object, asker: Asker) -> object:
        if need is Actor:
            return Actor(asker.by, asker.role)
        return self._supplies[need](asked)


def _answer(append: Append, done: Appended) -> Answer:
    streams = dict(append.seen)
    for fact in done.facts:
        streams[fact.stream] = fact.version
    positions = tuple(fact.position for fact in done.facts)
    cause = done.facts[0].cause if done.facts else append.cause
    return Answer(positions, streams, cause, done.repeated)


def digest_of(asked: object) -> bytes:
    """SHA-256 over the name of a command and its canonical JSON: the same request, the same."""
    kind = type(asked)
    body = TypeAdapter[Any](kind).dump_json(asked)
    return hashlib.sha256(NAMES[kind].encode() + b"\n" + body).digest()
