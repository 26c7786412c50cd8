"""
How fast commands are answered over HTTP, durably, beside a bare FastAPI route with one INSERT.

The server runs in a process of its own and the clients in this one, on one machine: what they
cost is taken from the same processors.  Closed loop: 64 clients, each of which asks, waits and
asks again.  Open loop: requests are due at fixed times whatever is answered, and a wait counts
from when a request was due.  Commands are `read-meter` of 640 meters, one fact each.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psycopg
import uvloop
from pydantic import SecretStr

from api.auth import mint, secret_of
from api.dispatch import RequestContext
from api.serve import bound
from api.settings import Settings
from api.system import opened
from domain.metering.meter import InstallMeter, Register
from domain.network.point import EnergisePoint
from domain.organisation.utility import EstablishUtility
from replay.server import embedded

CLIENTS = 64
METERS = 640
SECONDS = float(os.environ.get("BENCH_SECONDS", "6"))
RATE = 1500  # a second, in the open loop
FIRST = date(2026, 1, 1)
SERVE = """
import sys
from pydantic import SecretStr
from api.serve import run
from api.settings import Settings
run(Settings(database_url=SecretStr(sys.argv[1]), data_dir=sys.argv[2], port=int(sys.argv[3])))
"""
PEER = """
import sys
from contextlib import asynccontextmanager
import psycopg_pool, uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
pool = psycopg_pool.AsyncConnectionPool(
    sys.argv[1], min_size=16, max_size=16, open=False, kwargs={"autocommit": True}
)
class Reading(BaseModel):
    meter: str
    readings: dict[str, str]
    on: str
    source: str
@asynccontextmanager
async def life(app):
    await pool.open()
    yield
    await pool.close()
app = FastAPI(lifespan=life)
@app.post("/commands/read-meter", status_code=201)
async def read(reading: Reading):
    async with pool.connection() as db:
        cursor = await db.execute(
            "insert into readings (meter, reading, day, source)"
            " values (%s, %s, %s, %s) returning id",
            (reading.meter, reading.readings["1.8.0"], reading.on, reading.source),
        )
        return {"positions": [(await cursor.fetchone())[0]]}
uvicorn.run(app, port=int(sys.argv[3]), log_level="warning", access_log=False)
"""


@dataclass
class Load:
    """What is asked, and how long each waited (seconds)."""

    asks: Iterator[bytes]
    waits: list[float] = field(default_factory=list)
    failed: list[bytes] = field(default_factory=list)


class Client(asyncio.Protocol):
    """One connection that is kept; one request at a time."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._got = b""
        self._due = 0.0
        self.answered: Callable[[Client], None] = lambda _: None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def ask(self, due: float) -> None:
        self._due = due
        self._transport.write(next(self._load.asks))

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, split, body = self._got.partition(b"\r\n\r\n")
        if not split or len(body) < _length(head):
            return
        self._got = b""
        self._load.waits.append(time.perf_counter() - self._due)
        if not head.startswith(b"HTTP/1.1 201"):
            self._load.failed.append(head[:20] + body[:200])
        self.answered(self)


def _length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])


async def clients(port: int, load: Load) -> list[Client]:
    loop = asyncio.get_running_loop()
    made = []
    for _ in range(CLIENTS):
        _, client = await loop.create_connection(lambda: Client(load), "127.0.0.1", port)
        made.append(client)
    return made


async def closed(port: int, load: Load, seconds: float) -> float:
    """Everybody asks again as soon as answered; answers a second."""
    everybody = await clients(port, load)
    until = time.perf_counter() + seconds
    over: set[Client] = set()
    done = asyncio.Event()

    def again(client: Client) -> None:
        now = time.perf_counter()
        if now < until:
            client.ask(now)
            return
        over.add(client)
        if len(over) == CLIENTS:
            done.set()

    begun = time.perf_counter()
    for client in everybody:
        client.answered = again
        client.ask(begun)
    await done.wait()
    return len(load.waits) / (time.perf_counter() - begun)


