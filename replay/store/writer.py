"""The connection over which facts are written, and what is said on it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias, cast

import psycopg

from replay.store.copying import Growing, copy, remember
from replay.store.entry import Entry
from replay.store.keys import keys_for
from replay.store.mapper import COLUMNS, Row
from replay.store.wire import byteas, int4s, int8s, teach, texts

COPY_FROM = 256  # events from which COPY costs less than one call with arrays (measured)
LOCK_TIMEOUT = 10  # seconds to wait for another process that writes
OPTIONS = (
    f"-c timezone=UTC -c lock_timeout={LOCK_TIMEOUT}s -c statement_timeout=60s"
    " -c synchronous_commit=on"
)

APPEND = (
    "SELECT * FROM history.append(%b::timestamptz, %b::int[], %b::int[], %b::text[],"
    " %b::text[], %b::bytea[], %b::text[], %b::int[], %b::text[], %b::bigint[], %b::int[],"
    " %b::text[], %b::bigint[], %b::text[], %b::bytea[])"
)
JUDGED = (
    "SELECT * FROM history.judged(%b::int[], %b::text[], %b::text[], %b::bytea[], %b::int[],"
    " %b::text[], %b::bigint[])"
)
HEAD = (
    "SELECT position, CASE WHEN position = 0 THEN 'epoch' ELSE at END, frontier"
    " FROM history.head"
)
BETWEEN = (
    f"SELECT {COLUMNS} FROM history.events"
    " WHERE notification_id BETWEEN %s AND %s ORDER BY notification_id"
)
BY_KEY = (
    "SELECT first, last FROM history.commands"
    " WHERE by = %s AND key = %s AND cause = %s AND digest = %s"
)
BY_EVENT = (
    "SELECT notification_id, notification_id + %s - 1 FROM history.events"
    " WHERE originator_id = %s AND originator_version = %s AND topic = %s AND state = %s"
)
END_OF = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE pid = %s AND backend_start = %s"
)
MYSELF = "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"


Behind: TypeAlias = Mapping[int, Collection[int]]
"""Number of a command in a batch -> the numbers of those in it that it was decided on."""

NOBODY: Behind = {}


class EventWriter:
    """One connection at a time; made again when it was lost."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._connection: psycopg.Connection[Any] | None = None
        self._session: tuple[int, datetime] | None = None

    @property
    def lost(self) -> bool:
        """Whether there is no connection, or no longer."""
        return self._connection is None or self._connection.closed

    def close(self) -> None:
        """End the session."""
        if self._connection is not None:
            self._connection.close()

    def connect(self) -> psycopg.Connection[Any]:
        """The connection; a new one when it was lost, once the old session is truly over."""
        if self._connection is not None and not self._connection.closed:
            return self._connection
        connection = psycopg.connect(
            self._url,
            autocommit=True,
            application_name="wattledger batcher",
            options=OPTIONS,
            connect_timeout=5,
            # A server that is gone without a word is noticed, and not waited for for ever.
            keepalives_idle=5,
            keepalives_interval=5,
            keepalives_count=3,
            tcp_user_timeout=15_000,
        )
        teach(connection)
        if self._session is not None:
            # Its last transaction may still be running; nothing can be said before it ended.
            connection.execute(END_OF, self._session)
        self._session = connection.execute(MYSELF).fetchone()
        self._connection = connection
        return connection

    def append(self, batch: Sequence[Entry]) -> list[Any]:
        """Write a batch; a row for each command refused, then a row for the rest."""
        self._seal([entry for entry in batch if entry.seal is not None])
        behind = _behind(batch)
        if behind or sum(len(entry.lines) for entry in batch) >= COPY_FROM:
            return self._copied(batch, behind)
        return self.connect().execute(APPEND, _parameters(batch), prepare=True).fetchall()

    def _copied(self, batch: Sequence[Entry], behind: Behind) -> list[Any]:
        connection = self.connect()
        now, _, *asked = _parameters(batch, behind)
        with connection.transaction():
            rows = connection.execute(JUDGED, (*asked[:4], *asked[5:8])).fetchall()
            refused = {row[0] for row in rows}
            for n, before in behind.items():  # in their order: who stands on a fallen one falls
                if n not in refused and not refused.isdisjoint(before):
                    refused.add(n)
                    rows.append((n, "fallen", None, None))
            head = connection.execute(HEAD).fetchone()
            base, at, frontier = cast("tuple[int, datetime, list[bytes]]", head)
            tree = Growing(base, max(at, now), frontier)
            taken = [entry for n, entry in enumerate(batch, 1) if n not in refused]
            if any(entry.lines for entry in taken):
                copy(connection, tree, (line for entry in taken for line in entry.lines))
            remember(connection, _placed(taken, base))
        return [(*row, None) for row in rows] + [(0, "written", base + 1, tree.size, tree.at)]

    def _seal(self, entries: Sequence[Entry]) -> None:
        """Seal what is personal; once, for a lost outcome is looked up by what was written."""
        if entries:
            persons = {person for entry in entries for person in entry.persons}
            keys = keys_for(self.connect(), persons)
            for entry in entries:
                assert entry.seal is not None
                entry.lines, entry.seal = entry.seal(keys), None

    def between(self, first: int, last: int) -> list[Row]:
        """The facts at these positions."""
        rows = self.connect().execute(BETWEEN, (first, last), binary=True).fetchall()
        return cast("list[Row]", rows)

    def find(self, batch: Sequence[Entry]) -> list[tuple[int, int, datetime | None] | None]:
        """For each command: first, last and at where it was written after all, or None."""
        found: list[tuple[int, int, datetime | None] | None] = []
        for entry in batch:
            row = None
            connection = self.connect()
            if entry.key is not None:
                named = entry.by, entry.key, entry.cause, entry.digest
                row = connection.execute(BY_KEY, named).fetchone()
            elif entry.lines:
                first = len(entry.lines), *entry.lines[0]
                row = connection.execute(BY_EVENT, first).fetchone()
            rows = self.between(*row) if row is not None else []
            found.append(row and (*row, rows[0][5] if rows else None))
        return found


