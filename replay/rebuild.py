"""
Growing tables anew from history, beside the old ones, and swapping them in.

While the new tables grow in a schema of their own, the old ones are read and followed as ever.
They are compared at one position; the swap is one transaction, for which writers wait, and
readers only as long as it takes to rename tables.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias, TypeVar

import psycopg

from projections.ddl import SCHEMA, Stored, every_table
from projections.digest import digest
from projections.kit import Projection, Tables, key_values
from projections.postgres import Connection, PostgresTables
from projections.writer import Writer
from replay.feed import Feed
from replay.history import History

T = TypeVar("T")
Progress: TypeAlias = Callable[[int, int], None]  # position, and the position to come to

log = logging.getLogger("wattledger.rebuild")

BATCH = 5000  # facts to a transaction
ATTEMPTS = 20  # to get all locks of a swap at once, while readers come and go
TOLD = 5  # differences that are told of one table


class RebuildRunning(Exception):  # noqa: N818
    """Another rebuild of these tables is at work; there can be one."""


@dataclass(frozen=True, slots=True)
class Regrown:
    """What became of one projection.  `equal` is None where there was nothing to compare."""

    projection: str
    version: int
    was: int | None  # the version before, None where there was none
    position: int
    rows: int
    changes: int
    parked: int
    digest: str
    equal: bool | None
    differences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What a rebuild did: facts read, seconds that reading and folding took, each table."""

    tables: tuple[Regrown, ...]
    facts: int
    seconds: float
    swapped: bool

    @property
    def facts_per_second(self) -> float:
        """How fast history was folded into all the tables together."""
        return self.facts / self.seconds if self.seconds else 0.0


def rebuild(
    history: History,
    database_url: str,
    projections: Iterable[Projection[Any]],
    names: Iterable[str] | None = None,
    progress: Progress | None = None,
    *,
    swap: bool = True,
    schema: str = SCHEMA,
) -> Report:
    """
    Grow tables from position 0, compare them with those that are there, and swap them in.

    With `swap` false they are only compared.  Tables of the same version that differ are told
    of, and swapped in all the same: history is what is true.  Raises RebuildRunning, ValueError
    for a name that is no projection's, and what a lost database raises; then nothing changed.
    """
    every = {projection.name: projection for projection in projections}
    wanted = list(every) if names is None else list(dict.fromkeys(names))
    if unknown := [name for name in wanted if name not in every]:
        raise ValueError(f"no projection is called {', '.join(unknown)}")
    with _connection(database_url) as db:
        chosen = [every[name] for name in wanted]
        growing = _Growing(history, db, chosen, schema, progress)
        return growing.rebuild(database_url, swap=swap)


