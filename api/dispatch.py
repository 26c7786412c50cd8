"""The one place where something asked becomes something that happened."""

from __future__ import annotations

import hashlib
import random
import time
import warnings
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, TypeAlias, TypeVar
from uuid import uuid4

from pydantic import TypeAdapter

from api.waiting import Awaiting, Blocking, Waits
from domain.catalogue import DECISIONS
from domain.kit import NAMES, Actor, Decision, Kind, Refused, Stream, Today, recorders_of
from replay.store.append import Append, Fallen, KeyReused, Seen, Stale
from replay.store.entry import Entry
from replay.store.history import History
from replay.store.lanes import Lanes

T = TypeVar("T")

PATIENCE = 5.0  # seconds for which a stale look is looked at again: others may be quicker
PAUSE = 0.02  # seconds at most, by chance, between two looks, once it was stale twice

Supply = Callable[[object], object]
Wanted: TypeAlias = Mapping[Stream, tuple[Kind[Any, Any], Stream]]
Happenings: TypeAlias = tuple[tuple[Stream, Any], ...]


class Undeclared(UserWarning):
    """A decision refused what it does not declare; the documentation lacks that refusal."""


class Unexpected(Stale):
    """The thing is not at the version that you expect; look at it again, then ask again."""


@dataclass(frozen=True, slots=True)
class RequestContext:
    """Who asks, in which duty, for which larger matter, under which key, expecting what."""

    by: str
    duty: str
    correlation: str = ""
    key: str | None = None
    expected: Mapping[Stream, int] = field(default_factory=dict)  # the version it must be at
    cause: str | None = None  # what the command is called in history, if not by chance
    org_unit: str = ""  # of the organisation
    terminal: str = ""  # where they work
    on_behalf_of: str = ""
    reason: str = ""


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


