"""History: the append-only record of facts, and the only door to it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import Any, Self, TypeVar, cast

import psycopg
from psycopg.rows import tuple_row

from domain.kit import Fact, Kind, Stream
from replay.store.append import (
    Append,
    Appended,
    HistoryBroken,
    KeyReused,
    Outcome,
    Overloaded,
    Seen,
    Stale,
    Unavailable,
    Unreadable,
)
from replay.store.entry import Entry, Line, Written
from replay.store.keys import OF as KEYS
from replay.store.listener import HEAD, Listener
from replay.store.mapper import COLUMNS, WRITERS, Envelope, Row, fact_of, facts
from replay.store.recorder import Datastore, Recorder
from replay.store.sealing import MARK, PERSONALS
from replay.store.streams import Streams, folded

__all__ = [
    "Append", "Appended", "History", "HistoryBroken", "KeyReused", "Outcome", "Overloaded",
    "Seen", "Stale", "Unavailable", "Unreadable",
]  # fmt: skip

N = TypeVar("N", bound=str)

PAGE = (
    f"SELECT {COLUMNS} FROM history.events WHERE notification_id > %s AND notification_id <= %s"
    " ORDER BY notification_id LIMIT %s"
)
OF = (
    f"SELECT {COLUMNS} FROM history.events WHERE originator_id = %s AND notification_id <= %s"
    " ORDER BY originator_version"
)
NEWER = (
    f"SELECT {COLUMNS} FROM unnest(%s::text[], %s::bigint[]) AS known (stream, version)"
    " JOIN history.events ON originator_id = stream AND originator_version > version"
    " ORDER BY originator_id, originator_version"
)
CORRELATED = (
    f"SELECT {COLUMNS} FROM history.events WHERE position(%s::bytea IN state) > 0"
    " ORDER BY notification_id"
)
VERSIONS = (
    "SELECT stream, coalesce((SELECT max(originator_version) FROM history.events"
    " WHERE originator_id = stream), 0) FROM unnest(%s::text[]) AS asked (stream)"
)
OUTCOME = "SELECT digest, first, last, cause FROM history.commands WHERE by = %s AND key = %s"
LAST = 2**63 - 1
AHEAD = 4  # commands of a bulk load that wait or are being written


class History:
    """
    Everything that ever happened, in order.  Thread-safe; one to a process.

    On one that is known to be `broken` nothing is recorded: that is raised instead.
    Reading raises Unavailable when the database does not answer, HistoryBroken when a position
    is missing, Unreadable when a fact is in a shape that this program does not know.
    """

    def __init__(self, database_url: str) -> None:
        self._datastore = Datastore(database_url)
        try:
            self.recorder = Recorder(self._datastore)
        except Exception as wrong:
            self._datastore.close()
            raise Unavailable(f"no database: {wrong}") from wrong
        self._listener = Listener(self._datastore.url)
        self.recorder.batcher.moved_to = self._listener.moved_to
        self._streams = Streams()
        self.broken: HistoryBroken | None = None  # what is known to be wrong with it

    def close(self) -> None:
        """Write what is queued, then let everything go."""
        self.recorder.close()
        self._listener.close()
        self._datastore.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Read

    def head(self) -> int:
        """The last position; 0 while nothing has happened."""
        position: int = self._rows(HEAD)[0][0]
        self._listener.moved_to(position)
        return position

    def moment(self, at: datetime) -> int:
        """The position of the last fact recorded at or before an instant; 0 if none was."""
        position: int = self._rows("SELECT history.moment(%s)", at)[0][0]
        return position

    def of(
        self, stream: Stream, *, until: int | None = None, unreadable: bool = False
    ) -> list[Fact]:
        """What happened to one thing, in order; `unreadable` as for pages."""
        rows = self._rows(OF, stream, LAST if until is None else until)
        return self._facts(rows, unreadable=unreadable)

    def of_each(self, streams: Iterable[Stream], *, until: int) -> dict[Stream, list[Fact]]:
        """What happened to each of many things, in order, in one round trip."""
        found: dict[Stream, list[Fact]] = {stream: [] for stream in streams}
        rows = self._rows(NEWER, list(found), [0] * len(found))
        for fact in self._facts([row for row in rows if row[4] <= until]):
            found[Stream(fact.stream)].append(fact)
        return found

    def correlated(self, correlation: str) -> list[Fact]:
        """The facts of one correlation, in order; it looks at every fact there is."""
        rows = self._rows(CORRELATED, correlation.encode())
        return [fact for fact in self._facts(rows) if fact.correlation == correlation]

    def since(
        self, position: int = 0, *, until: int | None = None, batch: int = 5000
    ) -> Iterator[Fact]:
        """What happened to everything after a position, in order."""
        for page in self.pages(position, until=until, batch=batch):
            yield from page

    def pages(
        self,
        position: int = 0,
        *,
        until: int | None = None,
        batch: int = 5000,
        unreadable: bool = False,
    ) -> Iterator[list[Fact]]:
        """
        The same, a page at a time.

        With `unreadable` a fact that cannot be read is handed on with the exception Unreadable
        in the place of its event, so that who follows can stop that stream and no other.
        """
        for page in self.rows(position, until=until, batch=batch):
            yield self._facts(page, unreadable=unreadable)

    def rows(
        self, position: int = 0, *, until: int | None = None, batch: int = 5000
    ) -> Iterator[list[Row]]:
        """The same, unread: pages of stored rows.  Raises HistoryBroken at a gap."""
        last = LAST if until is None else until
        while page := cast("list[Row]", self._rows(PAGE, position, last, batch)):
            if page[-1][4] != position + len(page):
                # Positions are unique and come in order: so one is missing, and here is which.
                lost = next(n for n, row in enumerate(page, position + 1) if row[4] != n)
                raise HistoryBroken(f"position {lost} is missing")
            yield page
            position += len(page)
            if len(page) < batch:
                return

    def states(self, wanted: Mapping[N, tuple[Kind[Any, Any], Stream]]) -> dict[N, Seen]:
        """
        Streams as decisions need them, by any name; one round trip for all misses.

        What is in the cache may be older than the database when another process writes too: an
        append then says Stale, and `confirm` tells a decision that appends nothing.
        """
        seen: dict[N, Seen] = {}
        missing: dict[Stream, tuple[N, Kind[Any, Any]]] = {}
        for name, (kind, stream) in wanted.items():
            seen[name], fresh = self._streams.get(kind, stream)
            if not fresh:
                missing[stream] = name, kind
        if missing:
            versions = [seen[name].version for name, _ in missing.values()]
            newer = self._facts(self._rows(NEWER, list(missing), versions))
            grouped = {s: list(group) for s, group in groupby(newer, key=lambda f: f.stream)}
            for stream, (name, kind) in missing.items():
                seen[name] = folded(kind, seen[name], grouped.get(stream, ()))
                self._streams.put(kind, seen[name])
        return seen

    def cached(self, wanted: Mapping[N, tuple[Kind[Any, Any], Stream]]) -> dict[N, Seen] | None:
        """The same from memory alone; None when something has to be read."""
        seen: dict[N, Seen] = {}
        for name, (kind, stream) in wanted.items():
            seen[name], fresh = self._streams.get(kind, stream)
            if not fresh:
                return None
        return seen

    def confirm(self, seen: Mapping[Stream, int]) -> None:
        """Raise Stale if a stream has moved: for a refusal that rests on what was cached."""
        moved = [s for s, v in self._rows(VERSIONS, list(seen)) if seen[Stream(s)] != v]
        if moved:
            self._streams.moved(moved)
            raise Stale

    def outcome(self, by: str, key: str) -> Outcome | None:
        """What an Idempotency-Key led to, if anything yet."""
        for digest, first, last, cause in self._rows(OUTCOME, by, key):
            return Outcome(digest, tuple(range(first, last + 1)), cause)
        return None

    def wait(self, position: int, timeout: float) -> bool:
        """Block until history has come as far, at most so many seconds; whether it has."""
        return self._listener.wait(position, timeout)

    # Write

    def submit(self, append: Append) -> Future[Appended]:
        """
        Queue what a command records; resolves after the commit.

        Raises Overloaded at once.  The future raises Stale, KeyReused or Unavailable.
        """
        future: Future[Appended] = Future()
        self.enter(append, future)
        return future

    def append(self, append: Append) -> Appended:
        """Record what a command says, all or none, and wait until it is durable."""
        return self.submit(append).result()

    def appending(self, append: Append) -> asyncio.Future[Appended]:
        """The same for an event loop: await it.  Must be called in that loop."""
        future: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        self.enter(append, future)
        return future

    def load(self, appends: Iterable[Append], *, ahead: int = AHEAD) -> Iterator[Appended]:
        """
        Record many commands in order, each all or none; answers come in the same order.

        For imports and bill runs: while one is written the next are made, never more than
        `ahead`, and what others ask meanwhile goes in between.  Give each some hundred events.
        Stops with what the first that fails raises; those after it may be recorded already.
        """
        under_way: deque[Future[Appended]] = deque()
        for append in appends:
            if len(under_way) >= ahead:
                yield under_way.popleft().result()
            while True:
                try:
                    under_way.append(self.submit(append))
                    break
                except Overloaded:
                    time.sleep(0.01)
        while under_way:
            yield under_way.popleft().result()

    def enter(
        self,
        append: Append,
        future: Future[Any] | asyncio.Future[Any],
        behind: Sequence[Entry] = (),
        settled: Callable[[Entry], None] | None = None,
        after: Collection[Seen] = (),
    ) -> Entry:
        """
        The same for a lane, where a command is decided on what is not written yet.

        `behind` are those on whose outcome it depends.  An append without events is judged in
        its place like any other, and nothing is written.  `after` is what it leaves, where the
        caller knows: its streams are not folded again.
        """
        if self.broken is not None:
            raise self.broken
        persons = {stream for stream, event in append.happenings if PERSONALS[type(event)]}
        lines = _lines(append, {})
        entry = Entry(
            lines,
            list(append.seen.items()),
            lambda done: self._appended(append, lines, done, after),
            append.by,
            append.cause,
            append.key,
            append.digest,
            lambda: self._streams.moved(append.seen),
            future,
            persons=persons,
            seal=partial(_lines, append) if persons else None,
            behind=behind,
            settled=settled,
        )
        self.recorder.batcher.submit(entry)
        return entry

    def _appended(
        self, append: Append, lines: Sequence[Line], done: Written, after: Collection[Seen]
    ) -> Appended:
        if done.rows is not None:
            return Appended(tuple(self._facts(done.rows)), repeated=True)
        assert done.at is not None or not lines
        said = append.envelope
        at = cast("datetime", done.at)
        made = tuple(
            fact_of(stream, line[1], event, at, said, position, WRITERS[type(event)].shape)
            for position, ((stream, event), line) in enumerate(
                zip(append.happenings, lines, strict=True), done.first
            )
        )
        for left in after:
            self._streams.became(append.seen[left.stream], left)
        for stream, version in append.seen.items() if made and not after else ():
            if stream in self._streams:
                mine = [fact for fact in made if fact.stream == stream]
                self._streams.happened(stream, version, mine)
        return Appended(made)

    def _facts(self, rows: Sequence[Row], *, unreadable: bool = False) -> list[Fact]:
        """Facts, what is sealed in them opened with keys that are forgotten at once."""
        persons = {row[0] for row in rows if MARK in row[3]}
        if not persons:
            return facts(rows, unreadable=unreadable)
        keys: dict[str, bytes | None] = dict.fromkeys(persons)
        keys.update(self._rows(KEYS, list(persons)))
        return facts(rows, keys=keys, unreadable=unreadable)

    def _rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        try:
            with (
                self._datastore.pool.connection() as connection,
                connection.cursor(row_factory=tuple_row, binary=True) as cursor,
            ):
                cursor.execute(query, parameters, prepare=True)
                return cursor.fetchall()
        except psycopg.OperationalError as wrong:
            raise Unavailable(str(wrong)) from wrong


def _lines(append: Append, keys: Mapping[str, bytes]) -> list[Line]:
    """The lines of a command; without their keys, those about persons are empty as yet."""
    versions = dict(append.seen)
    lines: list[Line] = []
    write = Envelope(append.envelope)
    for stream, event in append.happenings:
        versions[stream] = version = versions[stream] + 1
        name, personal = WRITERS[type(event)].shape[0], PERSONALS[type(event)]
        if not personal:
            state = write(event)
        elif stream in keys:
            state = write.sealed(event, keys[stream], f"{stream}@{version}")
        else:
            state = b""
        lines.append((stream, version, name, state))
    return lines
