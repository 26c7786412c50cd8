"""Histories and archives for the tests of both."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

from replay.archives.archive import (
    export,
)
from replay.server import embedded
from replay.store.history import History
from replay.store.migrations import migrate
from tests.counters import counting

NUMBERS = count(1)


@pytest.fixture
def empty_url(server: embedded.Server, server_url: str) -> Iterator[str]:
    """A second database, empty."""
    name = f"restored_{next(NUMBERS)}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"create database {name}")
        yield server.database(name)
        connection.execute(f"drop database {name} with (force)")


@pytest.fixture
def history(database_url: str) -> Iterator[History]:
    """Thirty-five facts on five streams, each command under a key."""
    migrate(database_url)
    with History(database_url) as opened:
        for n in range(35):
            opened.append(counting(n % 5, n // 5, n, idempotency=f"k{n}", digest=bytes([n])))
        yield opened


@pytest.fixture
def archive(history: History, tmp_path: Path) -> Path:
    """It, sealed in files of ten."""
    export(history, tmp_path / "archive", lines_most=10)
    return tmp_path / "archive"


def rows_in(url: str, table: str) -> list[Any]:
    with psycopg.connect(url) as connection:
        return connection.execute(f"select * from {table} order by 1, 2").fetchall()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def nothing_in(url: str) -> bool:
    with psycopg.connect(url) as connection:
        made = connection.execute("select to_regclass('history.events')").fetchone()
        if made == (None,):
            return True
        found = connection.execute("select count(*) from history.events").fetchone()
        head = connection.execute("select position from history.head").fetchone()
        return (found, head) == ((0,), (0,))