class _Growing:
    """One rebuild: the old tables in `schema`, the new ones in the schema beside it."""

    def __init__(
        self,
        history: History,
        db: Connection,
        projections: Sequence[Projection[Any]],
        schema: str,
        progress: Progress | None,
    ) -> None:
        self.history, self.db, self.projections = history, db, projections
        self.schema, self.beside, self.progress = schema, f"{schema}_next", progress
        self.feed = Feed(db, projections, self.beside)
        self.new = PostgresTables(db, projections, schema=self.beside)
        self.facts, self.seconds = 0, 0.0

    def rebuild(self, url: str, *, swap: bool) -> Report:
        if not self.feed.writer.lock():
            raise RebuildRunning(RebuildRunning.__doc__)
        self._drop()
        self.feed.writer.make(indexes=False)
        self.feed.load()
        with ExitStack() as stack:
            before = stack.enter_context(_connection(url))
            stack.enter_context(before.transaction())
            before.execute("set transaction isolation level repeatable read, read only")
            grown = self._compare(before)
        if swap:
            self._index()
            grown = self._swap(grown)
        self._drop()
        return Report(tuple(grown), self.facts, self.seconds, swap)

    def _compare(self, before: Connection) -> list[Regrown]:
        """Grow to where the old tables stand, and say how they differ there."""
        old = PostgresTables(before, self.projections, schema=self.schema)
        was = self._before(before)
        reports: dict[str, Regrown] = {}
        comparable = {
            p.name: was[p.name][2]
            for p in self.projections
            if p.name in was and was[p.name][:2] == (p.version, self._stored(p).shape)
        }
        head = self.history.head()
        for position in sorted({*comparable.values(), head}):
            self._grow(position)
            for p in self.projections:
                if p.name in reports or comparable.get(p.name, head) != position:
                    continue
                version = was[p.name][0] if p.name in was else None
                there = old if p.name in comparable else None
                reports[p.name] = self._report(p, version, there)
        return [reports[p.name] for p in self.projections]

    def _report(
        self, projection: Projection[Any], was: int | None, old: Tables | None
    ) -> Regrown:
        mine = digest(self.new, projection)
        equal = None if old is None else digest(old, projection) == mine
        told: tuple[str, ...] = ()
        if old is not None and not equal:
            told = tuple(islice(differences(old, self.new, projection), TOLD))
            log.warning("%s was not what history says: %s", projection.name, "; ".join(told))
        return Regrown(projection.name, projection.version, was, 0, 0, 0, 0, mine, equal, told)

    def _before(self, db: Connection) -> dict[str, tuple[int, str, int]]:
        """Version, columns and position of the tables that are there."""
        if db.execute("select to_regclass(%s)", (f"{self.schema}.progress",)).fetchone() == (
            None,
        ):
            return {}
        query = f'select projection, version, shape, position from "{self.schema}".progress'
        return {name: (v, shape, at) for name, v, shape, at in db.execute(query.encode())}

    def _grow(self, until: int) -> None:
        begun = time.perf_counter()
        for page in self.history.pages(
            self.feed.position, until=until, batch=BATCH, unreadable=True
        ):
            self.feed.fold(page)
            self.facts += len(page)
            if self.progress is not None:
                self.progress(self.feed.position, until)
        self.seconds += time.perf_counter() - begun

    def _index(self) -> None:
        begun = time.perf_counter()
        self.feed.writer.make()
        for projection in self.projections:
            stored = self._stored(projection, self.beside)
            self.db.execute(f"analyze {stored.table}, {stored.past}".encode())
        self.seconds += time.perf_counter() - begun

    def _swap(self, grown: list[Regrown]) -> list[Regrown]:
        Writer(self.db, [], self.schema).make()
        for attempt in range(1, ATTEMPTS + 1):
            self._grow(self.history.head())  # what came meanwhile, while nobody waits
            try:
                with self.db.transaction():
                    return self._swapped(grown)
            except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
                self.feed.load()
                if attempt == ATTEMPTS:
                    raise
                time.sleep(0.02 * attempt)
        raise AssertionError("unreachable")

    def _swapped(self, grown: list[Regrown]) -> list[Regrown]:
        """Swap, in a transaction: the follower stands still from here to its end."""
        self.db.execute("set local lock_timeout = '1s'")
        names = [projection.name for projection in self.projections]
        Writer(self.db, [], self.schema).hold(names)
        self._grow(self.history.head())
        stands, counts = self.feed.writer.stands(), self._counts()
        there = self._before(self.db)
        if old := [self._stored(p) for p in self.projections if p.name in there]:
            tables = every_table(old)
            self.db.execute(f"lock table {tables} in access exclusive mode".encode())
            self.db.execute(f"drop table {tables}".encode())
        for projection in self.projections:
            new = self._stored(projection, self.beside)
            for table in (new.table, new.past):
                self.db.execute(f'alter table {table} set schema "{self.schema}"'.encode())
        self._take_over(names)
        return [
            Regrown(
                g.projection, g.version, g.was, stands[g.projection].position,
                *counts[g.projection], g.digest, g.equal, g.differences,
            )
            for g in grown
        ]  # fmt: skip

    def _take_over(self, names: list[str]) -> None:
        mine = "where projection = any(%s)"
        for statement in (
            'delete from "{old}".parked {mine}',
            'insert into "{old}".parked select * from "{new}".parked {mine}',
            'insert into "{old}".progress select projection, version, shape, position, 1'
            ' from "{new}".progress {mine} on conflict (projection)'
            " do update set version = excluded.version, shape = excluded.shape,"
            " position = excluded.position, growth = progress.growth + 1",
        ):
            told = statement.format(old=self.schema, new=self.beside, mine=mine)
            self.db.execute(told.encode(), (names,))

    def _counts(self) -> dict[str, tuple[int, int, int]]:
        """Rows, changes and parked facts of each new table."""
        parked = [one.projection for one in self.feed.writer.parked()]
        counts: dict[str, tuple[int, int, int]] = {}
        for projection in self.projections:
            stored = self._stored(projection, self.beside)
            query = f"select (select count(*) from {stored.table}), count(*) from {stored.past}"
            found = self.db.execute(query.encode()).fetchone()
            assert found is not None
            counts[projection.name] = found[0], found[1], parked.count(projection.name)
        return counts

    def _stored(self, projection: Projection[Any], schema: str | None = None) -> Stored:
        return Stored(schema or self.schema, projection)

    def _drop(self) -> None:
        self.db.execute(f'drop schema if exists "{self.beside}" cascade'.encode())


def differences(was: Tables, now: Tables, projection: Projection[Any]) -> Iterator[str]:
    """What is not the same in two tables and their pasts, a sentence each, by key."""

    def by_key(row: Any) -> Any:
        return key_values(projection, projection.key_of(row))

    def by_change(change: tuple[int, Any, Any]) -> Any:
        return key_values(projection, change[1]), change[0]

    for a, b in _paired(was.rows(projection), now.rows(projection), by_key):
        if a != b:
            yield f"row {projection.key_of(a or b)!r} was {a}, is {b}"
    for c, d in _paired(was.changes(projection), now.changes(projection), by_change):
        if c != d:
            position, key, _ = c or d or (0, None, None)
            old, new = ((one and one[2]) or "nothing" for one in (c, d))
            yield f"change of {key!r} at {position} was {old}, is {new}"


def _paired(
    left: Iterator[T], right: Iterator[T], rank: Callable[[T], Any]
) -> Iterator[tuple[T | None, T | None]]:
    """What stands at the same rank in two ascending runs, None where one has nothing."""
    a, b = next(left, None), next(right, None)
    while a is not None or b is not None:
        if b is None or (a is not None and rank(a) < rank(b)):
            yield a, None
            a = next(left, None)
        elif a is None or rank(b) < rank(a):
            yield None, b
            b = next(right, None)
        else:
            yield a, b
            a, b = next(left, None), next(right, None)


@contextmanager
def _connection(url: str) -> Iterator[Connection]:
    with psycopg.connect(url, autocommit=True, application_name="wattledger rebuild") as db:
        db.execute("set synchronous_commit = off")
        yield db
