"""
Streams lately seen, kept folded: a hot account does not read its past for every command.

Beside the state stands who recorded what, where a decision asks for a second person.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from threading import Lock
from typing import Any

from domain.kit import Fact, Kind, Stream, recorders_of
from replay.store.append import Seen
from replay.store.sealing import is_about_persons

STREAMS_MAX = 50_000


class Streams:
    """The newest known (version, state) by stream, the least lately used forgotten first."""

    def __init__(self, most: int = STREAMS_MAX) -> None:
        self._most = most
        self._lock = Lock()
        self._known: OrderedDict[Stream, tuple[Kind[Any, Any], Seen]] = OrderedDict()
        self._behind: set[Stream] = set()

    def get(self, kind: Kind[Any, Any], stream: Stream) -> tuple[Seen, bool]:
        """The stream as known (or as it is at first), and whether to trust it."""
        with self._lock:
            known = self._known.get(stream)
            if known is None or known[0] is not kind:
                return Seen(stream, 0, kind.initial), False
            self._known.move_to_end(stream)
            return known[1], stream not in self._behind

    def __contains__(self, stream: Stream) -> bool:
        return stream in self._known

    def put(self, kind: Kind[Any, Any], seen: Seen) -> None:
        """
        What was just read.  Something newer that is known already stays.

        What is about persons is not remembered: it would outlive its erasure.
        """
        if is_about_persons(kind.name):
            return
        stream = seen.stream
        with self._lock:
            known = self._known.get(stream)
            if known is not None and known[0] is kind and known[1].version > seen.version:
                return
            self._known[stream] = kind, seen
            self._known.move_to_end(stream)
            self._behind.discard(stream)
            while len(self._known) > self._most:
                gone, _ = self._known.popitem(last=False)
                self._behind.discard(gone)

    def happened(self, stream: Stream, after: int, facts: Iterable[Fact]) -> None:
        """Facts were recorded right after a version: fold them on, if it is what we know."""
        with self._lock:
            known = self._known.get(stream)
            if known is None or known[1].version != after:
                return
            kind, seen = known
            self._known[stream] = kind, folded(kind, seen, facts)

    def became(self, after: int, seen: Seen) -> None:
        """The same where what the stream is then is known already."""
        with self._lock:
            known = self._known.get(seen.stream)
            if known is not None and known[1].version == after:
                self._known[seen.stream] = known[0], seen

    def moved(self, streams: Iterable[Stream]) -> None:
        """Some of these have moved elsewhere: read what is new before trusting them again."""
        with self._lock:
            self._behind.update(stream for stream in streams if stream in self._known)


def folded(kind: Kind[Any, Any], seen: Seen, facts: Iterable[Fact]) -> Seen:
    """A stream after some more facts of it."""
    more = list(facts)
    return Seen(
        seen.stream,
        seen.version + len(more),
        kind.fold((fact.event for fact in more), seen.state),
        recorders_of(((fact.event, fact.by) for fact in more), seen.recorders),
    )