def _placed(
    taken: Sequence[Entry], base: int
) -> Iterator[tuple[str, str, bytes, str, int, int]]:
    """by, key, digest, cause, first and last of those that have a key."""
    for entry in taken:
        last = base + len(entry.lines)
        if entry.key is not None:
            yield entry.by, entry.key, entry.digest, entry.cause, base + 1, last
        base = last


def _behind(batch: Sequence[Entry]) -> dict[int, set[int]]:
    """Number of a command -> the numbers of those in the same batch that it was decided on."""
    number = {id(entry): n for n, entry in enumerate(batch, 1)}
    found = {
        n: {number[id(before)] for before in entry.behind if id(before) in number}
        for n, entry in enumerate(batch, 1)
        if entry.behind
    }
    return {n: before for n, before in found.items() if before}


def _parameters(batch: Sequence[Entry], behind: Behind = NOBODY) -> tuple[Any, ...]:
    """
    The arrays of `history.append`.

    The version that a command of the same batch leaves cannot be looked up yet: who was decided
    on it is judged by what becomes of that command.
    """
    left = {
        n: {line[0]: line[1] for m in sorted(before) for line in batch[m - 1].lines}
        for n, before in behind.items()
    }
    keyed = [(n, entry) for n, entry in enumerate(batch, 1) if entry.key is not None]
    seen = [
        (n, stream, at)
        for n, entry in enumerate(batch, 1)
        for stream, at in entry.seen
        if n not in left or left[n].get(stream) != at
    ]
    events = [(n, *line) for n, entry in enumerate(batch, 1) for line in entry.lines]
    return (
        datetime.now(UTC),
        int4s([len(entry.lines) for entry in batch]),
        int4s([n for n, _ in keyed]),
        texts([entry.by for _, entry in keyed]),
        texts([cast("str", entry.key) for _, entry in keyed]),
        byteas([entry.digest for _, entry in keyed]),
        texts([entry.cause for _, entry in keyed]),
        int4s([row[0] for row in seen]),
        texts([row[1] for row in seen]),
        int8s([row[2] for row in seen]),
        int4s([row[0] for row in events]),
        texts([row[1] for row in events]),
        int8s([row[2] for row in events]),
        texts([row[3] for row in events]),
        byteas([row[4] for row in events]),
    )
