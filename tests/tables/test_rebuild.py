"""Rebuilding: new tables grow beside the old, are compared, and swapped in unnoticed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from threading import Event, Thread
from typing import Any

import psycopg
import pytest

from domain.kit import Fact
from projections.kit.digest import digest
from projections.kit.postgres import PostgresTables, reading_pool
from projections.kit.table import MemoryTables, Projection, Table
from projections.kit.writer import TableOutdated
from replay.store.append import Append
from replay.store.history import History
from replay.store.migrations import migrate
from replay.tables import bulk
from replay.tables.follow import Follower
from replay.tables.rebuild import RebuildRunning, rebuild
from tests.counters import Renamed, counting, stream
from tests.tallies import TALLIES, Letter, Tally, counts, failing, letters, tallies

Projections = Sequence[Projection[Any]]


@pytest.fixture
def history(database_url: str) -> Iterator[History]:
    migrate(database_url)
    with History(database_url) as opened:
        yield opened


@pytest.fixture
def tables(database_url: str) -> Iterator[PostgresTables]:
    with reading_pool(database_url) as pool:
        yield PostgresTables(pool, TALLIES)


@pytest.fixture
def follower(history: History, database_url: str) -> Follower:
    for n in range(30):
        key = "abc"[n % 3]
        history.append(counting(key, n // 3, n % 5 - 2 or 1))
    follower = Follower(history, database_url, TALLIES, batch=7)
    follower.catch_up()
    return follower


def said(database_url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        cursor = connection.execute(query.encode())
        return cursor.fetchall() if cursor.description else []


def schemas(database_url: str) -> set[str]:
    query = "select nspname from pg_namespace where nspname like 'books%'"
    return {name for (name,) in said(database_url, query)}


def test_tables_grown_anew_are_the_same_and_take_their_place(
    history: History, database_url: str, follower: Follower, tables: PostgresTables
) -> None:
    before = {p.name: digest(tables, p) for p in TALLIES}
    indexes = "select indexname from pg_indexes where schemaname = 'books' order by 1"
    indexed = said(database_url, indexes)
    told: list[tuple[int, int]] = []
    report = rebuild(history, database_url, TALLIES, progress=lambda *at: told.append(at))
    assert told == [(30, 30)]
    assert (report.facts, report.swapped) == (30, True)
    assert report.facts_per_second > 0
    assert {t.projection: t.digest for t in report.tables} == before
    assert [(t.equal, t.was, t.position, t.parked) for t in report.tables] == [
        (True, 1, 30, 0)
    ] * 3
    assert [t.changes for t in report.tables][1:] == [30, 30]
    assert {p.name: digest(tables, p) for p in TALLIES} == before
    assert said(database_url, indexes) == indexed
    assert schemas(database_url) == {"books"}
    history.append(counting("a", 10, 1))
    assert follower.catch_up() == 31
    memory = MemoryTables(TALLIES).fold(history.since())
    assert digest(tables, tallies) == digest(memory, tallies)


def test_a_table_that_lies_is_found_and_mended(
    history: History, database_url: str, follower: Follower, tables: PostgresTables
) -> None:
    true = tables.get(tallies, "a")
    assert true is not None
    said(database_url, "update books.tallies set many = 77 where counter = 'a'")
    said(database_url, "delete from books.counts_past where version = 3 and counter = 'b'")
    only = rebuild(history, database_url, TALLIES, swap=False)
    assert not only.swapped
    assert [t.equal for t in only.tables] == [False, True, False]
    assert only.tables[0].differences == (
        f"tallies 'a': many is 77, its facts say {true.many}",
    )
    missing = "counts ('b', 3) as of position 8: missing; its facts say Count"
    assert only.tables[2].differences[0].startswith(missing)
    assert tables.get(tallies, "a") == Tally("a", 77)
    report = rebuild(history, database_url, TALLIES, names=["tallies"])
    assert [(t.projection, t.equal) for t in report.tables] == [("tallies", False)]
    assert tables.get(tallies, "a") == true
    assert follower.catch_up() == 30


def test_a_new_version_takes_the_place_of_the_old(
    history: History, database_url: str, follower: Follower
) -> None:
    @dataclass(frozen=True, slots=True)
    class Renewed:
        counter: str
        facts: int
        latest: int

    def project(table: Table[str, Renewed], fact: Fact) -> None:
        row = table.get(fact.key) or Renewed(fact.key, 0, 0)
        table[fact.key] = replace(row, facts=row.facts + 1, latest=fact.position)

    assert follower.catch_up() == 30
    renewed = Projection(
        name="tallies",
        version=2,
        row=Renewed,
        key=("counter",),
        events=tallies.events,
        keys=tallies.keys,
        project=project,
        indexes=(("latest",),),
    )
    newer: tuple[Projection[Any], ...] = (renewed, letters, counts)
    with pytest.raises(TableOutdated):
        Follower(history, database_url, newer).catch_up()
    report = rebuild(history, database_url, newer, names=["tallies"])
    assert [(t.version, t.was, t.equal, t.rows) for t in report.tables] == [(2, 1, None, 3)]
    with pytest.raises(TableOutdated):
        follower.catch_up()
    history.append(counting("a", 10, 1))
    assert Follower(history, database_url, newer).catch_up() == 31
    with reading_pool(database_url) as pool:
        assert PostgresTables(pool, newer).get(renewed, "a") == Renewed("a", 11, 31)


class Busy:
    """Who writes, follows and reads while something else is done; what went wrong for them."""

    def __init__(self, history: History, follower: Follower, tables: PostgresTables) -> None:
        self.history, self.follower, self.tables = history, follower, tables
        self.stop, self.done, self.wrong = Event(), Event(), list[BaseException]()
        self.reads = 0

    def __enter__(self) -> Busy:
        works = [
            lambda: self.follower.run(self.stop),
            self.write,
            self.read,
            self.read_snapshots,
        ]
        self.threads = [Thread(target=self.guard, args=(work,)) for work in works]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.done.set()
        for thread in self.threads[1:]:
            thread.join()
        assert self.tables.wait_for(self.history.head(), timeout=10)
        self.stop.set()
        self.threads[0].join()

    def guard(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as raised:
            self.wrong.append(raised)

    def write(self) -> None:
        version = 10
        while not self.done.is_set():
            self.history.append(counting("a", version, 1))
            version += 1

    def read(self) -> None:
        seen: tuple[str, ...] = ()
        while not self.done.is_set():
            row = self.tables.get(letters, "a")
            assert row is not None
            assert len(row.counters) >= len(seen)
            seen = row.counters
            assert self.tables.find(counts, descending=True, limit=1)

    def read_snapshots(self) -> None:
        seen = 0
        while not self.done.is_set():
            with self.tables.snapshot() as snapshot:
                position = snapshot.position
                assert position >= seen
                seen = position
                row = snapshot.get(letters, "a")
                assert row is not None
                assert snapshot.get(letters, "a", known_at=position) == row
                self.reads += 1


def test_a_rebuild_beside_a_busy_follower_is_not_noticed(
    history: History, database_url: str, tables: PostgresTables, follower: Follower
) -> None:
    with Busy(history, follower, tables) as busy:
        for _ in range(5):
            report = rebuild(history, database_url, TALLIES)
            assert [t.equal for t in report.tables] == [True] * 3
    assert not busy.wrong
    assert busy.reads > 5
    memory = MemoryTables(TALLIES).fold(history.since())
    for projection in TALLIES:
        assert digest(tables, projection) == digest(memory, projection)


def test_what_cannot_be_folded_is_parked_in_the_new_tables_too(
    history: History, database_url: str, follower: Follower, tables: PostgresTables
) -> None:
    assert follower.catch_up() == 30
    broken, fold = failing(letters, 28)
    projections = [tallies, broken, counts]
    report = rebuild(history, database_url, projections, names=["letters"])
    assert [(t.parked, t.equal) for t in report.tables] == [(1, False)]
    mended = Follower(history, database_url, projections)
    assert [p.position for p in mended.parked()] == [28]
    fold.at.clear()
    assert mended.resume() == []
    memory = MemoryTables(TALLIES).fold(history.since())
    row: Letter | None = tables.get(letters, "a")
    assert row == memory.get(letters, "a")


def test_one_rebuild_at_a_time_and_what_a_dead_one_left_is_cleared(
    history: History, database_url: str, follower: Follower
) -> None:
    assert follower.catch_up() == 30
    said(database_url, "create schema books_next; create table books_next.tallies (a int)")
    lock = "select pg_advisory_lock(hashtextextended('wattledger projections books_next', 0))"
    with psycopg.connect(database_url) as other:
        other.execute(lock.encode())
        with pytest.raises(RebuildRunning):
            rebuild(history, database_url, TALLIES)
    assert all(t.equal for t in rebuild(history, database_url, TALLIES).tables)
    assert schemas(database_url) == {"books"}


def test_the_first_tables_can_be_grown_so_too(
    history: History, database_url: str, tables: PostgresTables
) -> None:
    history.append(counting("a", 0, 1, 2))
    with pytest.raises(ValueError, match="tails"):
        rebuild(history, database_url, TALLIES, names=["tallies", "tails"])
    report = rebuild(history, database_url, TALLIES)
    assert [(t.was, t.equal, t.rows) for t in report.tables] == [
        (None, None, 1),
        (None, None, 1),
        (None, None, 2),
    ]
    assert tables.position == 2
    assert Follower(history, database_url, TALLIES).catch_up() == 2


@pytest.mark.parametrize(("memory", "mask"), [(0, 0), (0, 7), (120, 1), (10**9, 0)])
def test_whatever_fits_in_memory_the_tables_are_the_same(
    history: History, database_url: str, monkeypatch: pytest.MonkeyPatch, memory: int, mask: int
) -> None:
    chance = Random(memory + mask)
    versions = dict.fromkeys(("a", "b", "ab", "ba", "c"), 0)
    for _ in range(60):
        key = chance.choice(list(versions))
        history.append(counting(key, versions[key], chance.choice([-1, -1, 0, 1, 1, 2])))
        versions[key] += 1
    monkeypatch.setattr(bulk, "MEMORY", memory)
    monkeypatch.setattr(bulk, "MASK", mask)
    monkeypatch.setattr("replay.tables.rebuild.BATCH", 4)
    broken, _ = failing(letters, 20)
    projections: Projections = [tallies, counts, broken]
    report = rebuild(history, database_url, projections)
    assert [t.parked > 0 for t in report.tables] == [False, False, True]
    memories = MemoryTables([tallies, counts]).fold(history.since())
    fresh = Follower(history, database_url, projections, schema="other", batch=5)
    assert fresh.catch_up() == 60
    with reading_pool(database_url) as pool:
        grown = PostgresTables(pool, projections)
        for projection in (tallies, counts):
            assert digest(grown, projection) == digest(memories, projection)
        followed = PostgresTables(pool, projections, schema="other")
        assert digest(grown, broken) == digest(followed, broken)


def test_what_the_database_refuses_is_found_and_parked(
    history: History, database_url: str, tables: PostgresTables
) -> None:
    history.append(counting("a", 0, 1, 2, 3))
    renamed = ((stream("b"), Renamed(name="no\0such text")),)
    history.append(Append(renamed, {stream("b"): 0}, "ada", "clerk", "c", "r"))
    history.append(counting("b", 1, 5))
    report = rebuild(history, database_url, TALLIES)
    assert [(t.rows, t.parked) for t in report.tables] == [(1, 2), (2, 0), (4, 0)]
    assert tables.get(tallies, "a") == Tally("a", 6)
    assert tables.get(tallies, "b") is None
