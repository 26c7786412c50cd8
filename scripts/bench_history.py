"""
How fast history is written, read and proven, beside peers in the same run.

Every figure is taken on a Postgres with durable settings (fsync, full_page_writes and
synchronous_commit on), in a database of its own, peers unmodified.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psycopg

from domain.kit import Kind, event
from replay.proofs.audit import audit
from replay.server import embedded
from replay.store.entry import Entry, Line
from replay.store.history import Append, History
from replay.store.mapper import Envelope
from replay.store.migrations import migrate
from replay.store.writer import EventWriter

WRITERS = 64
NUMBERS = count(1)


@event("bench.read")
class BenchRead:
    """About as much as the reading of a meter says."""

    register: str
    dial: int
    used: int
    source: str


@dataclass(frozen=True, slots=True)
class Bench:
    """A counter."""

    reads: int = 0
    used: int = 0


benches: Kind[Bench, BenchRead] = Kind(
    "bench", Bench(), lambda was, read: Bench(was.reads + 1, was.used + read.used)
)


def a_read(n: int) -> BenchRead:
    return BenchRead(register="1.8.0", dial=1000 + n, used=n % 97, source="remote")


def row(name: str, value: float, unit: str, **more: Any) -> dict[str, Any]:
    """One line of the report, in the shape that scripts/bench prints."""
    peer_value = more.get("peer_value")
    ratio = value / peer_value if peer_value else None
    floor = more.get("floor")
    reached = ratio if more.get("floor_is_ratio") else value
    return {
        "name": name, "value": round(value, 3), "unit": unit, "peer": more.get("peer"),
        "peer_value": round(peer_value, 3) if peer_value else None,
        "ratio": round(ratio, 3) if ratio else None, "floor": floor,
        "holds": None if floor is None or reached is None else reached >= floor,
    }  # fmt: skip


@contextmanager
def database(server: embedded.Server) -> Iterator[str]:
    """A fresh, migrated database."""
    name = f"bench_{next(NUMBERS)}"
    with psycopg.connect(server.database("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        url = server.database(name)
        migrate(url)
        yield url
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def timed(work: Callable[[], int]) -> float:
    """So many a second."""
    begun = time.perf_counter()
    done = work()
    return done / (time.perf_counter() - begun)


def timed_by_core(work: Callable[[], int]) -> float:
    """So many in a second of a core's time, of this process alone."""
    begun = time.process_time()
    done = work()
    return done / (time.process_time() - begun)


def one_event(n: int) -> Append:
    stream = benches.stream(str(n))
    return Append(
        ((stream, a_read(n)),), {stream: 0}, "bench", "meter-reader", f"cause-{n:032}", "run"
    )


def by_writers(one: Callable[[int], object], commands: int) -> float:
    """Commands a second of 64 threads that each ask, wait and ask again."""
    numbers = count()

    def writer(_: int) -> None:
        while (n := next(numbers)) < commands:
            one(n)

    with ThreadPoolExecutor(WRITERS) as pool:
        return timed(lambda: len(list(pool.map(writer, range(WRITERS)))) and commands)


def commands_of_ours(server: embedded.Server, commands: int) -> float:
    """64 tasks of one event loop that each ask, await and ask again."""
    numbers = count()

    async def writer(history: History, upto: int) -> None:
        while (n := next(numbers)) < upto:
            await history.appending(one_event(n))

    async def writers(history: History, upto: int) -> None:
        await asyncio.gather(*(writer(history, upto) for _ in range(WRITERS)))

    with database(server) as url, History(url) as history:
        asyncio.run(writers(history, 2000))
        return timed(lambda: asyncio.run(writers(history, 2000 + commands)) or commands)


def commands_by_threads(server: embedded.Server, commands: int) -> float:
    with database(server) as url, History(url) as history:
        by_writers(lambda n: history.append(one_event(-n - 1)), 500)
        return by_writers(lambda n: history.append(one_event(n)), commands)


def commands_of_the_library(server: embedded.Server, commands: int) -> float:
    """Its Postgres recorder as it comes: default settings, a text id, the same stored bytes."""
    from eventsourcing.persistence import StoredEvent
    from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
    from psycopg.conninfo import conninfo_to_dict

    def stored(n: int) -> StoredEvent:
        return StoredEvent(f"bench-{n}", 1, "bench.read", encoded(n))

    with database(server) as url:
        parts = conninfo_to_dict(url)
        datastore = PostgresDatastore(
            *(str(parts.get(name, "")) for name in ("dbname", "host", "port", "user")),
            password="", pool_size=WRITERS, originator_id_type="text",
        )  # fmt: skip
        recorder = PostgresApplicationRecorder(datastore)
        recorder.create_table()
        by_writers(lambda n: recorder.insert_events([stored(-n - 1)]), 200)
        rate = by_writers(lambda n: recorder.insert_events([stored(n)]), commands)
        datastore.close()
        return rate


def encoded(n: int) -> bytes:
    said = ("bench", "meter-reader", "", "", "", "read-meter", "", f"cause-{n:032}", "run")
    return Envelope(said)(a_read(n))


def rows_by_hand(server: embedded.Server, commands: int) -> float:
    """64 rows a transaction into the same table, encoded before, by one psycopg connection."""
    now = datetime.now(UTC)
    rows = [(f"bench-{n}", 1, "bench.read", encoded(n), n + 1, now) for n in range(commands)]
    with database(server) as url, psycopg.connect(url, autocommit=True) as connection:

        def work() -> int:
            for n in range(0, commands, WRITERS):
                connection.execute(
                    "INSERT INTO history.events SELECT * FROM unnest(%b::text[], %b::bigint[],"
                    " %b::text[], %b::bytea[], %b::bigint[], %b::timestamptz[])",
                    tuple(map(list, zip(*rows[n : n + WRITERS], strict=True))),
                )
            return commands

        return timed(work)