class Dispatch:
    """
    Look, take a turn, decide, queue, wait; look again when somebody was quicker.

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
        self._lanes = Lanes()

    def __call__(self, asked: object, context: RequestContext) -> Answer:
        """Answer one command, and return when it is durable."""
        return _finished(self._answer(asked, context, self._blocking))

    async def answer(self, asked: object, context: RequestContext) -> Answer:
        """The same for an event loop, which nothing in it blocks."""
        return await self._answer(asked, context, self._awaiting)

    async def _answer(self, asked: object, context: RequestContext, waits: Waits) -> Answer:
        decision = DECISIONS[type(asked)]
        cause = context.cause or str(uuid4())
        question = Question(asked, context, decision, cause, digest_of(asked))
        if context.key is not None and self._calculates(decision):
            # To calculate is dear: find out first whether this was answered before.
            repeated = await waits.look(partial(self._repeated, question))
            if repeated is not None:
                return repeated
        until, stale = time.monotonic() + PATIENCE, 0
        while True:
            try:
                return await self._attempt(question, waits)
            except Unexpected:
                raise
            except Fallen:
                continue  # each time one of those before is told why, so this ends
            except Stale:
                stale += 1
                await waits.look(partial(self._still_expected, context))
                if time.monotonic() > until:
                    raise
                if stale > 1:  # another process is quicker than this one
                    await waits.pause(random.uniform(0, PAUSE))

    async def _attempt(self, question: Question, waits: Waits) -> Answer:
        wanted = question.decision.wanted(question.asked)
        seen = await self._look(wanted, waits)  # before one's turn, for it may take a while
        turns: list[Stream] = []
        try:
            if await self._turns(wanted, turns, waits):
                seen = await self._look(wanted, waits)
            seen, behind = await self._upon(seen, question, waits)
            happened, no = await self._decided(question, seen, waits)
            entry = None
            if happened or behind:
                # What rests on something under way is judged in its place even if it is
                # refused or nothing: nobody is told of a state that may never be.
                append = _append(question, happened, seen)
                entry = waits.enter(self._history, self._lanes, append, behind)
                self._lanes.left(entry, _after(question, wanted, seen, happened))
        finally:
            self._lanes.leave(turns)
        if entry is None:
            return await waits.look(partial(self._nothing, question, seen, no))
        done = await waits.outcome(entry)
        if not happened:
            return await waits.look(partial(self._nothing, question, seen, no, judged=True))
        return Answer(
            tuple(fact.position for fact in done.facts),
            {fact.stream: fact.version for fact in done.facts},
            done.facts[0].cause,
            done.repeated,
        )

    async def _look(self, wanted: Wanted, waits: Waits) -> dict[Stream, Seen]:
        seen = self._history.at_hand(wanted)
        return await waits.look(partial(self._history.states, wanted)) if seen is None else seen

    async def _turns(self, wanted: Wanted, turns: list[Stream], waits: Waits) -> bool:
        """
        Take the turn of each stream, and note it; whether one had to wait.

        None where there is but one of a kind: every payment looks at the utility, and everybody
        would wait for everybody.  If it moves, its version tells.
        """
        waited = False
        for stream in sorted(wanted):
            if wanted[stream][0].only is None:
                waited |= await waits.turn(self._lanes, stream)
                turns.append(stream)
        return waited

    async def _upon(
        self, seen: dict[Stream, Seen], question: Question, waits: Waits
    ) -> tuple[dict[Stream, Seen], tuple[Entry, ...]]:
        """The streams with what is under way, and the commands on which that depends."""
        newest, behind = self._lanes.upon(seen)
        if not behind or not self._calculates(question.decision):
            return newest, behind
        # Tables show nothing that is under way: states and tables would be of two moments.
        wait = waits.enter(self._history, self._lanes, _append(question, (), {}), behind)
        with suppress(Fallen):
            await waits.outcome(wait)
        wanted = question.decision.wanted(question.asked)
        return self._lanes.upon(await self._look(wanted, waits))

    async def _decided(
        self, question: Question, seen: Mapping[Stream, Seen], waits: Waits
    ) -> tuple[Happenings, Exception | None]:
        """What happens; or nothing, and why not, if the rules or the one who asks say no."""
        asked, decision, context = question.asked, question.decision, question.context
        for stream, version in context.expected.items():
            if stream in seen and seen[stream].version != version:
                return (), Unexpected()
        given = decision.given(asked, {stream: each.state for stream, each in seen.items()})
        try:
            for name, need in decision.needs:
                given[name] = await self._given(need, question, waits)
            happened = tuple(decision.routed(asked, decision.decide(asked, **given)))
            if happened:
                recorders = {stream: each.recorders for stream, each in seen.items()}
                decision.second_person(asked, context.by, recorders)
        except Refused as no:
            if not decision.declares(no):
                said = f"{decision.decide.__name__}: {no.code}"
                warnings.warn(said, Undeclared, stacklevel=1)
            return (), no
        return happened, None

    def _calculates(self, decision: Decision) -> bool:
        return any(need in self._supplies for _, need in decision.needs)

    async def _given(self, need: type, question: Question, waits: Waits) -> object:
        if need is Actor:
            context = question.context
            return Actor(context.by, context.duty, context.org_unit, context.on_behalf_of)
        if need is Today:
            return Today(await waits.look(self._today))
        return await waits.calculate(partial(self._supplies[need], question.asked))

    def _still_expected(self, context: RequestContext) -> None:
        """Raise Unexpected if a stream is not, or no longer, at the version expected."""
        if context.expected:
            try:
                self._history.confirm(context.expected)
            except Stale:
                raise Unexpected from None

    def _nothing(
        self,
        question: Question,
        seen: Mapping[Stream, Seen],
        no: Exception | None,
        *,
        judged: bool = False,
    ) -> Answer:
        """Nothing happens; but not if it did before, nor because of an old look."""
        repeated = self._repeated(question)
        if repeated is not None:
            return repeated
        versions = {stream: each.version for stream, each in seen.items()}
        if not judged:
            self._history.confirm(versions)
        if no is not None:
            raise no
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


def _append(question: Question, happened: Happenings, seen: Mapping[Stream, Seen]) -> Append:
    """What a command wants recorded; without events, to be judged in its place."""
    context = question.context
    versions = {stream: each.version for stream, each in seen.items()}
    return Append(
        happenings=happened,
        # What the decision does not look at, but the one who asks does, is checked as well.
        seen={**versions, **context.expected} if happened else versions,
        by=context.by,
        duty=context.duty,
        cause=question.cause,
        correlation=context.correlation or question.cause,
        key=context.key if happened else None,
        digest=question.digest,
        org_unit=context.org_unit,
        terminal=context.terminal,
        on_behalf_of=context.on_behalf_of,
        command=NAMES[type(question.asked)],
        reason=context.reason,
    )


def _after(
    question: Question, wanted: Wanted, seen: Mapping[Stream, Seen], happened: Happenings
) -> Iterable[Seen]:
    """The streams that a command moves, as it leaves them."""
    after: dict[Stream, Seen] = {}
    for stream, event in happened:
        was = after.get(stream, seen[stream])
        after[stream] = Seen(
            stream,
            was.version + 1,
            wanted[stream][0].evolve(was.state, event),
            recorders_of([(event, question.context.by)], was.recorders),
        )
    return after.values()


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
