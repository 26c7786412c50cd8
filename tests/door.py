"""GraphQL of a town, over HTTP, for tests that ask it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import current_thread
from typing import Any

import httpx2
import psycopg
from starlette.applications import Starlette
from starlette.testclient import TestClient

from api.auth import Tokens
from api.denials import Denials
from api.graphql.http import create_graphql
from api.local_day import LocalDay
from replay.server import embedded
from tests.town import Town, town

WHO = "SELECT stream, coalesce("  # whether who asks has the duties they had: once a request
SECRET = b"0123456789abcdef0123456789abcdef"


@dataclass
class Door:
    """Who stands before it is an auditor, unless another token is given."""

    town: Town
    client: TestClient
    tokens: Tokens
    token: str
    kept: dict[str, Any] = field(default_factory=dict)  # what a module remembers of its town

    def post(self, query: str, **variables: Any) -> httpx2.Response:
        """Ask, and give the whole answer."""
        return self.client.post(
            "/graphql",
            json={"query": query, "variables": variables},
            headers={"authorization": f"Bearer {self.token}"},
        )

    def ask(self, query: str, **variables: Any) -> Any:
        """Ask what has an answer; what stands under `at` is answered as if at the root."""
        answer = self.post(query, **variables).json()
        assert "errors" not in answer, answer["errors"]
        data = answer["data"]
        return data["at"] if list(data) == ["at"] else data

    def refused(self, query: str, **variables: Any) -> tuple[str, str]:
        """Ask what is refused: the code and the sentence."""
        error = self.post(query, **variables).json()["errors"][0]
        return error["extensions"]["code"], error["message"]


@contextmanager
def door_of(harbour: Town) -> Iterator[Door]:
    """The door of a town."""
    tokens = Tokens(SECRET)
    system = harbour.system
    denials = Denials(system.dispatch, LocalDay(system.history))
    app = Starlette(routes=create_graphql(system, tokens, denials))
    with TestClient(app) as client:
        yield Door(harbour, client, tokens, tokens.mint("ada", "auditor"))


@contextmanager
def town_of_its_own(server: embedded.Server, name: str, folder: Path) -> Iterator[Door]:
    """A door with a database of its own, for all tests of a module."""
    with psycopg.connect(server.database("postgres"), autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
    with town(server.database(name), folder) as harbour, door_of(harbour) as door:
        yield door


ACCOUNT = "000120"
BILLS = ("000120-2026-01", "000120-2026-02", "000120-2026-03")


@contextmanager
def corrected_town(server: embedded.Server, name: str, folder: Path) -> Iterator[Door]:
    """A home is billed and pays; its meter is found fast; what was billed is corrected."""
    with town_of_its_own(server, name, folder) as made:
        made.town.story()
        made.kept["before"] = made.town.settle()
        made.kept["fact"] = made.town.fast(ACCOUNT)
        made.kept["found"] = made.town.settle()
        for bill in BILLS:
            made.town.correct(ACCOUNT, bill)
        made.kept["after"] = made.town.settle()
        yield made


@contextmanager
def statements() -> Iterator[list[str]]:
    """What queries ask of the database meanwhile; followers and writers are not counted."""
    said: list[str] = []
    execute = psycopg.Cursor.execute

    def noted(self: Any, query: Any, *args: Any, **more: Any) -> Any:
        text = query.decode() if isinstance(query, bytes) else str(query)
        if current_thread().name.startswith("AnyIO") and not text.startswith(WHO):
            said.append(text)
        return execute(self, query, *args, **more)

    psycopg.Cursor.execute = noted  # type: ignore[method-assign]
    try:
        yield said
    finally:
        psycopg.Cursor.execute = execute  # type: ignore[method-assign]
