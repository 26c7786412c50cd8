"""Projected tables in Postgres, written: rows fetched in bulk, changes written in bulk."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from projections.kit.columns import lines, read
from projections.kit.copying import Connection
from projections.kit.ddl import SCHEMA, Stored, meta, quoted
from projections.kit.table import Change, Projection, key_values, tombstone


class TableOutdated(Exception):
    """The tables were made for another version of a projection: `wattledger rebuild` them."""


class TablesMoved(Exception):
    """The tables moved under their writer, as when a rebuild swaps in new ones."""


class TablePosition(NamedTuple):
    """How far a projection is folded, and how often it was grown anew or repaired."""

    position: int
    growth: int


class Parked(NamedTuple):
    """A fact that a projection has laid aside, and why; nothing of it is in the table."""

    projection: str
    stream: str
    position: int
    error: str


class TableWriter:
    """
    Writes the tables of projections over one connection.  Transactions are the caller's.

    Whoever writes holds the lock of the schema (`lock`): there is one writer at a time.
    """

    def __init__(
        self, db: Connection, projections: Iterable[Projection[Any]], schema: str = SCHEMA
    ) -> None:
        self.db, self.schema = db, schema
        self.stored = {one.name: Stored(schema, one) for one in projections}

    def lock(self) -> bool:
        """Take the lock of the schema for as long as the connection lives; False if taken."""
        asked = b"select pg_try_advisory_lock(hashtextextended(%s, 0))"
        found = self.db.execute(asked, (f"wattledger projections {self.schema}",)).fetchone()
        return bool(found and found[0])

    def make(self, *, bare: bool = False) -> None:
        """
        Create what is not there, from position 0 on; `bare` without keys and indexes.

        Raises TableOutdated.
        """
        with self.db.transaction():
            self._run("select pg_advisory_xact_lock(hashtextextended('wattledger tables', 0))")
            self._run(meta(self.schema))
            self.positions()
            query = b"select relname from pg_class where relnamespace = %s::regnamespace"
            found = {name for (name,) in self.db.execute(query, (self.schema,)).fetchall()}
            for stored in self.stored.values():
                wanted = [*stored.tables()]
                if not bare:
                    wanted += [*stored.keys(), *stored.indexes()]
                for name, statement in wanted:
                    if name not in found:
                        self._run(statement)
                self._run(
                    f'insert into "{self.schema}".progress values (%s, %s, %s, 0, 0)'
                    " on conflict do nothing",
                    (stored.projection.name, stored.projection.version, stored.shape),
                )

    def positions(self) -> dict[str, TablePosition]:
        """How far each projection is folded.  Raises TableOutdated."""
        query = (
            "select projection, version, shape, position, growth"
            f' from "{self.schema}".progress where projection = any(%s)'
        )
        found = self.db.execute(query.encode(), (list(self.stored),)).fetchall()
        stale: list[str] = []
        for name, version, shape, _, _ in found:
            asked = self.stored[name]
            if (version, shape) != (asked.projection.version, asked.shape):
                other = " with other columns" if shape != asked.shape else ""
                told = f"{name} is at version {version}, asked is {asked.projection.version}"
                stale.append(told + other)
        if stale:
            raise TableOutdated(f"{'; '.join(stale)}: run `wattledger rebuild`")
        return {name: TablePosition(position, growth) for name, _, _, position, growth in found}

    def fetch(self, name: str, keys: Collection[Any]) -> dict[Any, Any]:
        """The rows that are there, of those keys (one or more)."""
        stored = self.stored[name]
        projection = stored.projection
        arrays, values = _arrays(stored, keys)
        names = quoted(*projection.key)
        query = (
            f"select {stored.listed()} from unnest({arrays}) as k({names})"
            f" join {stored.table} v using ({names})"
        )
        make = read(projection.row)
        with self.db.cursor(binary=True) as cursor:
            rows = [make(row) for row in cursor.execute(query.encode(), values)]
        return {projection.key_of(row): row for row in rows}

    def write(self, name: str, changes: Sequence[Change]) -> None:
        """Write changes in their order: each to the past, the last of each row to the table."""
        stored = self.stored[name]
        existed: dict[Any, bool] = {}
        now: dict[Any, str | None] = {}
        past: list[str] = []
        told = iter(
            lines(stored.projection.row)([row for *_, row in changes if row is not None])
        )
        for position, key, before, row in changes:
            existed.setdefault(key, before is not None)
            if row is None:
                now[key] = None
                past.append(f"{position}\t{tombstone(stored.projection, key)}\tt\n")
            else:
                now[key] = text = next(told)
                past.append(f"{position}\t{text}\tf\n")
        self._copy(stored.past, past)
        there = [(key, text) for key, text in now.items() if text is not None]
        self.put(
            name,
            fresh=[f"{text}\n" for key, text in there if not existed[key]],
            moved=[f"{text}\n" for key, text in there if existed[key]],
            gone=[key for key, text in now.items() if text is None and existed[key]],
        )

    def put(self, name: str, *, fresh: list[str], moved: list[str], gone: list[Any]) -> None:
        """Write lines of rows new to the table and of rows that were in it; remove some."""
        stored = self.stored[name]
        self._copy(stored.table, fresh)
        self._replace(stored, moved)
        self._remove(stored, gone)

    def hold(self, names: Iterable[str]) -> None:
        """Keep all others from writing these projections until the transaction ends."""
        query = f'select from "{self.schema}".progress where projection = any(%s) for update'
        self._run(query, (sorted(names),))

    def advance(self, were: Mapping[str, TablePosition], position: int) -> None:
        """
        Move projections from where they are to a position; the first thing in a transaction.

        It holds them until the end of it, so that nobody else can write.  Raises TablesMoved.
        """
        query = (
            f'update "{self.schema}".progress p set position = %s from'
            " unnest(%s::text[], %s::bigint[], %s::bigint[], %s::int[])"
            " m(name, was, growth, version) where p.projection = m.name"
            " and p.position = m.was and p.growth = m.growth and p.version = m.version"
        )
        told = (
            position,
            list(were),
            [at.position for at in were.values()],
            [at.growth for at in were.values()],
            [self.stored[name].projection.version for name in were],
        )
        if self.db.execute(query.encode(), told).rowcount != len(were):
            raise TablesMoved("somebody else moved the projections; they are read again")

    def park(self, name: str, stream: str, position: int, error: str) -> None:
        """Lay a fact aside that could not be folded, or that came behind one."""
        query = (
            f'insert into "{self.schema}".parked values (%s, %s, %s, %s) on conflict do nothing'
        )
        self.db.execute(query.encode(), (name, stream, position, error.replace("\0", "\\0")))

    def forget(self, name: str, stream: str, keys: Collection[Any]) -> None:
        """Remove rows with all their past, and what was said of a stream that is parked."""
        stored = self.stored[name]
        arrays, values = _arrays(stored, keys)
        for table in (stored.table, stored.past) if keys else ():
            self._run(
                f"delete from {table} v using unnest({arrays})"
                f" n({quoted(*stored.projection.key)}) where {_same(stored)}",
                values,
            )
        query = (
            f"update \"{self.schema}\".parked set error = 'about somebody who was erased'"
            " where projection = %s and stream = %s"
        )
        self.db.execute(query.encode(), (name, stream))

    def parked(self) -> list[Parked]:
        """What is laid aside, by projection and position; nothing before there are tables."""
        laid = f"{self.schema}.parked"
        if self.db.execute("select to_regclass(%s)", (laid,)).fetchone() == (None,):
            return []
        query = (
            f'select projection, stream, position, error from "{self.schema}".parked'
            " order by projection, position"
        )
        return [Parked(*row) for row in self.db.execute(query.encode()).fetchall()]

    def rewind(self, name: str, position: int) -> None:
        """Take the table of a projection back to an earlier position; not its progress."""
        stored = self.stored[name]
        key = quoted(*stored.projection.key)
        names = quoted(*stored.names)
        later = f"select {key} from {stored.past} where known_from > %s"
        self._run(f"delete from {stored.table} where ({key}) in ({later})", (position,))
        self._run(
            f"insert into {stored.table} select {names} from (select distinct on ({key}) *"
            f" from {stored.past} where ({key}) in ({later}) and known_from <= %s"
            f" order by {key}, known_from desc) v where not gone",
            (position, position),
        )
        self._run(f"delete from {stored.past} where known_from > %s", (position,))
        mine = (name, position)
        self._run(
            f'delete from "{self.schema}".parked where projection = %s and position > %s', mine
        )

    def set_position(self, name: str, position: int) -> None:
        """Put a projection at a position, whoever followed it: they are told by TablesMoved."""
        self._run(
            f'update "{self.schema}".progress set position = %s, growth = growth + 1'
            " where projection = %s",
            (position, name),
        )

    def _copy(self, table: str, lines: list[str]) -> None:
        if lines:
            with (
                self.db.cursor() as cursor,
                cursor.copy(f"copy {table} from stdin".encode()) as to,
            ):
                to.write("".join(lines))

    def _replace(self, stored: Stored, lines: list[str]) -> None:
        if not lines:
            return
        name = f'"{stored.projection.name}_now"'
        self._run(
            f"create temp table if not exists {name} (like {stored.table})"
            " on commit delete rows"
        )
        self._copy(f"pg_temp.{name}", lines)
        others = [column.name for column in stored.columns[len(stored.key) :]]
        if others:
            put = ", ".join(f'"{column}" = n."{column}"' for column in others)
            self._run(
                f"update {stored.table} v set {put} from pg_temp.{name} n where {_same(stored)}"
            )
        self._run(f"truncate pg_temp.{name}")

    def _remove(self, stored: Stored, keys: list[Any]) -> None:
        if keys:
            arrays, values = _arrays(stored, keys)
            self._run(
                f"delete from {stored.table} v using unnest({arrays})"
                f" n({quoted(*stored.projection.key)}) where {_same(stored)}",
                values,
            )

    def _run(self, query: str, values: Sequence[Any] | None = None) -> None:
        self.db.execute(query.encode(), values)


def _same(stored: Stored) -> str:
    return " and ".join(f'v."{column.name}" = n."{column.name}"' for column in stored.key)


def _arrays(stored: Stored, keys: Collection[Any]) -> tuple[str, tuple[list[Any], ...]]:
    """Keys as one array a column, and how SQL casts them."""
    rows = [key_values(stored.projection, key) for key in keys]
    casts = ", ".join(f"%s::{column.sql}[]" for column in stored.key)
    return casts, tuple(list(column) for column in zip(*rows, strict=True))
