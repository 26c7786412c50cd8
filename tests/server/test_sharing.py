"""Processes share one server, and the last one stops it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from replay.server import embedded
from tests.server.processes import (
    Process,
    ask,
    is_running,
)


def test_it_is_durable_checked_and_on_no_network(server_url: str) -> None:
    settings = {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "data_checksums": "on",
        "listen_addresses": "",
        "server_encoding": "UTF8",
    }
    assert {name: ask(server_url, f"show {name}") for name in settings} == settings
    assert ask(server_url, "select 'Z' < 'a' and lower('ÅÉ') = 'åé'") is True


def test_processes_share_one_server_and_the_last_one_stops_it(
    folder: Path, start: Callable[..., Process]
) -> None:
    first, second = start(folder), start(folder)
    url = first.says()
    assert second.says() == url
    began = ask(url, "select pg_postmaster_start_time()")
    first.leave()
    assert ask(url, "select pg_postmaster_start_time()") == began
    second.leave()
    assert not is_running(folder)


def test_a_process_may_use_it_twice(folder: Path) -> None:
    with embedded.start(folder) as outer:
        with embedded.start(folder) as inner:
            assert inner.url == outer.url
        assert ask(outer.url, "select 1") == 1
        outer.stop()
        outer.stop()
    assert not is_running(folder)


def test_many_may_come_at_once_to_an_empty_folder(
    folder: Path, start: Callable[..., Process]
) -> None:
    crowd = [start(folder) for _ in range(5)]
    assert len({process.says() for process in crowd}) == 1
    for process in crowd:
        process.leave()
    assert not is_running(folder)
