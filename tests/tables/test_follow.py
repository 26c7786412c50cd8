"""The follower: every fact in every table once, and what cannot be folded is laid aside."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from threading import Event, Thread
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections.kit.digest import digest
from projections.kit.postgres import PostgresTables, reading_pool
from projections.kit.table import MemoryTables, Projection
from projections.kit.versions import TablesAreNewer
from projections.kit.writer import TableOutdated
from replay.store.append import Append, Unreadable
from replay.store.history import History
from replay.store.migrations import migrate
from replay.tables.follow import Follower
from tests.counters import Renamed, counting, stream
from tests.tallies import TALLIES, Count, Letter, Tally, counts, failing, letters, tallies

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


def count(history: History, key: str, *many: int) -> None:
    history.append(counting(key, len(history.of(stream(key))), *many))


def rename(history: History, key: str, name: str) -> None:
    seen = {stream(key): len(history.of(stream(key)))}
    renamed = ((stream(key), Renamed(name=name)),)
    history.append(Append(renamed, seen, "ada", "clerk", "c", "r"))


def altered(database_url: str, statement: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(statement.encode())


def same_as_memory(history: History, tables: PostgresTables, projections: Projections) -> None:
    memory = MemoryTables(projections).fold(history.since())
    assert tables.position == memory.position
    for projection in projections:
        assert digest(tables, projection) == digest(memory, projection)


@contextmanager
def following(follower: Follower) -> Iterator[list[BaseException]]:
    """A follower that runs in a thread; what it raised, if anything."""
    stop, raised = Event(), list[BaseException]()

    def run() -> None:
        try:
            follower.run(stop)
        except BaseException as wrong:
            raised.append(wrong)

    thread = Thread(target=run)
    thread.start()
    try:
        yield raised
    finally:
        stop.set()
        thread.join()


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    counted=st.lists(st.tuples(st.sampled_from("abAB"), st.integers(-1, 1)), max_size=25),
    stops=st.lists(st.integers(1, 30), max_size=3),
    batch=st.integers(1, 10),
)
def test_whatever_the_batches_the_tables_are_the_same(
    database_url: str, counted: list[tuple[str, int]], stops: list[int], batch: int
) -> None:
    altered(database_url, "drop schema if exists books cascade")
    altered(database_url, "drop schema if exists history cascade")
    migrate(database_url)
    with History(database_url) as history, reading_pool(database_url) as pool:
        tables = PostgresTables(pool, TALLIES)
        for key, many in counted:
            count(history, key, many)
        follower = Follower(history, database_url, TALLIES, batch=batch)
        for stop in sorted(stops):
            assert follower.catch_up(until=stop) == min(stop, len(counted))
        assert follower.catch_up() == len(counted)
        same_as_memory(history, tables, TALLIES)


def test_it_tells_how_far_it_is(
    history: History, database_url: str, tables: PostgresTables
) -> None:
    count(history, "a", *range(1, 8))
    told: list[tuple[int, int]] = []
    follower = Follower(history, database_url, TALLIES, batch=3)
    follower.catch_up(progress=lambda *at: told.append(at))
    assert told == [(3, 7), (6, 7), (7, 7)]
    assert tables.get(tallies, "a") == Tally("a", 28)


def test_a_new_projection_catches_up_and_the_others_do_not_move(
    history: History, database_url: str, tables: PostgresTables
) -> None:
    count(history, "a", 1, 2)
    Follower(history, database_url, [tallies]).catch_up()
    assert tables.position == 0  # two of the three are not there
    count(history, "b", 3)
    Follower(history, database_url, TALLIES, batch=1).catch_up()
    same_as_memory(history, tables, TALLIES)


def test_readers_wait_for_what_is_being_folded(
    history: History, database_url: str, tables: PostgresTables
) -> None:
    with following(Follower(history, database_url, TALLIES)) as raised:
        for n in range(1, 20):
            count(history, "a", 1)
            assert tables.wait_for(n, timeout=10)
            assert tables.get(tallies, "a") == Tally("a", n)
        assert not tables.wait_for(20, timeout=0.02)
    assert not raised


def test_what_cannot_be_folded_is_parked_and_the_others_go_on(
    history: History,
    database_url: str,
    tables: PostgresTables,
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken, fold = failing(letters, 2)
    projections = [tallies, broken, counts]
    for key in ("ax", "ay", "ax", "ay", "b", "ax"):
        count(history, key, 1)
    follower = Follower(history, database_url, projections, batch=2)
    with caplog.at_level(logging.ERROR, "wattledger.follow"):
        assert follower.catch_up() == 6
    assert "letters cannot fold position 2: test-ay is parked" in caplog.text
    assert [(p.projection, p.stream, p.position) for p in follower.parked()] == [
        ("letters", "test-ay", 2),
        ("letters", "test-ay", 4),
    ]
    assert [p.error for p in follower.parked()] == [
        "ArithmeticError: this fold is broken",
        "comes behind position 2 of its stream",
    ]
    assert tables.get(broken, "a") == Letter("a", ("ax1", "ax3", "ax6"))
    assert tables.get(tallies, "ay") == Tally("ay", 2)

    count(history, "ay", 1)  # a follower that comes later knows what is parked
    Follower(history, database_url, projections).catch_up()
    assert len(follower.parked()) == 3

    fold.at = {4}
    assert [p.position for p in follower.resume()] == [4, 7]
    fold.at = set()
    assert follower.resume(["tallies"]) == []
    assert len(follower.parked()) == 2
    assert follower.resume() == []
    same_as_memory(history, tables, projections)
    assert tables.get(broken, "a") == Letter("a", ("ax1", "ay2", "ax3", "ay4", "ax6", "ay7"))
    assert tables.get(broken, "a", known_at=3) == Letter("a", ("ax1", "ay2", "ax3"))


def test_what_the_database_refuses_is_parked_too(
    history: History, database_url: str, tables: PostgresTables
) -> None:
    for n in range(5):
        count(history, "a", n)
    rename(history, "a", "no\0such text")
    count(history, "b", 2**62, 2**62)
    count(history, "a", 1)
    count(history, "c", 1)
    follower = Follower(history, database_url, TALLIES)
    assert follower.catch_up() == 10
    mine = [p for p in follower.parked() if p.projection == "tallies"]
    assert [(p.stream, p.position) for p in mine] == [
        ("test-a", 6),
        ("test-b", 8),
        ("test-a", 9),
    ]
    assert tables.get(tallies, "a") == Tally("a", 10)
    assert tables.get(tallies, "b") == Tally("b", 2**62)
    assert tables.get(tallies, "c") == Tally("c", 1)
    assert len(follower.parked()) == len(mine)
    assert tables.find(counts)[-1] == Count("c", 1, 1)


def test_what_nobody_can_read_parks_its_stream_until_somebody_can(
    history: History, database_url: str, tables: PostgresTables
) -> None:
    for key in ("a", "b", "a", "b"):
        count(history, key, 1)
    altered(
        database_url, "update history.events set topic = 'test.lost' where notification_id = 1"
    )
    with pytest.raises(Unreadable):
        list(history.since())
    follower = Follower(history, database_url, TALLIES)
    follower.catch_up()
    assert [(p.projection, p.position) for p in follower.parked()] == [
        (name, position) for name in ("counts", "letters", "tallies") for position in (1, 3)
    ]
    assert tables.get(tallies, "b") == Tally("b", 2)
    altered(
        database_url,
        "update history.events set topic = 'test.counted' where notification_id = 1",
    )
    assert follower.resume() == []
    same_as_memory(history, tables, TALLIES)


def test_a_follower_at_work_sees_what_was_resumed_beside_it(
    history: History, database_url: str, tables: PostgresTables
) -> None:
    broken, fold = failing(letters, 1)
    projections = [tallies, broken, counts]
    with following(Follower(history, database_url, projections)) as raised:
        count(history, "a", 1)
        assert tables.wait_for(1, timeout=10)
        fold.at = set()
        assert Follower(history, database_url, projections).resume() == []
        count(history, "a", 1)
        assert tables.wait_for(2, timeout=10)
    assert not raised
    assert tables.get(broken, "a") == Letter("a", ("a1", "a2"))
    same_as_memory(history, tables, projections)


def test_one_follows_and_the_next_waits_for_its_turn(
    history: History, database_url: str, tables: PostgresTables
) -> None:
    second = Follower(history, database_url, TALLIES)
    with following(second) as waiting:
        count(history, "a", 1)
        assert tables.wait_for(1, timeout=10)
        with following(Follower(history, database_url, TALLIES)) as raised:
            for n in range(2, 6):
                count(history, "a", 1)
                assert tables.wait_for(n, timeout=10)
        assert not raised
    assert not waiting
    same_as_memory(history, tables, TALLIES)


def test_a_lost_connection_is_opened_again(
    history: History, database_url: str, tables: PostgresTables
) -> None:
    with following(Follower(history, database_url, TALLIES)) as raised:
        for n in range(1, 4):
            count(history, "a", 1)
            assert tables.wait_for(n, timeout=10)
            altered(
                database_url,
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where application_name = 'wattledger follower'",
            )
    assert not raised
    same_as_memory(history, tables, TALLIES)


def test_tables_of_another_version_are_not_touched(
    history: History, database_url: str, tables: PostgresTables
) -> None:
    count(history, "a", 1)
    Follower(history, database_url, TALLIES).catch_up()
    newer: Projections = [replace(tallies, version=2), letters, counts]
    with pytest.raises(TableOutdated, match="wattledger rebuild"):
        Follower(history, database_url, newer).catch_up()
    with following(Follower(history, database_url, newer)) as raised:
        count(history, "a", 1)
        assert PostgresTables(tables._pool, [letters, counts]).wait_for(2, timeout=10)
    assert not raised
    assert tables.position == 1  # that of the table which nobody followed
    assert Follower(history, database_url, TALLIES).catch_up() == 2
    same_as_memory(history, tables, TALLIES)


def test_tables_of_a_newer_release_stop_the_follower_before_it_writes(
    history: History, database_url: str, tables: PostgresTables
) -> None:
    newer: Projections = [replace(tallies, version=2), letters, counts]
    assert Follower(history, database_url, newer).catch_up() == 0
    count(history, "a", 1)
    told = "tallies is at version 2, this program knows 1"
    with pytest.raises(TablesAreNewer, match=told):
        Follower(history, database_url, TALLIES).run(Event())
    with pytest.raises(TablesAreNewer, match=told):
        tables.refresh()
    assert tables.position == 0
