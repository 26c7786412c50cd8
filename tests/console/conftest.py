"""A served town whose first home was found to have been billed wrongly, and who signs in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import psycopg
import pytest

from domain.customers.customer import RegisterCustomer
from replay.server import embedded
from tests.door import ACCOUNT
from tests.served import Door, served
from tests.town import Town, town

MARKUP = '<script>alert("x")</script>'
Browser = Callable[..., httpx2.Client]


@pytest.fixture(scope="session")
def harbour(
    server: embedded.Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Town, Door]]:
    """A town for all tests of the console; each works at a thing of its own."""
    with psycopg.connect(server.database("postgres"), autocommit=True) as connection:
        connection.execute("create database console_town")
    folder: Path = tmp_path_factory.mktemp("console")
    with town(server.database("console_town"), folder) as made, served(made.system) as door:
        made.story()
        made.ask(RegisterCustomer(customer="C-MARKUP", name=MARKUP, contact='"><b>x'))
        made.ask(RegisterCustomer(customer="C-RENAMED", name="Before"))
        made.fast(ACCOUNT)
        made.settle()
        yield made, door


@pytest.fixture
def browser(harbour: tuple[Town, Door]) -> Iterator[Browser]:
    """Signs somebody in and gives what they browse with; it keeps cookies, follows nothing."""
    _, door = harbour
    opened: list[httpx2.Client] = []

    def sign_in(duty: str = "admin", person: str = "ada") -> httpx2.Client:
        client = httpx2.Client(base_url=door.url, timeout=30)
        opened.append(client)
        told = client.post("/sign-in", data={"token": door.token(duty, person)})
        assert told.status_code == 303, told.text
        return client

    yield sign_in
    for client in opened:
        client.close()


@pytest.fixture
def door(harbour: tuple[Town, Door]) -> Iterator[Door]:
    """The door of the town, with nobody signed in."""
    _, door = harbour
    door.client.cookies.clear()
    yield door
    door.client.cookies.clear()
