"""
The follower: reads history once and feeds every projection, exactly once, whatever dies.

A page of facts is folded in one transaction together with the position it brings the tables to.
There is one follower at a time: it holds a lock over the connection that it writes with, so
that one which lost its connection cannot write.  A commit of the follower does not wait for the
disk: what a crash takes from the tables is folded again from history, which does wait.

Policies, which answer facts with commands, will be followed likewise, with positions of their
own; they are not read models, and a rebuild never runs them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any, TypeAlias

import psycopg

from domain.kit import Fact
from projections.kit.copying import Connection
from projections.kit.ddl import SCHEMA
from projections.kit.table import Projection
from projections.kit.versions import Versions, versions
from projections.kit.writer import Parked, TableOutdated, TablesMoved, TableWriter
from replay.store.append import Unavailable
from replay.store.history import History
from replay.tables.feed import Cursor, Feed

log = logging.getLogger("wattledger.follow")

Progress: TypeAlias = Callable[[int, int], None]  # position, and the position to come to

BATCH = 5000  # facts to a transaction
PATIENCE = 0.5  # seconds after which who waits looks whether it is told to stop
WAITS = (0.1, 0.3, 1.0, 3.0)  # seconds between attempts while the database is away


class Follower:
    """Keeps the tables of projections up with history.  `run` it in a thread of its own."""

    def __init__(
        self,
        history: History,
        database_url: str,
        projections: Iterable[Projection[Any]],
        *,
        schema: str = SCHEMA,
        batch: int = BATCH,
    ) -> None:
        self._history, self._url = history, database_url
        self._projections = tuple(projections)
        self._schema, self._batch = schema, batch

    def run(self, stop: Event) -> None:
        """
        Follow until told to stop, through every loss of the database.

        Tables of another version are left to whoever rebuilds them, and followed once they are
        swapped in.  Raises TablesAreNewer where they are of a newer release, HistoryBroken
        where history is not whole: neither heals by itself.
        """
        lost = 0
        while not stop.is_set():
            try:
                with self._feed(stop, self._begun) as feed:
                    while feed is not None and not stop.is_set():
                        self._step(feed, stop)
                        lost = 0
                        if self._swapped(feed):
                            break
            except TableOutdated as swapped:
                log.info("%s", swapped)
            except (psycopg.OperationalError, psycopg.InterfaceError, Unavailable) as away:
                log.warning("the follower lost the database and tries again: %s", away)
                stop.wait(WAITS[min(lost, len(WAITS) - 1)])
                lost += 1

    def _step(self, feed: Feed, stop: Event) -> None:
        if feed.cursors:
            self._follow(feed, None, None, stop)
            self._history.wait(feed.position + 1, PATIENCE)
        else:
            stop.wait(PATIENCE)

    def _swapped(self, feed: Feed) -> bool:
        """Whether there are tables to follow now that are not followed yet."""
        if len(feed.cursors) == len(self._projections):
            return False
        return not versions(feed.db, self._projections, self._schema).current <= {*feed.cursors}

    def begin(self) -> Versions:
        """
        Make the tables of a utility that has none and in which little has happened yet.

        All other tables that are missing, or of another version, are to be rebuilt: they are
        told of.  Raises TablesAreNewer.
        """
        with self._connection() as db:
            self._begun(db)
            return versions(db, self._projections, self._schema)

    def _begun(self, db: Connection) -> list[Projection[Any]]:
        """What can be followed, its tables made."""
        found = versions(db, self._projections, self._schema)
        new = not found.current and not found.changed and self._history.head() <= BATCH
        wanted = [p for p in self._projections if new or p.name in found.current]
        TableWriter(db, wanted, self._schema).make()
        return wanted

    def _all(self, db: Connection) -> list[Projection[Any]]:
        TableWriter(db, self._projections, self._schema).make()
        return [*self._projections]

    def catch_up(self, until: int | None = None, progress: Progress | None = None) -> int:
        """
        Fold what is not folded yet, up to a position or all there is; the position reached.

        Waits while another follower is at work.  Raises TableOutdated, and what a lost
        database raises.
        """
        never = Event()
        with self._feed(never, self._all) as feed:
            assert feed is not None
            return self._follow(feed, until, progress, never)

    def resume(self, names: Iterable[str] | None = None) -> list[Parked]:
        """
        Fold what was parked, as if it had never been; what is still parked after that.

        The table is taken back to before the first parked fact and everything since is folded
        again in its order, in one transaction: readers see the old rows until the new are
        there, and a row that several streams touch becomes what a rebuild would make of it.
        Tables that are to be rebuilt are left out: a rebuild folds everything again.
        """
        with self._connection() as db:
            feed = Feed(db, self._begun(db), self._schema, self._history.of)
            wanted = feed.cursors if names is None else set(names)
            for name in dict.fromkeys(one.projection for one in feed.writer.parked()):
                if name in feed.cursors and name in wanted:
                    self._resume(feed, feed.cursors[name])
            return [one for one in feed.writer.parked() if one.projection in wanted]

    def parked(self) -> list[Parked]:
        """The facts that are not folded, by projection and position."""
        with self._connection() as db:
            writer = TableWriter(db, self._projections, self._schema)
            return [one for one in writer.parked() if one.projection in writer.stored]

    def _resume(self, feed: Feed, cursor: Cursor) -> None:
        with feed.db.transaction():
            feed.writer.hold([cursor.name])
            at = feed.writer.positions()[cursor.name]
            first = min(p.position for p in feed.writer.parked() if p.projection == cursor.name)
            feed.writer.rewind(cursor.name, first - 1)
            feed.writer.set_position(cursor.name, at.position)
            cursor.start_at(at._replace(position=first - 1))
            for page in self._pages(first - 1, at.position):
                feed.again(cursor, page)

    def _follow(
        self, feed: Feed, until: int | None, progress: Progress | None, stop: Event
    ) -> int:
        goal = self._history.head() if until is None else until
        while feed.position < goal and not stop.is_set():
            try:
                for page in self._pages(feed.position, goal):
                    feed.fold(page)
                    if progress is not None:
                        progress(feed.position, goal)
                    if stop.is_set():
                        break
            except TablesMoved as moved:
                log.info("%s", moved)
                continue
            if feed.position < goal and not stop.is_set():
                break  # history has no more
        return feed.position

    def _pages(self, position: int, until: int) -> Iterator[list[Fact]]:
        return self._history.pages(position, until=until, batch=self._batch, unreadable=True)

    @contextmanager
    def _feed(
        self, stop: Event, made: Callable[[Connection], list[Projection[Any]]]
    ) -> Iterator[Feed | None]:
        """A feed of what was made, which holds the lock; None if told to stop before that."""
        with self._connection() as db:
            writer = TableWriter(db, [], self._schema)
            while not writer.lock():
                if stop.wait(PATIENCE):
                    yield None
                    return
            feed = Feed(db, made(db), self._schema, self._history.of)
            feed.load()
            yield feed

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        with psycopg.connect(
            self._url, autocommit=True, application_name="wattledger follower"
        ) as db:
            db.execute("set synchronous_commit = off")
            yield db
