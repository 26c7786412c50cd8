"""
Growing tables anew from history, beside the old ones, and swapping them in.

While the new tables grow in a schema of their own, the old ones are read and followed as ever.
They are compared at one position; the swap is one transaction, for which writers wait, and
readers only as long as it takes to rename tables.
"""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import islice
from threading import Event
from typing import Any, TypeAlias

import psycopg

from projections.kit.copying import Connection
from projections.kit.ddl import SCHEMA, Stored, every_table
from projections.kit.digest import digest
from projections.kit.postgres import PostgresTables
from projections.kit.table import Projection, Tables
from projections.kit.writer import TableWriter
from replay.store.history import History
from replay.tables.bulk import BulkFeed
from replay.tables.differences import differences
from replay.tables.feed import Feed, Stopped, blames_the_fact

Progress: TypeAlias = Callable[[int, int], None]  # position, and the position to come to

log = logging.getLogger("wattledger.rebuild")

BATCH = 5000  # facts to a transaction
ATTEMPTS = 20  # to get all locks of a swap at once, while readers come and go
TOLD = 5  # differences that are told of one table


class RebuildRunning(Exception):
    """Another rebuild of these tables is at work; there can be one."""


@dataclass(frozen=True, slots=True)
class RebuiltTable:
    """
    What became of one projection.

    `digest` is of the new table where the old one stood; `equal` says whether they were the
    same there, None if there was nothing to compare, `differences` the first that were found.
    """

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
class RebuildReport:
    """What a rebuild did: facts read, seconds that reading and folding took, each table."""

    tables: tuple[RebuiltTable, ...]
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
    retired: Iterable[str] = (),
    schema: str = SCHEMA,
    stop: Event | None = None,
) -> RebuildReport:
    """
    Grow tables from position 0, compare them with those that are there, and swap them in.

    With `swap` false they are only compared.  `retired` are tables to drop in the same swap.
    Tables of the same version that differ are told of, and swapped in all the same: history is
    what is true.  Raises RebuildRunning, Stopped when `stop` is set, ValueError for a name that
    is no projection's, and what a lost database raises; then nothing changed.
    """
    every = {projection.name: projection for projection in projections}
    wanted = list(every) if names is None else list(dict.fromkeys(names))
    if unknown := [name for name in wanted if name not in every]:
        raise ValueError(f"no projection is called {', '.join(unknown)}")
    with _connection(database_url) as db, _patient_collector():
        chosen = [every[name] for name in wanted]
        work = _Rebuild(history, db, chosen, schema, tuple(retired), progress, stop)
        return work.rebuild(database_url, swap=swap)