def prepared(facts: int) -> list[Line]:
    """Events of a thousand streams or so, encoded; each of a command of its own."""
    return [(f"bench-{n // 20}", n % 20 + 1, "bench.read", encoded(n)) for n in range(facts)]


def appends(facts: int, size: int = 500) -> Iterator[Append]:
    """The same as commands of some hundred events each, for a bulk load."""
    for start in range(0, facts, size):
        made = [(benches.stream(f"{n // 20}"), a_read(n)) for n in range(start, start + size)]
        seen = {stream: 0 for stream, _ in made}
        yield Append(tuple(made), seen, "bench", "meter-reader", f"cause-{start:032}", "run")


def bulk_from_events(server: embedded.Server, facts: int) -> float:
    """Events made, validated, encoded, appended and answered."""
    with database(server) as url, History(url) as history:
        return timed(lambda: sum(len(done.facts) for done in history.load(appends(facts))))


def bulk_of_rows(server: embedded.Server, lines: list[Line]) -> float:
    """Rows that are encoded already, through the writer, 2,000 a batch."""
    streams = [
        Entry(lines[n : n + 20], [(lines[n][0], 0)], lambda _: None)
        for n in range(0, len(lines), 20)
    ]
    with database(server) as url:
        writer = EventWriter(url)

        def work() -> int:
            for n in range(0, len(streams), 100):
                writer.append(streams[n : n + 100])
            return len(lines)

        rate = timed(work)
        writer.close()
        return rate


def raw_copy(server: embedded.Server, lines: list[Line]) -> float:
    """The same rows into the same table and indexes by psycopg's COPY, 2,000 a transaction."""
    now = datetime.now(UTC)
    types = ["text", "int8", "text", "bytea", "int8", "timestamptz"]
    with database(server) as url, psycopg.connect(url, autocommit=True) as connection:

        def work() -> int:
            for start in range(0, len(lines), 2000):
                with (
                    connection.cursor() as cursor,
                    cursor.copy("COPY history.events FROM STDIN (FORMAT binary)") as into,
                ):
                    into.set_types(types)
                    for n, line in enumerate(lines[start : start + 2000], start + 1):
                        into.write_row((*line, n, now))
            return len(lines)

        return timed(work)


def reading(server: embedded.Server, lines: list[Line]) -> tuple[float, float, float]:
    """Facts a second: read, decoded and folded; the rows alone; hashed and compared."""
    with database(server) as url, History(url) as history:
        writer = EventWriter(url)
        for n in range(0, len(lines), 2000):
            entries = [
                Entry(lines[m : m + 20], [(lines[m][0], 0)], lambda _: None)
                for m in range(n, n + 2000, 20)
            ]
            writer.append(entries)
        writer.close()

        def fold() -> int:
            return benches.fold(fact.event for fact in history.since()).reads

        def verify() -> int:
            found = audit(url)
            assert found.whole, found.findings
            return found.facts

        return (
            best(lambda: timed_by_core(fold)),
            best(lambda: timed_by_core(lambda: sum(map(len, history.rows())))),
            best(lambda: timed(verify)),
        )


def best(measure: Callable[[], float], times: int = 3) -> float:
    """The best of a few: the others say how busy the machine was."""
    return max(measure() for _ in range(times))


def run(commands: int = 15_000, facts: int = 100_000) -> list[dict[str, Any]]:
    """All rows of the report; what is compared takes turns, and the best of three counts."""
    lines = prepared(facts)
    measures: dict[str, Callable[[embedded.Server], float]] = {
        "ours": lambda server: commands_of_ours(server, commands),
        "library": lambda server: commands_of_the_library(server, commands // 10),
        "by hand": lambda server: rows_by_hand(server, commands),
        "threads": lambda server: commands_by_threads(server, commands // 3),
        "events": lambda server: bulk_from_events(server, facts),
        "rows": lambda server: bulk_of_rows(server, lines),
        "copy": lambda server: raw_copy(server, lines),
    }
    rate = dict.fromkeys(measures, 0.0)
    with (
        tempfile.TemporaryDirectory(prefix="wattledger-bench-") as folder,
        embedded.start(f"{folder}/data") as server,
    ):
        for _ in range(3):
            for name, measure in measures.items():
                rate[name] = max(rate[name], measure(server))
        folded, fetched, verified = reading(server, lines)
    library = {"peer": "eventsourcing 9.5, stock, 64 threads", "peer_value": rate["library"]}
    commands_row = "commands of one event, 64 at a time, durable"
    return [
        row(commands_row, rate["ours"], "commands/s", floor=10, floor_is_ratio=True, **library),
        row(commands_row, rate["ours"], "commands/s", peer="psycopg, by hand, 64 a batch",
            peer_value=rate["by hand"], floor=0.3, floor_is_ratio=True),
        row("the same from 64 threads", rate["threads"], "commands/s", **library),
        row("bulk append, from events", rate["events"], "facts/s", floor=60_000),
        row("bulk append, prepared rows", rate["rows"], "facts/s", peer="psycopg, raw COPY",
            peer_value=rate["copy"], floor=0.5, floor_is_ratio=True),
        row("replay: read, decode, fold", folded, "facts/s a core", peer="fetching the rows",
            peer_value=fetched, floor=150_000),
        row("verifying the Merkle log", verified, "facts/s", floor=300_000),
    ]  # fmt: skip


if __name__ == "__main__":
    for line in run():
        print(line)
