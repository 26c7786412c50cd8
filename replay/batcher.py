"""
The batcher: the one thread of a process that writes.

It takes whatever is queued, without a timer (the commit before is the timer), and writes it in
one transaction under one lock, so that the database flushes once for all of them and positions
have no gap.  A command that cannot be written is refused alone; its neighbours are not.

An outcome that is unknown, because the connection was lost at the commit, is looked up: by the
key of the command, or else by its first event.  Only what is known not to be there is written
again.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Condition, Thread
from typing import Any, TypeAlias, cast

import psycopg

from replay.append import KeyReused, Overloaded, Stale, Unavailable
from replay.mapper import COLUMNS, Row

Line: TypeAlias = tuple[str, int, str, bytes]
"""stream, version, name, state: an event that has no position yet."""

Bound: TypeAlias = tuple[str, int, int]
"""stream, lowest and highest version it may be at (-1 when it has no event at all)."""

WAITING_MAX = 4096  # commands queued before a new one is refused
BATCH_COMMANDS = 512
BATCH_BYTES = 1 << 20
PATIENCE = 30.0  # seconds for a lost database to come back before an outcome stays unknown
PROMPTLY = 0.5  # seconds to keep trying before saying that there is no database
LOCK_TIMEOUT = 10.0  # seconds to wait for another process that writes

APPEND = (
    "SELECT * FROM history.append(%s::timestamptz, %b::text[], %b::text[], %b::bytea[],"
    " %b::text[], %b::int[], %b::int[], %b::text[], %b::bigint[], %b::bigint[], %b::int[],"
    " %b::text[], %b::bigint[], %b::text[], %b::bytea[])"
)


@dataclass(frozen=True, slots=True)
class Written:
    """Where a command was written: positions `first` to `last`, none when last < first."""

    first: int
    last: int
    at: datetime | None = None
    rows: Sequence[Row] | None = None  # as it stands, when it had been written before


@dataclass(slots=True, eq=False)
class Entry:
    """One command, encoded and waiting."""

    lines: Sequence[Line]
    bounds: Sequence[Bound]
    finish: Callable[[Written], Any]
    by: str = ""
    cause: str = ""
    key: str | None = None
    digest: bytes = b""
    future: Future[Any] = field(default_factory=Future)
    refused: Callable[[], None] | None = None  # told when it is stale
    again: bool = False  # written once already, and known not to be there

    def done(self, written: Written) -> None:
        """Tell whoever waits where it was written."""
        try:
            self.future.set_result(self.finish(written))
        except Exception as wrong:
            self.future.set_exception(wrong)

    def stale(self) -> None:
        """Tell whoever waits that somebody else was first."""
        if self.refused is not None:
            self.refused()
        self.future.set_exception(Stale())


class Batcher:
    """A bounded queue in front of one connection.  Start it, submit entries, close it."""

    def __init__(self, database_url: str, *, waiting_max: int = WAITING_MAX) -> None:
        self._url = database_url
        self._waiting_max = waiting_max
        self.patience = PATIENCE
        self._queue: deque[Entry] = deque()
        self._ready = Condition()
        self._closing = False
        self._connection: psycopg.Connection[Any] | None = None
        self._backend: tuple[int, datetime] | None = None
        self._thread = Thread(target=self._run, name="batcher", daemon=True)
        self._thread.start()

    def submit(self, entry: Entry) -> Future[Any]:
        """Queue a command.  Raises Overloaded when too many wait, Unavailable once closed."""
        with self._ready:
            if self._closing:
                raise Unavailable("history is closed")
            if len(self._queue) >= self._waiting_max:
                raise Overloaded(f"{len(self._queue)} commands are waiting")
            entry.future.set_running_or_notify_cancel()  # who stops waiting cancels nothing
            self._queue.append(entry)
            self._ready.notify()
        return entry.future

    @property
    def waiting(self) -> int:
        """How many commands are queued."""
        return len(self._queue)

    def close(self) -> None:
        """Write what is queued, then stop."""
        with self._ready:
            self._closing = True
            self._ready.notify()
        self._thread.join()
        if self._connection is not None:
            self._connection.close()

    def _run(self) -> None:
        while True:
            with self._ready:
                self._ready.wait_for(lambda: self._queue or self._closing)
                if not self._queue:
                    return
                batch, held = self._take()
            moved = self._write(batch)
            keys = {(entry.by, entry.key) for entry in batch if entry.key is not None}
            again = [entry for entry in held if not _overtaken(entry, moved, keys)]
            with self._ready:
                self._queue.extendleft(reversed(again))

    def _take(self) -> tuple[list[Entry], list[Entry]]:
        """What goes into the next batch; what is held back as it looks at what that changes."""
        batch: list[Entry] = []
        held: list[Entry] = []
        touched: set[object] = set()
        size = 0
        queue = self._queue
        while queue and len(batch) < BATCH_COMMANDS and size < BATCH_BYTES:
            entry = queue.popleft()
            named = None if entry.key is None else (entry.by, entry.key)
            if named in touched or any(stream in touched for stream, _, _ in entry.bounds):
                held.append(entry)
                continue
            batch.append(entry)
            for line in entry.lines:
                touched.add(line[0])
                size += len(line[3]) + 100
            if named is not None:
                touched.add(named)
        return batch, held

    def _write(self, batch: list[Entry]) -> dict[str, int]:
        """Write a batch and answer its commands; the streams it moved, and to which version."""
        until = time.monotonic() + PROMPTLY
        while True:
            try:
                connection = self._connected()
                break
            except psycopg.Error as wrong:
                if time.monotonic() > until:
                    _fail(batch, Unavailable(f"no database: {wrong}"))
                    return {}
                time.sleep(0.05)
        try:
            rows = connection.execute(APPEND, _parameters(batch), prepare=True).fetchall()
        except Exception as wrong:
            if connection.closed:
                self._connection = None
                return self._settle(batch, wrong)
            return self._one_by_one(batch, wrong)
        return _answer(batch, rows, _past(connection, rows))

    def _one_by_one(self, batch: list[Entry], wrong: Exception) -> dict[str, int]:
        """The transaction was refused as a whole: find out for whom."""
        if len(batch) == 1 or isinstance(wrong, psycopg.OperationalError):
            # Disk full, lock or statement timed out, shutting down: nobody's own fault.
            mild = isinstance(wrong, psycopg.OperationalError)
            _fail(batch, Unavailable(str(wrong)) if mild else wrong)
            return {}
        moved: dict[str, int] = {}
        for entry in batch:
            moved |= self._write([entry])
        return moved

    def _settle(self, batch: list[Entry], lost: Exception) -> dict[str, int]:
        """The connection was lost: find out what was recorded and write the rest again."""
        until = time.monotonic() + self.patience
        while True:
            try:
                connection = self._connected()
                found = _look_up(connection, batch)
                break
            except psycopg.Error as wrong:
                self._connection = None
                if time.monotonic() > until or self._closing:
                    _fail(batch, Unavailable(f"{lost}; {wrong}", unknown=True))
                    return {}
                time.sleep(0.05)
        moved: dict[str, int] = {}
        missing: list[Entry] = []
        for entry in batch:
            written = found.get(id(entry))
            if written is not None:
                entry.done(written)
                moved |= {line[0]: line[1] for line in entry.lines}
            elif entry.again:
                entry.future.set_exception(Unavailable(str(lost)))
            else:
                entry.again = True
                missing.append(entry)
        return moved | (self._write(missing) if missing else {})

    def _connected(self) -> psycopg.Connection[Any]:
        """The connection; a new one when it was lost, once the old session is truly over."""
        if self._connection is not None and not self._connection.closed:
            return self._connection
        connection = psycopg.connect(
            self._url,
            autocommit=True,
            application_name="wattledger batcher",
            options=f"-c timezone=UTC -c lock_timeout={LOCK_TIMEOUT}s -c synchronous_commit=on",
            connect_timeout=5,
        )
        if self._backend is not None:
            # Its last transaction may still be running; nothing can be said before it ended.
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE pid = %s AND backend_start = %s",
                self._backend,
            )
        mine = connection.execute(
            "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
        ).fetchone()
        self._backend = mine
        self._connection = connection
        return connection


def _overtaken(entry: Entry, moved: dict[str, int], keys: set[tuple[str, str]]) -> bool:
    """Refuse at once what saw a stream before the batch just written moved it."""
    if entry.key is not None and (entry.by, entry.key) in keys:
        return False  # the batch may have written this very command: the next one will tell
    if any(moved.get(stream, -1) > high for stream, _, high in entry.bounds):
        entry.stale()
        return True
    return False


def _fail(batch: list[Entry], wrong: Exception) -> None:
    for entry in batch:
        entry.future.set_exception(wrong)


def _parameters(batch: list[Entry]) -> tuple[Any, ...]:
    """The arrays of `history.append`: by command, by stream seen, by event."""
    seen = [(n, *bound) for n, entry in enumerate(batch, 1) for bound in entry.bounds]
    events = [(n, *line) for n, entry in enumerate(batch, 1) for line in entry.lines]
    return (
        datetime.now(UTC),
        [entry.by for entry in batch],
        [entry.key for entry in batch] if any(entry.key for entry in batch) else [],
        [entry.digest for entry in batch],
        [entry.cause for entry in batch],
        [len(entry.lines) for entry in batch],
        *(map(list, zip(*seen, strict=True)) if seen else [[]] * 4),
        *(map(list, zip(*events, strict=True)) if events else [[]] * 5),
    )


def _past(connection: psycopg.Connection[Any], rows: list[Any]) -> dict[int, list[Row]]:
    """The facts of the commands that had been written before, by the command's number."""
    repeated = [row for row in rows if row[1] == "repeated"]
    try:
        return {row[0]: _between(connection, row[2], row[3]) for row in repeated}
    except psycopg.Error:  # the batch is committed and must be answered all the same
        return {}


