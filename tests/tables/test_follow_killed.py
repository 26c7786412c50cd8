"""Whenever the follower is killed, its tables are those of a rebuild from nothing."""

from __future__ import annotations

import signal
from multiprocessing import get_context
from random import Random

from projections.kit.digest import digest
from projections.kit.postgres import PostgresTables, reading_pool
from projections.kit.table import MemoryTables
from replay.store.history import History
from replay.store.migrations import migrate
from replay.tables.follow import Follower
from tests.counters import counting
from tests.drills.follow_and_die import follow
from tests.tallies import TALLIES

BATCH = 3
STEPS = 80  # in a run over two batches


def test_killed_at_every_step_it_loses_and_repeats_nothing(
    database_url: str, long: bool
) -> None:
    apart, chance = get_context("forkserver"), Random(11)
    apart.set_forkserver_preload(["tests.drills.follow_and_die"])
    migrate(database_url)
    versions = dict.fromkeys("abc", 0)
    kills = 0
    with History(database_url) as history, reading_pool(database_url) as pool:
        tables = PostgresTables(pool, TALLIES)
        Follower(history, database_url, TALLIES).begin()
        for last in range(1, 201) if long else range(1, STEPS, 4):
            for _ in range(2 * BATCH):
                key = chance.choice("abc")
                history.append(counting(key, versions[key], chance.randint(-1, 2)))
                versions[key] += 1
            child = apart.Process(target=follow, args=(database_url, BATCH, last % STEPS or 1))
            child.start()
            child.join()
            assert child.exitcode in (0, -signal.SIGKILL)
            kills += child.exitcode != 0
            memory = MemoryTables(TALLIES).fold(history.since(until=tables.position))
            for projection in TALLIES:
                assert digest(tables, projection) == digest(memory, projection)
        assert kills > (150 if long else 15)
        Follower(history, database_url, TALLIES).catch_up()
        memory = MemoryTables(TALLIES).fold(history.since())
        for projection in TALLIES:
            assert digest(tables, projection) == digest(memory, projection)
