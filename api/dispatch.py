"""The one place where something asked becomes something that happened."""

from __future__ import annotations

import asyncio
import hashlib
import warnings
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, Protocol, TypeVar
from uuid import uuid4

from pydantic import TypeAdapter

from domain.catalogue import DECISIONS
from domain.kit import NAMES, Actor, Decision, Refused, Stream, Today
from replay.store.append import Append, Appended, KeyReused, Stale
from replay.store.history import History

T = TypeVar("T")

ATTEMPTS = 5  # a stale look is looked at again: others may be quicker, but not for ever
LOOKERS = 8  # threads that read for commands when what they need is not at hand
CALCULATORS = 2  # threads that calculate bills; it takes a processor, and there are not many

Supply = Callable[[object], object]


class Undeclared(UserWarning):
    """A decision refused what it does not declare; the documentation lacks that refusal."""


class Unexpected(Stale):
    """The thing is not at the version that you expect; look at it again, then ask again."""


@dataclass(frozen=True, slots=True)
class RequestContext:
    """Who asks, in which duty, for which larger matter, under which key, expecting what."""

    by: str
    role: str
    correlation: str = ""
    key: str | None = None
    expected: Mapping[Stream, int] = field(default_factory=dict)  # the version it must be at


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a command: the positions of its facts; none when there was nothing to do."""

    positions: tuple[int, ...]
    streams: Mapping[Stream, int]  # those it added to (or only looked at) -> their version now
    cause: str
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """A command on its way."""

    asked: object
    context: RequestContext
    decision: Decision
    cause: str
    digest: bytes


class Waits(Protocol):
    """How to wait for the database: a command line blocks, a server does something else."""

    async def look(self, call: Callable[[], T]) -> T: ...

    async def calculate(self, call: Callable[[], T]) -> T: ...

    async def record(self, history: History, append: Append) -> Appended: ...


class Blocking:
    """Blocks; a coroutine that waits like this runs to its end in one go."""

    async def look(self, call: Callable[[], T]) -> T:
        return call()

    calculate = look

    async def record(self, history: History, append: Append) -> Appended:
        return history.append(append)


class Awaiting:
    """Leaves what blocks to a few threads, and the writing to the batcher, and awaits it."""

    def __init__(self) -> None:
        self._looking = ThreadPoolExecutor(LOOKERS, "look")
        self._calculating = ThreadPoolExecutor(CALCULATORS, "calculate")

    async def look(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._looking, call)

    async def calculate(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._calculating, call)

    async def record(self, history: History, append: Append) -> Appended:
        return await history.appending(append)


class Dispatch:
    """
    Look, decide, append; look again when somebody was quicker.

    `supplies` gives what decisions need beside streams, by type: BillCalculation -> how;
    `today` the utility's local day.
    Raises Refused, Stale, KeyReused, Overloaded, Unavailable; nothing is recorded then.
    """

    def __init__(
        self,
        history: History,
        supplies: Mapping[type, Supply],
        today: Callable[[], date] = lambda: datetime.now(UTC).date(),
    ) -> None:
        self._history = history
        self._today = today
        self._supplies = supplies
        self._blocking = Blocking()
        self._awaiting = Awaiting()

    def __call__(self, asked: object, context: RequestContext) -> Answer:
        """Answer one command, and return when it is durable."""
        return _finished(self._answer(asked, context, self._blocking))

    async def answer(self, asked: object, context: RequestContext) -> Answer:
        """The same for an event loop, which nothing in it blocks."""
        return await self._answer(asked, context, self._awaiting)

    async def _answer(self, asked: object, context: RequestContext, waits: Waits) -> Answer:
        decision = DECISIONS[type(asked)]
        question = Question(asked, context, decision, str(uuid4()), digest_of(asked))
        if context.key is not None and any(
            need in self._supplies for _, need in decision.needs
        ):
            # To calculate is dear: find out first whether this was answered before.
            repeated = await waits.look(partial(self._repeated, question))
            if repeated is not None:
                return repeated
        for _ in range(1, ATTEMPTS):
            try:
                return await self._attempt(question, waits)
            except Unexpected:
                raise
            except Stale:
                continue
        return await self._attempt(question, waits)

    async def _attempt(self, question: Question, waits: Waits) -> Answer:
        asked, decision = question.asked, question.decision
        wanted = decision.wanted(asked)
        seen = self._history.at_hand(wanted)
        if seen is None:
            seen = await waits.look(partial(self._history.states, wanted))
        versions = {stream: each.version for stream, each in seen.items()}
        if question.context.expected:
            await self._expect(question.context.expected, versions, waits)
        given = decision.given(asked, {stream: each.state for stream, each in seen.items()})
        try:
            for name, need in decision.needs:
                given[name] = await self._given(need, question, waits)
            happened = tuple(decision.routed(asked, decision.decide(asked, **given)))
            if happened:
                recorders = {stream: each.recorders for stream, each in seen.items()}
                decision.second_person(asked, question.context.by, recorders)
        except Refused as no:
            if not decision.declares(no):
                warnings.warn(
                    f"{decision.decide.__name__}: {no.code}", Undeclared, stacklevel=1
                )
            return await waits.look(partial(self._nothing, question, versions, no))
        if not happened:
            return await waits.look(partial(self._nothing, question, versions))
        append = _append(question, happened, versions)
        done = await waits.record(self._history, append)
        return Answer(
            tuple(fact.position for fact in done.facts),
            {fact.stream: fact.version for fact in done.facts},
            done.facts[0].cause,
            done.repeated,
        )

    async def _given(self, need: type, question: Question, waits: Waits) -> object:
        if need is Actor:
            return Actor(question.context.by, question.context.role)
        if need is Today:
            return Today(await waits.look(self._today))
        return await waits.calculate(partial(self._supplies[need], question.asked))

    async def _expect(
        self, expected: Mapping[Stream, int], versions: dict[Stream, int], waits: Waits
    ) -> None:
        """Raise Unexpected, or Stale when it is our own look that is old."""
        for stream, version in expected.items():
            if versions.get(stream, version) != version:
                await waits.look(partial(self._history.confirm, versions))
                raise Unexpected
        versions.update(expected)  # what the decision does not look at, the append will check

    def _nothing(
        self, question: Question, versions: Mapping[Stream, int], refused: Refused | None = None
    ) -> Answer:
        """Nothing happens; but not if it did before, nor because of an old look."""
        repeated = self._repeated(question)
        if repeated is not None:
            return repeated
        self._history.confirm(versions)
        if refused is not None:
            raise refused
        return Answer((), versions, question.cause)

    def _repeated(self, question: Question) -> Answer | None:
        """What was answered to the same request before, if it came under a key."""
        if question.context.key is None:
            return None
        known = self._history.outcome(question.context.by, question.context.key)
        if known is None:
            return None
        if known.digest != question.digest:
            raise KeyReused
        first, last = known.positions[0], known.positions[-1]
        facts = self._history.since(first - 1, until=last)
        versions = {fact.stream: fact.version for fact in facts}
        return Answer(known.positions, versions, known.cause, repeated=True)


def _append(
    question: Question,
    happened: tuple[tuple[Stream, object], ...],
    versions: Mapping[Stream, int],
) -> Append:
    context = question.context
    return Append(
        happenings=happened,
        seen=versions,
        by=context.by,
        role=context.role,
        cause=question.cause,
        correlation=context.correlation or question.cause,
        key=context.key,
        digest=question.digest,
    )


def _finished(steps: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns that never has to be waited for."""
    try:
        steps.send(None)
    except StopIteration as done:
        answer: T = done.value
        return answer
    raise AssertionError("it waited")


class Dumps(dict[type, Callable[[Any], bytes]]):
    """Class of a command -> what writes it as JSON."""

    def __missing__(self, kind: type) -> Callable[[Any], bytes]:
        self[kind] = dump = TypeAdapter[Any](kind).serializer.to_json
        return dump


DUMPS = Dumps()


def digest_of(asked: object) -> bytes:
    """SHA-256 over the name of a command and its canonical JSON: the same request, the same."""
    kind = type(asked)
    return hashlib.sha256(NAMES[kind].encode() + b"\n" + DUMPS[kind](asked)).digest()
