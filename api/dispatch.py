"""The one place where something asked becomes something that happened."""

from __future__ import annotations

import hashlib
import random
import time
import warnings
from collections.abc import Callable, Collection, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, TypeAlias, TypeVar
from uuid import uuid4

from pydantic import TypeAdapter

from api.auth import Person
from api.authority import Authority, NotAtHand, seen_of
from api.waiting import Awaiting, Blocking, Waits
from domain.catalogue import DECISIONS
from domain.kit import (
    NAMES,
    Actor,
    Decision,
    Instead,
    Kind,
    Refused,
    Stream,
    Today,
    recorders_of,
)
from replay.store.append import Append, Fallen, KeyReused, Seen, Stale
from replay.store.entry import Entry
from replay.store.history import History
from replay.store.lanes import Lanes

T = TypeVar("T")

PATIENCE = 5.0  # seconds in which a stale command is tried again: others may be quicker
PAUSE = 0.02  # seconds at most, by chance, between two tries, once it was stale twice

Supply = Callable[[object], object]
Wanted: TypeAlias = Mapping[Stream, tuple[Kind[Any, Any], Stream]]
Happenings: TypeAlias = tuple[tuple[Stream, Any], ...]


class Undeclared(UserWarning):
    """A decision refused what it does not declare; the documentation lacks that refusal."""


class Unexpected(Stale):
    """The thing is not at the version that you expect; read it again, then ask again."""


