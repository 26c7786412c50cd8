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
from projections.kit.versions import TablesAreNewer
from projections.kit.writer import Parked
from replay.store.migrations import FolderIsNewer, pending

LAG_MOST = 10_000  # facts that the tables may be behind and still be of use
PATIENCE = 2  # seconds for the database to answer
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
HEAD = "select position from history.head"


@dataclass(frozen=True, slots=True)
class Rebuilding:
    """Tables that are rebuilt after an upgrade, and how far that is."""

    tables: tuple[str, ...]
    position: int
    goal: int


@dataclass(frozen=True, slots=True)
class State:
    """
    How a system is.

    What keeps it from serving stands in `wrong`, and in `degraded` what is not served as it
    should be while all else is.
    """

    head: int = 0
    folded: int = 0
    lag: int = 0
    parked: int = 0
    waiting: int = 0
    rebuilding: Rebuilding | None = None
    degraded: tuple[str, ...] = ()
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
            outdated = self._system.tables.refresh().outdated
            head, folded = row[0] if row else 0, self._system.tables.position
            parked = self._system.follower.parked()
        except (FolderIsNewer, TablesAreNewer) as newer:
            return State(waiting=waiting, wrong=(str(newer),))
        except psycopg.Error as wrong:
            return State(waiting=waiting, wrong=(f"the database does not answer: {wrong}",))
        wrongs = [f"migration {step.number:04}_{step.name} is pending" for step in steps]
        if self._system.history.broken is not None:
            wrongs.append(str(self._system.history.broken))
        lag = max(head - folded, 0)
        if lag > LAG_MOST:
            wrongs.append(f"the tables are {lag} facts behind")
        growing = self._rebuilding(outdated, head) if outdated else None
        degraded = tuple(_degraded(parked, growing))
        return State(head, folded, lag, len(parked), waiting, growing, degraded, tuple(wrongs))

    def _rebuilding(self, outdated: frozenset[str], head: int) -> Rebuilding:
        progress = self._system.tables.progress
        position, goal = (0, head) if progress is None else (progress.position, progress.goal)
        return Rebuilding(tuple(sorted(outdated)), position, goal)

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
        status = "degraded" if state.degraded else "ready"
        return Response(
            orjson.dumps({"status": status} | asdict(state)), media_type="application/json"
        )

    async def _metrics(self, request: Request) -> Response:
        del request
        state = await self._looked()
        growing = state.rebuilding
        lines = [
            *self._requests.lines(),
            *gauge("up", "Whether the database answers.", int(not state.wrong)),
            *gauge("history_head", "The last position of history.", state.head),
            *gauge("tables_position", "The position the tables show.", state.folded),
            *gauge("tables_lag", "Facts that are not folded yet.", state.lag),
            *gauge("parked_facts", "Facts that could not be folded.", state.parked),
            *gauge(
                "tables_rebuilding",
                "Tables that are rebuilt after an upgrade and not read meanwhile.",
                len(growing.tables) if growing else 0,
            ),
            *gauge(
                "tables_rebuilding_position",
                "The position they are folded to.",
                growing.position if growing else 0,
            ),
            *gauge("commands_waiting", "Commands queued to be written.", state.waiting),
        ]
        return Response("\n".join((*lines, "")), media_type=PROMETHEUS)


def _degraded(parked: list[Parked], growing: Rebuilding | None) -> Iterator[str]:
    """What is not served as it should be, a sentence each."""
    streams: dict[str, list[Parked]] = {}
    for each in parked:
        streams.setdefault(each.stream, []).append(each)
    for stream, those in streams.items():
        first = min(those, key=lambda each: each.position)
        tables = ", ".join(sorted({each.projection for each in those}))
        yield (
            f"{stream} is stale in {tables}: position {first.position} could not be folded;"
            " `wattledger resume` tries again"
        )
    if growing is not None:
        told = f"{growing.position} of {growing.goal} facts"
        yield f"tables are rebuilt after an upgrade, {told}: {', '.join(growing.tables)}"