class _Rebuild:
    """One rebuild: the old tables in `schema`, the new ones in the schema beside it."""

    def __init__(
        self,
        history: History,
        db: Connection,
        projections: Sequence[Projection[Any]],
        schema: str,
        retired: tuple[str, ...],
        progress: Progress | None,
        stop: Event | None,
    ) -> None:
        self.history, self.db, self.projections = history, db, projections
        self.schema, self.beside, self.retired = schema, f"{schema}_next", retired
        self.progress, self.stop = progress, stop or Event()
        self.feed = Feed(db, projections, self.beside, history.of)
        self.new = PostgresTables(db, projections, schema=self.beside)
        self.facts, self.seconds = 0, 0.0

    def rebuild(self, url: str, *, swap: bool) -> RebuildReport:
        self._lock()
        with self._announced():
            grown = self._compared(url)
            if swap:
                self._analyze()
                self._grow(self.history.head())  # what came meanwhile
            grown = [self._counted(one) for one in grown]
            if swap:
                self._swap()
            self._drop()
        return RebuildReport(tuple(grown), self.facts, self.seconds, swap)

    def _compared(self, url: str) -> list[RebuiltTable]:
        with _connection(url) as before, before.transaction():
            before.execute("set transaction isolation level repeatable read, read only")
            return self._compare(before, url)

    @contextmanager
    def _announced(self) -> Iterator[None]:
        """Say in the database how far this is, for all who wait for it."""
        TableWriter(self.db, [], self.schema).make()
        names = [projection.name for projection in self.projections]
        self.db.execute(f'delete from "{self.schema}".rebuilding'.encode())
        self.db.execute(
            f'insert into "{self.schema}".rebuilding select unnest(%s::text[]), 0, %s'.encode(),
            (names, self.history.head()),
        )
        try:
            yield
        finally:
            with suppress(psycopg.Error):
                self.db.execute(f'delete from "{self.schema}".rebuilding'.encode())

    def _lock(self) -> None:
        for _ in range(ATTEMPTS):
            if self.feed.writer.lock():
                return
            time.sleep(0.1)  # a connection just closed may hold it a moment longer
        raise RebuildRunning(RebuildRunning.__doc__)

    def _compare(self, before: Connection, url: str) -> list[RebuiltTable]:
        """Grow to where the old tables stand, and say how they differ there."""
        old = PostgresTables(before, self.projections, schema=self.schema)
        was = self._before(before)
        alike = {
            p.name: was[p.name][2]
            for p in self.projections
            if p.name in was and was[p.name][:2] == (p.version, self._stored(p).shape)
        }
        position = max(alike.values(), default=0) or self.history.head()
        self._fill(url, position)
        return [
            self._report(
                p,
                was[p.name][0] if p.name in was else None,
                old if alike.get(p.name) == position else None,
            )
            for p in self.projections
        ]

    def _report(
        self, projection: Projection[Any], was: int | None, old: Tables | None
    ) -> RebuiltTable:
        mine = digest(self.new, projection)
        equal = None if old is None else digest(old, projection) == mine
        told: tuple[str, ...] = ()
        if old is not None and not equal:
            told = tuple(islice(differences(old, self.new, projection), TOLD))
            log.warning("%s was not what history says: %s", projection.name, "; ".join(told))
        return RebuiltTable(
            projection.name, projection.version, was, 0, 0, 0, 0, mine, equal, told
        )  # fmt: skip

    def _counted(self, grown: RebuiltTable) -> RebuiltTable:
        """The same, with the rows, changes and parked facts that there are now."""
        stored = self.feed.writer.stored[grown.projection]
        query = f"select (select count(*) from {stored.table}), count(*) from {stored.past}"
        found = self.db.execute(query.encode()).fetchone()
        assert found is not None
        parked = sum(one.projection == grown.projection for one in self.feed.writer.parked())
        return replace(
            grown, position=self.feed.position, rows=found[0], changes=found[1], parked=parked
        )

    def _before(self, db: Connection) -> dict[str, tuple[int, str, int]]:
        """Version, columns and position of the tables that are there."""
        if db.execute("select to_regclass(%s)", (f"{self.schema}.progress",)).fetchone() == (
            None,
        ):
            return {}
        query = f'select projection, version, shape, position from "{self.schema}".progress'
        return {name: (v, shape, at) for name, v, shape, at in db.execute(query.encode())}

    def _fill(self, url: str, until: int) -> None:
        """Fill them in one go, or fact by fact if the database refuses any of it."""
        self._drop()
        begun = time.perf_counter()
        try:
            with self._bulk_feed(url) as feed:
                self._follow(feed, until)
                feed.settle()
        except Exception as wrong:
            if not blames_the_fact(wrong):
                raise
            log.warning("a fact is not what Postgres can keep, so all are tried: %s", wrong)
            self._drop()
            self.feed.writer.make()
            self.facts = 0
        self.seconds += time.perf_counter() - begun
        self.feed.load()

    def _grow(self, until: int) -> None:
        begun = time.perf_counter()
        self._follow(self.feed, until)
        self.seconds += time.perf_counter() - begun

    def _bulk_feed(self, url: str) -> BulkFeed:
        return BulkFeed(self.db, url, self.projections, self.beside, self.history.of)

    def _follow(self, feed: Feed, until: int) -> None:
        if not feed.cursors:
            return  # there is only something to drop
        pages = self.history.pages(feed.position, until=until, batch=BATCH, unreadable=True)
        for page in pages:
            feed.fold(page)
            self.facts += len(page)
            self._tell(feed.position, until)

    def _tell(self, position: int, until: int) -> None:
        if self.stop.is_set():
            raise Stopped(Stopped.__doc__)
        told = f'update "{self.schema}".rebuilding set position = %s, goal = %s'
        self.db.execute(told.encode(), (position, until))
        if self.progress is not None:
            self.progress(position, until)

    def _analyze(self) -> None:
        for projection in self.projections:
            stored = self._stored(projection, self.beside)
            self.db.execute(f"analyze {stored.table}, {stored.past}".encode())

    def _swap(self) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self.db.transaction():
                    self._take_place()
                return
            except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
                self.feed.load()
                if attempt == ATTEMPTS:
                    raise
                time.sleep(0.02 * attempt)
                self._grow(self.history.head())

    def _take_place(self) -> None:
        """Swap, in a transaction: the follower waits until its end."""
        self.db.execute("set local lock_timeout = '1s'")
        names = [projection.name for projection in self.projections]
        TableWriter(self.db, [], self.schema).hold([*names, *self.retired])
        self._grow(self.history.head())
        there = self._before(self.db)
        if old := [self._stored(p) for p in self.projections if p.name in there]:
            tables = every_table(old)
            self.db.execute(f"lock table {tables} in access exclusive mode".encode())
            self.db.execute(f"drop table {tables}".encode())
        self._retire()
        for projection in self.projections:
            new = self._stored(projection, self.beside)
            for table in (new.table, new.past):
                self.db.execute(f'alter table {table} set schema "{self.schema}"'.encode())
        self._take_over(names)

    def _retire(self) -> None:
        """Drop the tables that no projection has any more."""
        for name in self.retired:
            for table in (name, f"{name}_past"):
                self.db.execute(f'drop table if exists "{self.schema}"."{table}"'.encode())
        for table in ("parked", "progress"):
            gone = f'delete from "{self.schema}".{table} where projection = any(%s)'
            self.db.execute(gone.encode(), ([*self.retired],))

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

    def _stored(self, projection: Projection[Any], schema: str | None = None) -> Stored:
        return Stored(schema or self.schema, projection)

    def _drop(self) -> None:
        self.db.execute(f'drop schema if exists "{self.beside}" cascade'.encode())


@contextmanager
def _patient_collector() -> Iterator[None]:
    """Look for garbage less often: the rows in memory are many, and none of them is any."""
    before = gc.get_threshold()
    gc.set_threshold(50_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def _connection(url: str) -> Iterator[Connection]:
    with psycopg.connect(url, autocommit=True, application_name="wattledger rebuild") as db:
        db.execute("set synchronous_commit = off")
        yield db
