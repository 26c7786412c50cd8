"""
A command over HTTP, durable, from 64 clients; beside it a bare FastAPI route with one INSERT.

Both are processes of their own under uvicorn, over a Postgres of their own with durable
settings; the clients are this process, and share the two cores with them.  Latency is measured
with arrivals at a fixed rate, from the moment a request was due and not from when it was sent.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

from pydantic import BaseModel

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

CLIENTS = 64
RATE = 1500  # arrivals a second for the latencies
SECONDS = 4.0
AT = f", arrivals at {RATE:,}/s, or 70 % of the most"


class Asked(BaseModel):
    """The body of the command."""

    point: str
    address: str
    on: date


def bare(url: str, port: int) -> None:
    """The peer: nothing but FastAPI, pydantic and psycopg's pool."""
    import uvicorn
    from fastapi import FastAPI
    from psycopg_pool import AsyncConnectionPool

    pool = AsyncConnectionPool(url, min_size=8, max_size=8, open=False)
    app = FastAPI()

    @app.post("/commands/energise-point", status_code=201)
    async def energise(asked: Asked) -> dict[str, str]:
        async with pool.connection() as connection:
            await connection.execute(
                "INSERT INTO bare (point, address, since) VALUES (%s, %s, %s)",
                (asked.point, asked.address, asked.on),
            )
        return {"point": asked.point}

    async def serve() -> None:
        await pool.open()
        config = uvicorn.Config(app, port=port, log_level="error", access_log=False)
        await uvicorn.Server(config).serve()
        await pool.close()

    asyncio.run(serve())


class Client:
    """One connection that is kept open, and says no more than it must."""

    def __init__(self, port: int, token: str, numbers: count[int]) -> None:
        self.port, self.token, self.numbers = port, token, numbers

    async def connect(self) -> None:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)

    async def ask(self) -> None:
        """One command, under a key of its own.  Raises RuntimeError unless it is 201."""
        n = next(self.numbers)
        body = b'{"point":"P-%d","address":"%d Mill Lane","on":"2026-01-01"}' % (n, n)
        self.writer.write(
            b"POST /commands/energise-point HTTP/1.1\r\nHost: bench\r\n"
            b"Authorization: Bearer %b\r\nIdempotency-Key: bench-%d\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
            % (self.token.encode(), n, len(body), body)
        )
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        answer = await self.reader.readexactly(length)
        if not head.startswith(b"HTTP/1.1 201"):
            raise RuntimeError(f"{head.decode()}{answer.decode()}")


async def measured(port: int, token: str) -> tuple[float, float, float]:
    """Commands a second as fast as 64 can ask; p50 and p99 in ms at a fixed rate."""
    numbers = count()
    clients = [Client(port, token, numbers) for _ in range(CLIENTS)]
    for client in clients:
        await client.connect()
    await _closed(clients, 1.0)
    rate = max([await _closed(clients, SECONDS / 2) for _ in range(2)])
    latencies = sorted(await _open(clients, min(RATE, 0.7 * rate)))
    for client in clients:
        client.writer.close()
    p50, p99 = (1000 * latencies[int(len(latencies) * p)] for p in (0.5, 0.99))
    return rate, p50, p99


async def _closed(clients: list[Client], seconds: float) -> float:
    begun = time.perf_counter()

    async def ask(client: Client) -> int:
        done = 0
        while time.perf_counter() - begun < seconds:
            await client.ask()
            done += 1
        return done

    done = sum(await asyncio.gather(*map(ask, clients)))
    return done / (time.perf_counter() - begun)


async def _open(clients: list[Client], rate: float) -> list[float]:
    idle, due, latencies = deque(clients), deque[float](), list[float]()
    tasks: set[asyncio.Task[None]] = set()

    async def ask(client: Client) -> None:
        while due:  # whoever is free takes what has waited longest
            at = due.popleft()
            await client.ask()
            latencies.append(time.perf_counter() - at)
        idle.append(client)

    begun = time.perf_counter()
    for n in range(int(rate * SECONDS)):
        at = begun + n / rate
        if (early := at - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        due.append(at)
        if idle:
            task = asyncio.create_task(ask(idle.popleft()))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
    while tasks:
        await asyncio.gather(*tasks)
    return latencies


@contextmanager
def serving(port: int, *words: str, env: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, *words],
        cwd=ROOT,
        env={**os.environ, **env},
        stdout=subprocess.DEVNULL,
    )
    try:
        for _ in range(600):
            with socket.socket() as trying:
                if trying.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def ours(folder: str) -> tuple[float, float, float]:
    port = free_port()
    env = {"WATTLEDGER_DATA_DIR": folder, "WATTLEDGER_LOG": "error", "PYTHONPATH": str(ROOT)}
    cli = ("-c", "from api.cli import main; main()")
    with serving(port, *cli, "serve", "--no-demo", "--port", str(port), env=env):
        minted = subprocess.run(
            [sys.executable, *cli, "token", "bench", "clerk", "--json"],
            cwd=ROOT, env={**os.environ, **env}, capture_output=True, check=True, text=True,
        )  # fmt: skip
        return asyncio.run(measured(port, json.loads(minted.stdout)["token"]))


def theirs(folder: str) -> tuple[float, float, float]:
    import psycopg

    from replay import embedded

    port = free_port()
    with embedded.start(folder) as server:
        with psycopg.connect(server.url) as connection:
            connection.execute(
                "CREATE TABLE bare (point text PRIMARY KEY, address text, since date)"
            )
        with serving(port, __file__, server.url, str(port), env={}):
            return asyncio.run(measured(port, "none"))


def run() -> list[dict[str, Any]]:
    """All rows of the report."""
    with tempfile.TemporaryDirectory(prefix="wattledger-bench-") as folder:
        rate, p50, p99 = ours(f"{folder}/ours")
        peer_rate, peer_p50, peer_p99 = theirs(f"{folder}/theirs")
    peer = "a bare FastAPI route, one INSERT"
    return [
        {"name": name, "value": round(value, 2), "unit": unit, "peer": peer,
         "peer_value": round(other, 2), "ratio": round(value / other, 3), "floor": floor,
         "holds": None if floor is None else holds}
        for name, value, unit, other, floor, holds in (
            ("HTTP commands, 64 clients", rate, "commands/s", peer_rate, 1500, rate >= 1500),
            (f"the same, p50{AT}", p50, "ms", peer_p50, None, None),
            (f"the same, p99{AT}", p99, "ms", peer_p99, 60, p99 < 60),
        )
    ]  # fmt: skip


if __name__ == "__main__":
    bare(sys.argv[1], int(sys.argv[2]))