def _between(connection: psycopg.Connection[Any], first: int, last: int) -> list[Row]:
    query = (
        f"SELECT {COLUMNS} FROM history.events"
        " WHERE notification_id BETWEEN %s AND %s ORDER BY notification_id"
    )
    found = connection.execute(query, (first, last), binary=True).fetchall()
    return cast("list[Row]", found)


def _answer(batch: list[Entry], rows: list[Any], past: dict[int, list[Row]]) -> dict[str, int]:
    """Tell everybody in a written batch what became of their command."""
    refused = {row[0]: row for row in rows}
    _, _, first, _, at = refused.pop(0)
    moved: dict[str, int] = {}
    for n, entry in enumerate(batch, 1):
        row = refused.get(n)
        if row is None:
            last = first + len(entry.lines) - 1
            entry.done(Written(first, last, at))
            first = last + 1
            for line in entry.lines:
                moved[line[0]] = line[1]
        elif row[1] == "repeated" and n in past:
            entry.done(Written(row[2], row[3], rows=past[n]))
        elif row[1] == "repeated":
            entry.future.set_exception(Unavailable("recorded before, and cannot be read now"))
        elif row[1] == "stale":
            entry.stale()
        else:
            entry.future.set_exception(KeyReused())
    return moved


def _look_up(connection: psycopg.Connection[Any], batch: list[Entry]) -> dict[int, Written]:
    """Which commands of a lost batch were written after all, by the id of the entry."""
    found: dict[int, Written] = {}
    for entry in batch:
        if entry.key is not None:
            row = connection.execute(
                "SELECT first, last FROM history.commands"
                " WHERE by = %s AND key = %s AND cause = %s AND digest = %s",
                (entry.by, entry.key, entry.cause, entry.digest),
            ).fetchone()
        elif entry.lines:
            stream, version, name, state = entry.lines[0]
            row = connection.execute(
                "SELECT notification_id, notification_id + %s - 1 FROM history.events"
                " WHERE originator_id = %s AND originator_version = %s"
                " AND topic = %s AND state = %s",
                (len(entry.lines), stream, version, name, state),
            ).fetchone()
        else:
            row = None
        if row is not None:
            rows = _between(connection, *row)
            found[id(entry)] = Written(row[0], row[1], rows[0][5] if rows else None)
    return found
