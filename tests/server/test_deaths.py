"""Drills: whoever is killed and when, nothing acknowledged is lost."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from replay.server import embedded
from tests.server.processes import (
    WRITER,
    Process,
    ask,
    await_stop,
    is_running,
    keeper,
    kill,
    postmaster,
    until,
)


def test_when_its_only_user_is_killed_it_stops_by_itself_and_says_so_next_time(
    folder: Path, start: Callable[..., Process]
) -> None:
    user = start(folder)
    url = user.says()
    with psycopg.connect(url) as connection:
        connection.execute("create table kept as select 7 as number")
    user.kill()
    await_stop(folder)
    with embedded.start(folder) as server:
        assert server.recovered
        assert str(user.popen.pid) in server.recovered
        assert ask(server.url, "select number from kept") == 7
    with embedded.start(folder) as server:
        assert server.recovered is None


def test_a_killed_server_is_started_again_under_its_users(folder: Path) -> None:
    with embedded.start(folder) as server:
        with psycopg.connect(server.url) as connection:
            connection.execute("create table kept as select 7 as number")
        dead = postmaster(folder)
        kill(dead)
        until(lambda: (folder / "postgres" / "restarted").exists())
        assert postmaster(folder) != dead
        assert ask(server.url, "select number from kept") == 7
    with embedded.start(folder) as server:
        assert server.recovered == "The database died while in use and was started again."


def test_a_server_without_its_keeper_is_adopted_and_stopped(
    folder: Path, start: Callable[..., Process]
) -> None:
    user = start(folder)
    url = user.says()
    began = ask(url, "select pg_postmaster_start_time()")
    kill(keeper(folder))
    with embedded.start(folder) as server:
        assert ask(server.url, "select pg_postmaster_start_time()") == began
        user.leave()
    assert not is_running(folder)


def test_an_orphan_is_adopted_and_still_restarted_when_killed(
    folder: Path, start: Callable[..., Process]
) -> None:
    user = start(folder)
    user.says()
    kill(keeper(folder))
    user.kill()
    with embedded.start(folder) as server:
        assert str(user.popen.pid) in str(server.recovered)
        assert keeper(folder)
        kill(postmaster(folder))
        until(lambda: (folder / "postgres" / "restarted").exists())
        assert ask(server.url, "select 1") == 1
    assert not is_running(folder)


def test_after_everything_was_killed_the_next_start_recovers_and_says_so(
    folder: Path, start: Callable[..., Process]
) -> None:
    user = start(folder)
    url = user.says()
    with psycopg.connect(url) as connection:
        connection.execute("create table kept as select 7 as number")
    for victim in (keeper(folder), postmaster(folder), user.popen.pid):
        os.kill(victim, signal.SIGKILL)
    with embedded.start(folder) as server:
        assert "write-ahead log" in str(server.recovered)
        assert ask(server.url, "select number from kept") == 7


def test_no_acknowledged_row_is_lost_whoever_is_killed_and_when(
    folder: Path, start: Callable[..., Process], long: bool
) -> None:
    chance = random.Random(20261124)
    acknowledged = 0
    for _ in range(60 if long else 5):
        writer = start(folder, WRITER)
        acknowledged = max(acknowledged, int(writer.says()))
        time.sleep(chance.uniform(0, 0.3))
        for find in chance.sample((keeper, postmaster), chance.randint(0, 2)):
            with contextlib.suppress(OSError, AssertionError):
                os.kill(find(folder), signal.SIGKILL)
        writer.kill()
        said, _ = writer.leave()
        acknowledged = max(acknowledged, *map(int, said.split()), 0)
        # It may have seen its database die and left in good order before it was killed itself.
        lease = folder / "postgres" / "users" / str(writer.popen.pid)
        killed_in_use = lease.exists()
        with embedded.start(folder) as server:
            assert server.recovered or not killed_in_use
            assert int(str(ask(server.url, "select max(number) from rows"))) >= acknowledged


def test_a_first_start_may_be_cut_off_at_any_moment(
    folder: Path, start: Callable[..., Process], long: bool
) -> None:
    chance = random.Random(20261124)
    for _ in range(40 if long else 3):
        user = start(folder)
        time.sleep(chance.uniform(0.1, 0.9))
        with contextlib.suppress(AssertionError, OSError):
            os.kill(keeper(folder), signal.SIGKILL)
        user.kill()
        with embedded.start(folder) as server:
            assert ask(server.url, "select 1") == 1
        shutil.rmtree(folder)
