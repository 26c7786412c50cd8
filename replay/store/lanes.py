"""
Lanes: whoever needs the same stream waits for a turn and decides on what the one before leaves.

A turn lasts from reading to the queue of the batcher, not to the disk: a hundred payments on
one account are decided one upon the other and written in one batch.  Whoever needs several
streams takes their turns in the order of their names, so that nobody waits in a circle.

What a command leaves is the *tip* of its streams until it is known what became of it.  It may
turn out never to have been: whoever was decided on it then falls, and is decided again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from threading import Lock
from typing import NamedTuple, TypeAlias, TypeVar

from domain.kit import Stream
from replay.store.append import Overloaded, Seen
from replay.store.entry import Entry

Waiter: TypeAlias = "Future[None] | asyncio.Future[None]"
W = TypeVar("W", bound="Future[None] | asyncio.Future[None]")

WAITING_MAX = 1024  # commands that wait for a turn on one stream before a new one is refused


class Tip(NamedTuple):
    """A stream as it will be once a command is written."""

    seen: Seen
    entry: Entry


class Lanes:
    """The turns and the tips of one process, for threads and event loops alike."""

    def __init__(self, waiting_max: int = WAITING_MAX) -> None:
        self._waiting_max = waiting_max
        self._lock = Lock()
        self._waiting: dict[
            Stream, deque[Waiter]
        ] = {}  # of each stream that is somebody's turn
        self._tips: dict[Stream, Tip] = {}

    def enter(self, stream: Stream, waiter: Callable[[], W]) -> W | None:
        """None if it is one's turn at once; else who is told when it is.  Raises Overloaded."""
        with self._lock:
            waiting = self._waiting.get(stream)
            if waiting is None:
                self._waiting[stream] = deque()
                return None
            if len(waiting) >= self._waiting_max:
                raise Overloaded(f"{len(waiting)} commands wait for {stream}")
            waiting.append(made := waiter())
            return made

    def leave(self, streams: Iterable[Stream]) -> None:
        """The turn is over: it is that of the next who is there."""
        for stream in streams:
            while (waiter := self._next(stream)) is not None and not _told(waiter):
                pass

    def _next(self, stream: Stream) -> Waiter | None:
        with self._lock:
            waiting = self._waiting[stream]
            if waiting:
                return waiting.popleft()
            del self._waiting[stream]
            return None

    def give_up(self, stream: Stream, waiter: Waiter) -> None:
        """Wait no longer; if it has become one's turn meanwhile, pass it on."""
        with self._lock:
            waiting = self._waiting.get(stream)
            if waiting is not None and waiter in waiting:
                waiting.remove(waiter)
                return
        self.leave((stream,))

    def upon(self, seen: dict[Stream, Seen]) -> tuple[dict[Stream, Seen], tuple[Entry, ...]]:
        """Streams with what is under way, and the commands on whose outcome that depends."""
        newest: dict[Stream, Seen] = {}
        behind: dict[Entry, None] = {}
        with self._lock:
            for stream, known in seen.items():
                tip = self._tips.get(stream)
                if tip is None or tip.seen.version <= known.version:
                    continue
                if tip.entry.written:  # durable, and not yet told
                    newest[stream] = tip.seen
                elif tip.entry.place is None and tip.entry.wrong is None:
                    newest[stream] = tip.seen
                    behind[tip.entry] = None
        return {**seen, **newest} if newest else seen, tuple(behind)

    def left(self, entry: Entry, after: Iterable[Seen]) -> None:
        """What a command leaves that was just queued."""
        with self._lock:
            if entry.place is None and entry.wrong is None:
                self._tips.update((seen.stream, Tip(seen, entry)) for seen in after)

    def settled(self, entry: Entry) -> None:
        """It is known what became of a command: from now on history tells."""
        with self._lock:
            for line in entry.lines:
                tip = self._tips.get(Stream(line[0]))
                if tip is not None and tip.entry is entry:
                    del self._tips[Stream(line[0])]


def _told(waiter: Waiter) -> bool:
    """
    Tell somebody that it is their turn; false if nobody is there any more.

    One in an event loop that is cancelled before hearing it gives up, and passes it on.
    """
    if isinstance(waiter, Future):
        with suppress(InvalidStateError):
            waiter.set_result(None)
            return True
        return False
    try:
        waiter.get_loop().call_soon_threadsafe(_wake, waiter)
    except RuntimeError:  # that loop is closed
        return False
    return True


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