@dataclass(frozen=True, slots=True)
class RequestContext:
    """
    Who asks, in which duty, for which larger matter, under which key, expecting what.

    With `asking`, who was named by a token, the duty is looked up where the command stands.
    """

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
    asking: Person | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a command: the positions of its facts; none when there was nothing to do."""

    positions: tuple[int, ...]
    streams: Mapping[Stream, int]  # those it added to (or only read) -> their version now
    cause: str
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class CommandEnvelope:
    """A command on its way."""

    asked: object
    context: RequestContext
    decision: Decision
    cause: str
    digest: bytes


class Dispatch:
    """
    Read, take a turn, decide, queue, wait; read again when somebody was quicker.

    `supplies` gives what decisions need beside streams, by type: BillCalculation -> how;
    `today` the utility's local day, `today_cached` the same where nothing has to be read.
    Raises Refused, Stale, KeyReused, Overloaded, Unavailable; nothing is recorded then.
    """

    def __init__(
        self,
        history: History,
        supplies: Mapping[type, Supply],
        today: Callable[[], date] = lambda: datetime.now(UTC).date(),
        today_cached: Callable[[], date | None] = lambda: None,
    ) -> None:
        self.authority = Authority(history, today)
        self._history = history
        self._today = today
        self._today_cached = today_cached
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
        envelope = CommandEnvelope(asked, context, decision, cause, digest_of(asked))
        if context.key is not None and self._calculates(decision):
            # To calculate is dear: find out first whether this was answered before.
            repeated = await waits.read(partial(self._repeated, envelope))
            if repeated is not None:
                return repeated
        until, stale = time.monotonic() + PATIENCE, 0
        while True:
            try:
                return await self._attempt(envelope, waits)
            except Unexpected:
                raise
            except Instead as other:
                envelope = replace(envelope, asked=other.asked)
            except Fallen:
                continue  # each time one of those before is told why, so this ends
            except Stale:
                stale += 1
                await waits.read(partial(self._still_expected, context))
                if time.monotonic() > until:
                    raise
                if stale > 1:  # another process is quicker than this one
                    await waits.pause(random.uniform(0, PAUSE))

    async def _attempt(self, envelope: CommandEnvelope, waits: Waits) -> Answer:
        wanted = envelope.decision.wanted(envelope.asked)
        every = _every(envelope)
        seen = await self._read(every, waits)  # before one's turn, for it may take a while
        turns: list[Stream] = []
        try:
            if await self._turns(wanted, turns, waits):
                seen = await self._read(every, waits)
            seen, behind = self._lanes.upon(seen)
            if behind and self._calculates(envelope.decision):
                seen, behind = await self._settled(envelope, behind, waits)
            envelope = await self._allowed(envelope, seen, waits)
            happened, no = await self._decided(envelope, seen, waits)
            entry = None
            if happened or behind:
                # What rests on something under way is judged in its place even if it is
                # refused or nothing: nobody is told of a state that may never be.
                append = _append(envelope, happened, seen)
                after = _after(envelope, wanted, seen, happened)
                entry = waits.enter(self._history, self._lanes, append, behind, after)
                self._lanes.left(entry, after)
        finally:
            self._lanes.leave(turns)
        if entry is None:
            return await waits.read(partial(self._nothing, envelope, seen, no))
        done = await waits.outcome(entry)
        if not happened:
            return await waits.read(partial(self._nothing, envelope, seen, no, judged=True))
        return Answer(
            tuple(fact.position for fact in done.facts),
            {fact.stream: fact.version for fact in done.facts},
            done.facts[0].cause,
            done.repeated,
        )

    async def _read(self, wanted: Wanted, waits: Waits) -> dict[Stream, Seen]:
        seen = self._history.cached(wanted)
        return await waits.read(partial(self._history.states, wanted)) if seen is None else seen

    async def _turns(self, wanted: Wanted, turns: list[Stream], waits: Waits) -> bool:
        """
        Take the turn of each stream, and note it; whether one had to wait.

        None where there is but one of a kind: every payment reads the utility, and everybody
        would wait for everybody.  If it moves, its version tells.
        """
        waited = False
        for stream in sorted(wanted):
            if wanted[stream][0].only is None:
                waited |= await waits.turn(self._lanes, stream)
                turns.append(stream)
        return waited

    async def _settled(
        self, envelope: CommandEnvelope, behind: tuple[Entry, ...], waits: Waits
    ) -> tuple[dict[Stream, Seen], tuple[Entry, ...]]:
        """
        The streams once it is known what became of the commands on which they depend.

        Tables show nothing that is under way: states and tables would be of two moments.
        """
        wait = waits.enter(self._history, self._lanes, _append(envelope, (), {}), behind)
        with suppress(Fallen):
            await waits.outcome(wait)
        return self._lanes.upon(await self._read(_every(envelope), waits))

    async def _allowed(
        self, envelope: CommandEnvelope, seen: Mapping[Stream, Seen], waits: Waits
    ) -> CommandEnvelope:
        """In which duty it is asked, and for which unit.  Raises NotAllowed, OutsideUnit."""
        context, asked = envelope.context, envelope.asked
        if context.asking is None:
            return envelope
        judge = partial(self.authority.granted, context.asking, asked, envelope.decision, seen)
        try:
            granted = judge(from_memory=True)
        except NotAtHand:
            granted = await waits.read(judge)
        allowed = replace(
            context,
            duty=granted.duty,
            org_unit=granted.org_unit,
            on_behalf_of=granted.on_behalf_of or context.on_behalf_of,
        )
        return replace(envelope, context=allowed)

    async def _decided(
        self, envelope: CommandEnvelope, seen: Mapping[Stream, Seen], waits: Waits
    ) -> tuple[Happenings, Exception | None]:
        """What happens; or nothing, and why not, if the rules or the one who asks say no."""
        asked, decision, context = envelope.asked, envelope.decision, envelope.context
        for stream, version in context.expected.items():
            if stream in seen and seen[stream].version != version:
                return (), Unexpected()
        given = decision.given(asked, {stream: each.state for stream, each in seen.items()})
        try:
            for name, need in decision.needs:
                given[name] = await self._given(need, envelope, waits)
            happened = tuple(decision.routed(asked, decision.decide(asked, **given)))
            if happened and decision.apart_from:
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

    async def _given(self, need: type, envelope: CommandEnvelope, waits: Waits) -> object:
        if need is Actor:
            context = envelope.context
            return Actor(context.by, context.duty, context.org_unit, context.on_behalf_of)
        if need is Today:
            day = self._today_cached()
            return Today(await waits.read(self._today) if day is None else day)
        return await waits.calculate(partial(self._supplies[need], envelope.asked))

    def _still_expected(self, context: RequestContext) -> None:
        """Raise Unexpected if a stream is not, or no longer, at the version expected."""
        if context.expected:
            try:
                self._history.confirm(context.expected)
            except Stale:
                raise Unexpected from None

    def _nothing(
        self,
        envelope: CommandEnvelope,
        seen: Mapping[Stream, Seen],
        no: Exception | None,
        *,
        judged: bool = False,
    ) -> Answer:
        """Nothing happens; but not if it did before, nor because of what is stale."""
        repeated = self._repeated(envelope)
        if repeated is not None:
            return repeated
        versions = {stream: each.version for stream, each in seen.items()}
        if not judged:
            self._history.confirm(versions)
        if no is not None:
            raise no
        shown = envelope.decision.wanted(envelope.asked)
        return Answer((), {s: v for s, v in versions.items() if s in shown}, envelope.cause)

    def _repeated(self, envelope: CommandEnvelope) -> Answer | None:
        """What was answered to the same request before, if it came under a key."""
        if envelope.context.key is None:
            return None
        known = self._history.outcome(envelope.context.by, envelope.context.key)
        if known is None:
            return None
        if known.digest != envelope.digest:
            raise KeyReused
        first, last = known.positions[0], known.positions[-1]
        facts = self._history.since(first - 1, until=last)
        versions = {fact.stream: fact.version for fact in facts}
        return Answer(known.positions, versions, known.cause, repeated=True)


def _every(envelope: CommandEnvelope) -> Wanted:
    """What is read for a command: what its decision sees, and who may ask it."""
    wanted = envelope.decision.wanted(envelope.asked)
    asking = envelope.context.asking
    return wanted if asking is None else {**seen_of(asking.by), **wanted}


def _append(
    envelope: CommandEnvelope, happened: Happenings, seen: Mapping[Stream, Seen]
) -> Append:
    """What a command records; without events, to be judged in its place."""
    context = envelope.context
    versions = {stream: each.version for stream, each in seen.items()}
    if happened:  # what the decision does not see, but the one who asks expects, is checked too
        versions.update(context.expected)
    return Append(
        happenings=happened,
        seen=versions,
        by=context.by,
        duty=context.duty,
        cause=envelope.cause,
        correlation=context.correlation or envelope.cause,
        key=context.key if happened else None,
        digest=envelope.digest,
        org_unit=context.org_unit,
        terminal=context.terminal,
        on_behalf_of=context.on_behalf_of,
        command=NAMES[type(envelope.asked)],
        reason=context.reason,
    )


def _after(
    envelope: CommandEnvelope, wanted: Wanted, seen: Mapping[Stream, Seen], happened: Happenings
) -> Collection[Seen]:
    """The streams that a command moves, as it leaves them."""
    after: dict[Stream, Seen] = {}
    for stream, event in happened:
        was = after.get(stream, seen[stream])
        after[stream] = Seen(
            stream,
            was.version + 1,
            wanted[stream][0].evolve(was.state, event),
            recorders_of([(event, envelope.context.by)], was.recorders),
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