async def open_loop(port: int, load: Load, seconds: float, rate: float) -> float:
    """Requests are due at fixed times; answers a second."""
    free = deque(await clients(port, load))
    due: deque[float] = deque()

    def freed(client: Client) -> None:
        if due:
            client.ask(due.popleft())
        else:
            free.append(client)

    for client in free:
        client.answered = freed
    begun = time.perf_counter()
    total = int(rate * seconds)
    for n in range(total):
        when = begun + n / rate
        if (early := when - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        if free:
            free.popleft().ask(when)
        else:
            due.append(when)
    while len(load.waits) < total:
        await asyncio.sleep(0.01)
    return total / (time.perf_counter() - begun)


def asks(token: str, first: int) -> Iterator[bytes]:
    """Readings of one meter after the other, day after day, from the n-th day on."""
    n = first * METERS
    while True:
        day, meter = divmod(n, METERS)
        body = json.dumps(
            {
                "meter": f"M{meter}",
                "readings": {"1.8.0": str(1000 + day)},
                "on": str(FIRST + timedelta(days=day)),
                "source": "remote",
            }
        ).encode()
        yield (
            b"POST /commands/read-meter HTTP/1.1\r\nHost: bench\r\n"
            b"Authorization: Bearer %b\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (token.encode(), len(body), body)
        )
        n += 1


@contextmanager
def serving(text: str, url: str, folder: str) -> Iterator[tuple[int, int]]:
    """A server in a process of its own; its port and its process."""
    with bound("127.0.0.1", 0) as listener:
        port: int = listener.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-c", text, url, folder, str(port)],
        cwd=Path(__file__).resolve().parent.parent,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until and process.poll() is None:
            try:
                asyncio.run(_knock(port))
                break
            except OSError:
                time.sleep(0.1)
        yield port, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


async def _knock(port: int) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()


def found(settings: Settings) -> None:
    """A utility with its meters installed."""
    context = RequestContext("bench", "admin")
    with opened(settings) as system:
        ask = system.dispatch
        ask(EstablishUtility(name="Bench", currency="GBP", zone="Europe/London"), context)
        for n in range(METERS):
            ask(EnergisePoint(point=f"P{n}", address=f"{n} Bench", on=FIRST), context)
            ask(
                InstallMeter(
                    meter=f"M{n}",
                    point=f"P{n}",
                    registers=(Register(code="1.8.0"),),
                    readings={"1.8.0": Decimal(1000)},
                    on=FIRST,
                ),
                context,
            )


def measured(port: int, process: int, token: str) -> dict[str, Any]:
    """Both loops, after some warming."""
    run = uvloop.run
    run(closed(port, Load(asks(token, 1)), 2))
    load = Load(asks(token, 100))
    before = cpu(process)
    rate = run(closed(port, load, SECONDS))
    spent = (cpu(process) - before) * 1000 / len(load.waits)
    paced = Load(asks(token, 250))
    run(open_loop(port, paced, SECONDS, RATE))
    for each in (load, paced):
        if each.failed:
            raise SystemExit(f"{len(each.failed)} failed: {each.failed[0]!r}")
    return {
        "rate": rate,
        "cpu": spent,
        "closed": _percentiles(load),
        "open": _percentiles(paced),
    }


def cpu(process: int) -> float:
    """Processor seconds a process has had so far."""
    stat = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def _percentiles(load: Load) -> tuple[float, float]:
    """p50 and p99, ms."""
    cut = statistics.quantiles(load.waits, n=100)
    return cut[49] * 1000, cut[98] * 1000


def run() -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder, embedded.start(f"{folder}/data") as server:
        with psycopg.connect(server.url, autocommit=True) as db:
            db.execute("create database peer")
        peer_url = server.database("peer")
        with psycopg.connect(peer_url, autocommit=True) as db:
            db.execute(
                "create table readings (id bigint generated always as identity primary key,"
                " meter text, reading numeric, day date, source text)"
            )
        settings = Settings(database_url=SecretStr(server.url), data_dir=Path(folder) / "ours")
        found(settings)
        token = mint(secret_of(settings), "bench", "admin")
        with serving(PEER, peer_url, folder) as there:
            peer = measured(*there, token)
        with serving(SERVE, server.url, str(settings.data_dir)) as there:
            ours = measured(*there, token)
    return rows(ours, peer)


def rows(ours: dict[str, Any], peer: dict[str, Any]) -> list[dict[str, Any]]:
    bare = "a bare FastAPI route, one INSERT"

    def row(
        name: str,
        unit: str,
        value: float,
        beside: float,
        floor: float | None,
        holds: bool | None,
    ) -> dict[str, Any]:
        return {
            "name": name, "value": round(value, 2), "unit": unit, "peer": bare,
            "peer_value": round(beside, 2), "ratio": round(value / beside, 3),
            "floor": floor, "holds": holds,
        }  # fmt: skip

    closed, beside = ours["closed"], peer["closed"]
    paced, peer_paced = ours["open"], peer["open"]
    at = f"open loop at {RATE}/s"
    return [
        row("HTTP commands, 64 clients, closed loop, durable", "commands/s",
            ours["rate"], peer["rate"], RATE, ours["rate"] >= RATE),
        row("HTTP command, server's processor", "ms", ours["cpu"], peer["cpu"], None, None),
        row("HTTP command p50, closed loop", "ms", closed[0], beside[0], None, None),
        row("HTTP command p99, closed loop", "ms", closed[1], beside[1], None, None),
        row(f"HTTP command p50, {at}", "ms", paced[0], peer_paced[0], None, None),
        row(f"HTTP command p99, {at}", "ms", paced[1], peer_paced[1], 60, paced[1] <= 60),
    ]  # fmt: skip


if __name__ == "__main__":
    for each in run():
        print(json.dumps(each))
