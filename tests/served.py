"""A system served over real HTTP, on a port of its own: for tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import Any

import httpx2
import uvicorn

from api.app import create_app
from api.auth import Tokens
from api.serve import Server, bound
from api.system import System, running
from domain.catalogue import COMMANDS
from domain.kit import ASKED

BEGINNING = (
    "establish-utility", "register-customer", "open-account", "energise-point", "draft-tariff",
    "approve-tariff", "publish-tariff", "supply-point", "install-meter", "read-meter",
)  # fmt: skip


EXAMPLES = {name: dict(ASKED[command].example) for name, command in COMMANDS.items()}
"""A body of each command, as it is declared."""


@dataclass(frozen=True, slots=True)
class Door:
    """A served system, and short words to ask it with."""

    url: str
    system: System
    tokens: Tokens
    client: httpx2.Client
    server: Server

    def stop(self) -> None:
        """Tell the server to stop."""
        self.server.should_exit = True

    def token(self, role: str = "admin", person: str = "ada") -> str:
        """A token for somebody."""
        return self.tokens.mint(person, role)

    def get(self, path: str, role: str | None = "admin", **headers: str) -> httpx2.Response:
        """Ask for a page."""
        return self.client.get(path, headers=self._named(role, "ada") | headers)

    def post(
        self,
        command: str,
        body: Any = None,
        role: str | None = "admin",
        person: str = "ada",
        **headers: str,
    ) -> httpx2.Response:
        """Ask for a command; a body that is not bytes is sent as JSON, none as the example."""
        sent = EXAMPLES[command] if body is None else body
        content = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
        named = {"Content-Type": "application/json"} | self._named(role, person)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(f"/commands/{command}", content=content, headers=named | given)

    def begin(self) -> None:
        """A utility with a customer, a tariff and a meter that was read, as in the examples."""
        for command in BEGINNING:
            person = "boris" if command == "approve-tariff" else "ada"
            assert self.post(command, person=person).status_code == 201, command

    def _named(self, role: str | None, person: str) -> dict[str, str]:
        return (
            {"Authorization": f"Bearer {self.token(role, person)}"} if role is not None else {}
        )


@contextmanager
def served(system: System) -> Iterator[Door]:
    """Serve a system from a thread for as long as it lasts."""
    app = create_app(system)
    listener = bound("127.0.0.1", 0)
    config = uvicorn.Config(app, log_config=None, log_level="warning", lifespan="off")
    server = Server(config, app.state.pulse, "http://127.0.0.1")
    denials = running("denials", app.state.denials.run)
    thread = Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        with httpx2.Client(base_url=url, timeout=30) as client, denials:
            yield Door(url, system, app.state.tokens, client, server)
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        listener.close()
