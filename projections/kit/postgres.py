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
from projections.kit.copying import Connection, copied
from projections.kit.ddl import SCHEMA, Stored, every_table, quoted
from projections.kit.table import NO_PLACE, Projection, Where, checked, key_values

R = TypeVar("R")
Pool: TypeAlias = ConnectionPool[Connection]

CURSORS = count(1)
PAUSE = 0.003  # seconds between two looks at the progress, however many wait for it


def reading_pool(url: str, *, least: int = 1, most: int = 8) -> Pool:
    """A pool for readers: each statement is a transaction of its own.  Close it when done."""
    kept = {"autocommit": True}
    return ConnectionPool(url, min_size=least, max_size=most, kwargs=kept, open=True)


class PostgresTables:
    """
    Tables (see projections.kit.table) over a pool whose connections commit by themselves.

    Safe to be shared by threads.  Each answer is of one moment; `snapshot` gives tables whose
    answers are all of the same moment.
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

    @property
    def position(self) -> int:
        """The position up to which every projection is folded; 0 before the first fact."""
        query = (
            f"select case when count(*) = cardinality(%s::text[]) then min(position) end"
            f' from "{self._schema}".progress where projection = any(%s)'
        )
        try:
            found = self._rows(query.encode(), (self._names, self._names))
        except psycopg.errors.UndefinedTable:
            return 0  # no follower was ever here
        return int(found[0][0] or 0)

    def wait_for(self, position: int, timeout: float) -> bool:
        """Wait until facts are folded up to a position; False after `timeout` seconds."""
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
        with self._connection() as db, db.transaction():
            db.execute("set transaction isolation level repeatable read, read only")
            if self._projections:
                # Before the snapshot: of tables swapped in behind it, it would see them empty.
                tables = every_table(map(self._of, self._projections))
                db.execute(f"lock table {tables} in access share mode".encode())
            yield PostgresTables(db, self._projections, schema=self._schema)

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

    def _among(
        self, stored: Stored, where: Iterable[Where], known_at: int | None
    ) -> tuple[str, list[str], list[Any]]:
        """The table to look in, and the conditions."""
        text, values = _conditions(stored, where)
        if known_at is None:
            return stored.table, text, values
        return stored.past, [*text, _was_known(stored)], [*values, known_at, known_at]

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
            beyond, more = _beyond(stored, by, after, descending)
            text, values = [*text, beyond], [*values, *more]
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
        if (stored := self._stored.get(projection)) is None:
            stored = self._stored[projection] = Stored(self._schema, projection)
        return stored

    def _query(
        self, projection: Projection[Any], kind: tuple[str, ...], say: Callable[[Stored], str]
    ) -> bytes:
        known = (projection, *kind)
        if (query := self._said.get(known)) is None:
            query = self._said[known] = say(self._of(projection)).encode()
        return query

    @staticmethod
    def _get(stored: Stored) -> str:
        return f"select {stored.listed()} from {stored.table} v where {_is_key(stored)}"

    @staticmethod
    def _get_known(stored: Stored) -> str:
        return (
            f"select gone, {stored.listed()} from {stored.past} v where {_is_key(stored)}"
            f" and known_from <= %s order by known_from desc limit 1"
        )

    @staticmethod
    def _past(stored: Stored) -> str:
        return (
            f"select known_from, gone, {stored.listed()} from {stored.past} v"
            f" where {_is_key(stored)} order by known_from"
        )


def _same(value: Any) -> Any:
    return value


def _is_key(stored: Stored) -> str:
    return " and ".join(f"{quoted(column.name)} = %s" for column in stored.key)


def _was_known(stored: Stored) -> str:
    """True of the version of a row in which no other came between it and the position."""
    same = " and ".join(f"n.{quoted(c.name)} = v.{quoted(c.name)}" for c in stored.key)
    return (
        f"not v.gone and v.known_from <= %s and not exists (select from {stored.past} n"
        f" where {same} and n.known_from > v.known_from and n.known_from <= %s)"
    )


def _conditions(stored: Stored, where: Iterable[Where]) -> tuple[list[str], list[Any]]:
    kinds = {column.name: column.sql for column in stored.columns}
    text: list[str] = []
    values: list[Any] = []
    for one in where:
        name = f"v.{quoted(one.field)}"
        if one.op == "in":
            either = f"{name} = any(%s::{kinds[one.field]}[])"
            text.append(f"({either} or {name} is null)" if None in one.value else either)
            values.append([value for value in one.value if value is not None])
        elif one.value is None:
            text.append(f"{name} is null")
        else:
            text.append(f"{name} {one.op} %s")
            values.append(one.value)
    return text, values


def _beyond(
    stored: Stored, by: tuple[str, ...], after: tuple[Any, ...], descending: bool
) -> tuple[str, list[Any]]:
    """What is true of the rows behind a place in the order.  Raises ValueError for no place."""
    optional = {column.name for column in stored.columns if column.optional}
    after = tuple(map(plain, after))
    if len(after) != len(by):
        raise ValueError(NO_PLACE.format(len(by), ", ".join(by)))
    sign = "<" if descending else ">"
    if not optional.intersection(by):
        marks = ", ".join(["%s"] * len(by))
        names = ", ".join(f"v.{quoted(name)}" for name in by)
        return f"({names}) {sign} ({marks})", list(after)
    either: list[str] = []
    values: list[Any] = []
    for n, name in enumerate(by):
        column = f"v.{quoted(name)}"
        same = [f"v.{quoted(by[i])} " + _equal(after[i]) for i in range(n)]
        if after[n] is None:
            if not descending:
                continue  # behind what is absent comes nothing
            beyond = f"{column} is not null"
        elif descending or name not in optional:
            beyond = f"{column} {sign} %s"
        else:
            beyond = f"({column} > %s or {column} is null)"
        either.append(" and ".join([*same, beyond]))
        values += [value for value in after[: n + 1] if value is not None]
    return f"({' or '.join(either)})", values


def _equal(value: Any) -> str:
    return "is null" if value is None else "= %s"
