"""A real Postgres for the tests: one server a worker, a fresh database for whoever asks."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import count

import psycopg
import pytest

from replay.server import embedded
from tests.served import Door, served
from tests.town import town

NUMBERS = count(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the drills at full length")


@pytest.fixture(scope="session")
def long(request: pytest.FixtureRequest) -> bool:
    """Whether the drills are to run at full length."""
    return bool(request.config.getoption("--long"))


@pytest.fixture(scope="session")
def server() -> Iterator[embedded.Server]:
    with (
        tempfile.TemporaryDirectory(prefix="wattledger-tests-") as folder,
        embedded.start(f"{folder}/data") as started,
    ):
        yield started


@pytest.fixture(scope="session")
def server_url(server: embedded.Server) -> str:
    """The maintenance database of the server, as its superuser."""
    return server.database("postgres")


@pytest.fixture
def database_url(server: embedded.Server, server_url: str) -> Iterator[str]:
    """A fresh, empty database, dropped afterwards whoever is still connected."""
    name = f"test_{next(NUMBERS)}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"create database {name}")
        yield server.database(name)
        connection.execute(f"drop database {name} with (force)")


@pytest.fixture(scope="session")
def quiet_door(
    server: embedded.Server, server_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Door]:
    """A served town that is shared by tests which count on nothing that others change."""
    name = f"test_{next(NUMBERS)}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    folder = tmp_path_factory.mktemp(name)
    with town(server.database(name), folder) as made, served(made.system) as door:
        yield door
