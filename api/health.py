"""/healthz, /readyz and /metrics: for whoever runs this, and for their machines."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

import orjson
import psycopg
from starlette.requests import Request
from starlette.responses import Response

from api.metrics import Requests, gauge
from api.openapi import status_operation
from api.problems import Problem
from api.routes import PlainRoute
from api.system import System
from replay.store.migrations import pending

LAG_MOST = 10_000  # facts that the tables may be behind and still be of use
PATIENCE = 2  # seconds for the database to answer
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
HEAD = "select position from history.head"


@dataclass(frozen=True, slots=True)
class State:
    """How a system is: what keeps it from serving stands in `wrong`."""

    head: int = 0
    folded: int = 0
    lag: int = 0
    parked: int = 0
    waiting: int = 0
    wrong: tuple[str, ...] = ()


class Health:
    """Looks at a system, over a connection of its own."""

    def __init__(self, system: System, requests: Requests) -> None:
        self._system = system
        self._requests = requests
        self._lookers = ThreadPoolExecutor(2, "health")

    def routes(self) -> Iterator[PlainRoute]:
        """The three of them."""
        for path, endpoint, summary in (
            ("/healthz", self._alive, "Whether the process answers"),
            ("/readyz", self._ready, "Whether it can serve: database, migrations, lag"),
            ("/metrics", self._metrics, "What is counted, for Prometheus"),
        ):
            yield PlainRoute(
                path,
                endpoint,
                methods=["GET"],
                name=path,
                summary=summary,
                tags=["health"],
                operation_id=path.strip("/"),
                openapi_extra=status_operation(path),
                response_class=Response,
            )

    def look(self) -> State:
        """How the system is now."""
        waiting = self._system.history.recorder.batcher.waiting
        try:
            with psycopg.connect(self._system.url, connect_timeout=PATIENCE) as db:
                db.execute(f"set statement_timeout = '{PATIENCE}s'")
                row = db.execute(HEAD).fetchone()
                steps = pending(db)
            head, folded = row[0] if row else 0, self._system.tables.position
            parked = len(self._system.follower.parked())
        except psycopg.Error as wrong:
            return State(waiting=waiting, wrong=(f"the database does not answer: {wrong}",))
        wrongs = [f"migration {step.number:04}_{step.name} is pending" for step in steps]
        lag = max(head - folded, 0)
        if lag > LAG_MOST:
            wrongs.append(f"the tables are {lag} facts behind")
        return State(head, folded, lag, parked, waiting, tuple(wrongs))

    async def _looked(self) -> State:
        return await asyncio.get_running_loop().run_in_executor(self._lookers, self.look)

    async def _alive(self, request: Request) -> Response:
        del request
        return Response(b'{"status":"alive"}', media_type="application/json")

    async def _ready(self, request: Request) -> Response:
        state = await self._looked()
        if state.wrong:
            title = "This cannot serve now."
            problem = Problem(503, "not-ready", title, "; ".join(state.wrong), asdict(state))
            return problem.response(request.url.path)
        return Response(
            orjson.dumps({"status": "ready"} | asdict(state)), media_type="application/json"
        )

    async def _metrics(self, request: Request) -> Response:
        del request
        state = await self._looked()
        lines = [
            *self._requests.lines(),
            *gauge("up", "Whether the database answers.", int(not state.wrong)),
            *gauge("history_head", "The last position of history.", state.head),
            *gauge("tables_position", "The position the tables show.", state.folded),
            *gauge("tables_lag", "Facts that are not folded yet.", state.lag),
            *gauge("parked_facts", "Facts that could not be folded.", state.parked),
            *gauge("commands_waiting", "Commands queued to be written.", state.waiting),
        ]
        return Response("\n".join((*lines, "")), media_type=PROMETHEUS)
