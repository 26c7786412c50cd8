"""Projected tables in Postgres, read: as they are, and as they were known at any position."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import count
from threading import Lock
from typing import Any, TypeAlias, TypeVar

import psycopg
from psycopg_pool import ConnectionPool

from projections.kit.columns import plain, read, storable
from projections.kit.conditions import beyond, conditions, is_key, was_known
from projections.kit.copying import Connection, copied
from projections.kit.ddl import SCHEMA, Stored, every_table, quoted
from projections.kit.table import Projection, Where, checked, key_values
from projections.kit.versions import Progress, TableGrowing, Versions, rebuilding, versions
from projections.kit.writer import Parked, TableWriter

R = TypeVar("R")
Pool: TypeAlias = ConnectionPool[Connection]

CURSORS = count(1)
AGAIN = 0.2  # seconds between two looks whether tables that are rebuilt are swapped in
PAUSE = 0.003  # seconds between two looks at the progress, however many wait for it


def reading_pool(url: str, *, least: int = 1, most: int = 8) -> Pool:
    """A pool for readers: each statement is a transaction of its own.  Close it when done."""
    kept = {"autocommit": True}
    return ConnectionPool(url, min_size=least, max_size=most, kwargs=kept, open=True)


class PostgresTables:
    """
    Tables (see projections.kit.table) over a pool whose connections commit by themselves.

    Safe to be shared by threads.  Each answer is of one moment; `snapshot` gives tables whose
    answers are all of the same moment.  After `refresh`, whoever reads a table that is rebuilt
    after an upgrade gets TableGrowing, until it is swapped in, whoever does that.
    """

    def __init__(
        self,
        pool: Pool | Connection,
        projections: Iterable[Projection[Any]],
        *,
        schema: str = SCHEMA,
    ) -> None:
        self._pool, self._projections, self._schema = pool, tuple(projections), schema
        self._names = [projection.name for projection in self._projections]
        self._stored: dict[Projection[Any], Stored] = {}
        self._said: dict[tuple[Any, ...], bytes] = {}
        self._seen, self._turn = 0, Lock()
        self._outdated: frozenset[str] = frozenset()
        self._progress: Progress | None = None
        self._looked = 0.0
        self.used = set[str]()  # the tables that were read
        self._parked: tuple[float, list[Parked]] = (0.0, [])

    @property
    def position(self) -> int:
        """The position up to which every table that may be read is folded; 0 before any."""
        query = (
            f"select case when count(*) = cardinality(%s::text[]) then min(position) end"
            f' from "{self._schema}".progress where projection = any(%s)'
        )
        try:
            names = [name for name in self._names if name not in self._outdated]
            found = self._rows(query.encode(), (names, names))
        except psycopg.errors.UndefinedTable:
            return 0  # no follower was ever here
        return int(found[0][0] or 0)

    def wait_for(self, position: int, timeout: float) -> bool:
        """
        Wait until facts are folded up to a position; False after `timeout` seconds.

        Raises TableGrowing where there is no table to be read yet.
        """
        if self._outdated and self._outdated.issuperset(self._names):
            self._check(self._names[0])
        until = time.monotonic() + timeout
        while self._seen < position:
            left = until - time.monotonic()
            if not self._turn.acquire(timeout=max(left, 0)):
                return False
            try:  # one looks for all who wait
                if self._seen < position:
                    self._seen = self.position
                if self._seen < position:
                    if left <= 0:
                        return False
                    time.sleep(min(PAUSE, left))
            finally:
                self._turn.release()
        return True

    @contextmanager
    def snapshot(self) -> Iterator[PostgresTables]:
        """Tables of one moment: one connection, one snapshot, for as long as it lasts."""
        if self._outdated:
            self._look()
        outdated = self._outdated
        with self._connection() as db, db.transaction():
            db.execute("set transaction isolation level repeatable read, read only")
            if readable := [one for one in self._projections if one.name not in outdated]:
                # Before the snapshot: of tables swapped in behind it, it would see them empty.
                tables = every_table(map(self._of, readable))
                db.execute(f"lock table {tables} in access share mode".encode())
            yield self._alike(db, outdated)

    def refresh(self) -> Versions:
        """Look which tables are those of these projections.  Raises TablesAreNewer."""
        with self._connection() as db:
            found = versions(db, self._projections, self._schema)
            self._progress = rebuilding(db, self._schema) if found.outdated else None
        if found.outdated != self._outdated:
            self._outdated, self._seen = found.outdated, 0
        self._looked = time.monotonic()
        return found

    @property
    def progress(self) -> Progress | None:
        """How far the rebuild was at the last `refresh`; None if none went on."""
        return self._progress

    def parked(self, *, since: float = 0.0) -> list[Parked]:
        """The facts laid aside, of all tables; as they were `since` seconds ago at most."""
        asked = time.monotonic()
        if asked - self._parked[0] > since:
            with self._connection() as db:
                self._parked = asked, TableWriter(db, self._projections, self._schema).parked()
        return [one for one in self._parked[1] if one.projection in self._names]

    def _alike(self, db: Connection, outdated: frozenset[str]) -> PostgresTables:
        """The same over one connection, for which what may be read does not change."""
        made = PostgresTables(db, self._projections, schema=self._schema)
        made._outdated, made._progress = outdated, self._progress
        made._looked = float("inf")
        return made

    def _look(self) -> None:
        if time.monotonic() - self._looked > AGAIN:
            self.refresh()

    def _check(self, name: str) -> None:
        """Raise TableGrowing if a table may not be read, as far as is known now."""
        if name in self._outdated:
            self._look()
            if name in self._outdated:
                raise TableGrowing(name, self._progress)

    def get(
        self, projection: Projection[R], key: Any, *, known_at: int | None = None
    ) -> R | None:
        """One row, as it is or as it was known at a position."""
        values = key_values(projection, key)
        if not all(map(storable, values)):
            return None
        if known_at is None:
            query = self._query(projection, ("get",), self._get)
            rows = self._rows(query, values)
            return read(projection.row)(rows[0]) if rows else None
        query = self._query(projection, ("get", "known"), self._get_known)
        rows = self._rows(query, (*values, known_at))
        return read(projection.row)(rows[0][1:]) if rows and not rows[0][0] else None

    def find(
        self,
        projection: Projection[R],
        *where: Where,
        order: tuple[str, ...] = (),
        after: tuple[Any, ...] | None = None,
        limit: int | None = None,
        descending: bool = False,
        known_at: int | None = None,
    ) -> list[R]:
        """The rows of which all conditions hold, in order: see projections.kit.table.Tables."""
        query, sort, values = self._found(projection, where, order, after, descending, known_at)
        make = read(projection.row)
        rows = self._rows(f"{query}{sort} limit %s".encode(), (*values, limit))
        return [make(row) for row in rows]

    def first_of_each(
        self,
        projection: Projection[R],
        column: str,
        keys: Iterable[Any],
        *where: Where,
        limit: int,
        order: tuple[str, ...] = (),
        after: tuple[Any, ...] | None = None,
        descending: bool = False,
        known_at: int | None = None,
    ) -> list[R]:
        """The first `limit` rows for each value of a column, one after another; as `find`."""
        checked(projection, (), (column,))
        kinds = {one.name: one.sql for one in self._of(projection).columns}
        each, sort, values = self._found(projection, where, order, after, descending, known_at)
        again = sort.removeprefix(" order by ")
        query = (
            f"select v.* from unnest(%s::{kinds[column]}[]) with ordinality k (key, turn)"
            f" cross join lateral ({each} and v.{quoted(column)} = k.key{sort} limit %s) v"
            f" order by k.turn, {again}"
        )
        asked = list(dict.fromkeys(map(plain, keys)))
        make = read(projection.row)
        return [make(row) for row in self._rows(query.encode(), (asked, *values, limit))]

    def sums(
        self,
        projection: Projection[Any],
        column: str,
        *where: Where,
        by: str,
        known_at: int | None = None,
    ) -> dict[Any, int]:
        """Sums of a column of integers over the rows that `find` would give, by another."""
        checked(projection, where, (column, by))
        stored = self._of(projection)
        source, text, values = self._among(stored, where, known_at)
        query = (
            f"select v.{quoted(by)}, sum(v.{quoted(column)})::bigint from {source} v"
            f" where {' and '.join(text) or 'true'} group by 1"
        )
        return dict(self._rows(query.encode(), values))

    def counts(
        self,
        projection: Projection[Any],
        *where: Where,
        by: str | None = None,
        known_at: int | None = None,
    ) -> dict[Any, int]:
        """How many rows `find` would give, by a column; without one, of all under None."""
        checked(projection, where, () if by is None else (by,))
        source, text, values = self._among(self._of(projection), where, known_at)
        group = "null" if by is None else f"v.{quoted(by)}"
        query = (
            f"select {group}, count(*) from {source} v where {' and '.join(text) or 'true'}"
            + ("" if by is None else " group by 1")
        )
        return dict(self._rows(query.encode(), values))

    def _among(
        self, stored: Stored, where: Iterable[Where], known_at: int | None
    ) -> tuple[str, list[str], list[Any]]:
        """The table to look in, and the conditions."""
        text, values = conditions(stored, where)
        if known_at is None:
            return stored.table, text, values
        return stored.past, [*text, was_known(stored)], [*values, known_at, known_at]

    def _found(
        self,
        projection: Projection[Any],
        where: tuple[Where, ...],
        order: tuple[str, ...],
        after: tuple[Any, ...] | None,
        descending: bool,
        known_at: int | None,
    ) -> tuple[str, str, list[Any]]:
        """The query without its order, its order, and the values it asks with."""
        by = checked(projection, where, order)
        stored = self._of(projection)
        source, text, values = self._among(stored, where, known_at)
        if after is not None:
            behind, more = beyond(stored, by, after, descending)
            text, values = [*text, behind], [*values, *more]
        turn = " desc" if descending else ""
        return (
            f"select {stored.listed()} from {source} v where {' and '.join(text) or 'true'}",
            f" order by {', '.join(f'v.{quoted(name)}{turn}' for name in by)}",
            values,
        )

    def past(self, projection: Projection[R], key: Any) -> list[tuple[int, R | None]]:
        """Every change of one row, by position; None where it was removed."""
        values = key_values(projection, key)
        if not all(map(storable, values)):
            return []
        query = self._query(projection, ("past",), self._past)
        make = read(projection.row)
        rows = self._rows(query, values)
        return [(row[0], None if row[1] else make(row[2:])) for row in rows]

    def rows(self, projection: Projection[R]) -> Iterator[R]:
        """Every row, by key, a few at a time."""
        stored = self._of(projection)
        key = quoted(*projection.key)
        query = f"select {stored.listed()} from {stored.table} v order by {key}"
        return map(read(projection.row), self._stream(query))

    def changes(self, projection: Projection[R]) -> Iterator[tuple[int, Any, R | None]]:
        """Every change of every row: (position, key, row), by key and position."""
        stored = self._of(projection)
        key = quoted(*projection.key)
        query = (
            f"select known_from, gone, {stored.listed()} from {stored.past} v"
            f" order by {key}, known_from"
        )
        make, width = read(projection.row), len(stored.key)
        decode = [column.decode or _same for column in stored.key]
        for position, gone, *values in self._stream(query):
            keys = tuple(one(v) for one, v in zip(decode, values[:width], strict=True))
            row = None if gone else make(tuple(values))
            yield position, keys if width > 1 else keys[0], row

    def spelled(self, projection: Projection[Any]) -> Iterator[bytes]:
        """Every row, then every change, as text in pieces."""
        stored = self._of(projection)
        key, names = quoted(*projection.key), quoted(*stored.names)
        past = f"select known_from, {names}, gone from {stored.past}"
        with self._connection() as db, db.transaction():
            db.execute("set local timezone = 'UTC'").execute("set local datestyle = 'ISO'")
            yield from copied(db, f"select {names} from {stored.table} order by {key}")
            yield from copied(db, f"{past} order by {key}, known_from")

    def _stream(self, query: str) -> Iterator[tuple[Any, ...]]:
        name = f"rows_{next(CURSORS)}"
        with self._connection() as db, db.transaction(), db.cursor(name) as cursor:
            cursor.itersize = 5000
            yield from cursor.execute(query.encode())

    def _connection(self) -> AbstractContextManager[Connection]:
        if isinstance(self._pool, ConnectionPool):
            return self._pool.connection()
        return nullcontext(self._pool)

    def _rows(self, query: bytes, values: Iterable[Any]) -> list[tuple[Any, ...]]:
        with self._connection() as db, db.cursor(binary=True) as cursor:
            return cursor.execute(query, tuple(values)).fetchall()

    def _of(self, projection: Projection[Any]) -> Stored:
        self.used.add(projection.name)
        if self._outdated:
            self._check(projection.name)
        if (stored := self._stored.get(projection)) is None:
            stored = self._stored[projection] = Stored(self._schema, projection)
        return stored

    def _query(
        self, projection: Projection[Any], kind: tuple[str, ...], say: Callable[[Stored], str]
    ) -> bytes:
        self.used.add(projection.name)
        if self._outdated:
            self._check(projection.name)
        known = (projection, *kind)
        if (query := self._said.get(known)) is None:
            query = self._said[known] = say(self._of(projection)).encode()
        return query

    @staticmethod
    def _get(stored: Stored) -> str:
        return f"select {stored.listed()} from {stored.table} v where {is_key(stored)}"

    @staticmethod
    def _get_known(stored: Stored) -> str:
        return (
            f"select gone, {stored.listed()} from {stored.past} v where {is_key(stored)}"
            f" and known_from <= %s order by known_from desc limit 1"
        )

    @staticmethod
    def _past(stored: Stored) -> str:
        return (
            f"select known_from, gone, {stored.listed()} from {stored.past} v"
            f" where {is_key(stored)} order by known_from"
        )


def _same(value: Any) -> Any:
    return value
