"""
How fast tables are grown from history, and how long a reader waits for them.

The history is of accounts that are opened, then charged and credited in turn; it is written
into Postgres directly, for only its reading is measured here.
"""

from __future__ import annotations

import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psycopg
from peer_runner import facts_per_second

from domain.books.entry import Entry, Posting, Source
from domain.customers.account import (
    ALLOCATION_POLICY,
    AccountCredited,
    AccountDebited,
    AccountOpened,
    Item,
    MoneyMoved,
)
from domain.kit import Fact
from domain.values import Period
from projections.customers import accounts, movements
from projections.kit.postgres import PostgresTables, reading_pool
from projections.kit.table import Projection, Table, Where
from projections.kit.writer import TableWriter
from replay.server import embedded
from replay.store.history import History
from replay.store.mapper import WRITERS, Envelope
from replay.store.migrations import migrate
from replay.tables.rebuild import rebuild

ACCOUNTS, MOVEMENTS, MILLION = 10_000, 20, 1_000_000
FIELDS = "originator_id, originator_version, topic, state, notification_id, at"
Stored = tuple[str, int, str, bytes, int, datetime]
Question = tuple[list[Where], tuple[str, ...], bool]


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a ledger of a million rows."""

    line: int
    account: str
    code: str
    on: date
    amount: int
    text: str | None


def _nothing(_: Table[Any, Line], __: Fact) -> None: ...


ledger = Projection(
    name="ledger",
    version=1,
    row=Line,
    key=("line",),
    events=(),
    keys=lambda _: (),
    project=_nothing,
    indexes=(("account", "on"), ("code", "on"), ("on",), ("amount",)),
)


def movement(name: str, n: int, position: int, amount: int, on: date) -> MoneyMoved:
    """Every other one a bill, the rest payments."""
    if n % 2 == 0:
        return AccountCredited(
            source=Source(kind="payment", reference=f"p{position}"),
            amount=amount,
            currency="GBP",
            on=on,
            policy=ALLOCATION_POLICY,
            held=amount,
            entry=posted(f"p{position}", on, -amount, "1000"),
        )
    bill, due = f"{name}-{on:%Y-%m}", on + timedelta(days=14)
    return AccountDebited(
        source=Source(kind="bill", reference=bill),
        amount=amount,
        currency="GBP",
        on=on,
        policy=ALLOCATION_POLICY,
        items=(Item(item=bill, kind="energy", amount=amount, due=due),),
        period=Period(since=on, until=on + timedelta(days=30)),
        entry=posted(bill, on, amount, "4200"),
    )


def posted(document: str, on: date, amount: int, code: str) -> Entry:
    """What is owed, and its other side."""
    sides = Posting(code="1200", amount=amount), Posting(code=code, amount=-amount)
    return Entry(
        on=on,
        month=f"{on:%Y-%m}",
        about=on,
        source=Source(kind="bill", reference=document),
        document=document,
        currency="GBP",
        postings=sides,
    )


def stored(accounts: int, movements: int) -> Iterator[Stored]:
    """The rows of a history in which every account moves so many times."""
    chance, position, opened = Random(1), 0, date(2016, 1, 1)
    names, envelope = (
        [f"{n:06d}" for n in range(accounts)],
        Envelope(("bench", "clerk", "", "", "", "", "", "c", "r")),
    )
    for n in range(movements + 1):
        on = opened + timedelta(days=30 * n)
        for name in names:
            position += 1
            amount = chance.randint(1000, 90_000)
            event = (
                movement(name, n, position, amount, on)
                if n
                else AccountOpened(customer=name, on=on)
            )
            state = envelope(event)
            at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(milliseconds=position)
            topic = WRITERS[type(event)].shape[0]
            yield f"account-{name}", n + 1, topic, state, position, at


def fill(url: str, accounts: int, movements: int) -> int:
    """Write that history; how many facts it has."""
    migrate(url)
    position, at = 0, datetime.now(UTC)
    with psycopg.connect(url) as db:
        copy = f"copy history.events ({FIELDS}) from stdin (format binary)"
        with db.cursor() as cursor, cursor.copy(copy.encode()) as to:
            to.set_types(["text", "int8", "text", "bytea", "int8", "timestamptz"])
            for row in stored(accounts, movements):
                to.write_row(row)
                position, at = row[4], row[5]
        db.execute("update history.head set position = %s, at = %s", (position, at))
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("vacuum analyze history.events")
    return position


def row(
    name: str, value: float, unit: str, floor: float, *, most: bool = False
) -> dict[str, Any]:
    """One line of the report; `most`: the floor is a ceiling."""
    return {
        "name": name, "value": round(value, 3), "unit": unit, "peer": None, "peer_value": None,
        "ratio": None, "floor": floor, "holds": value <= floor if most else value >= floor,
    }  # fmt: skip


def p95_ms(ask: Callable[[], object], times: int = 300) -> float:
    """The time in ms that 95 of 100 askings stay under."""
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - begun) * 1000)
    return statistics.quantiles(taken, n=20)[18]


def resident_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def growing(url: str) -> Iterator[dict[str, Any]]:
    """Grow the ledger alone, and with the balances; read one row at any position."""
    facts = fill(url, ACCOUNTS, MOVEMENTS)
    with History(url) as history, reading_pool(url) as pool:
        before = resident_mb()
        grown: list[tuple[str, list[Projection[Any]], float]] = [
            ("rebuild, account ledger", [movements], 60_000),
            ("rebuild, ledger and balances", [accounts, movements], 40_000),
        ]
        for name, wanted, floor in grown:
            best = max(
                rebuild(history, url, wanted, swap=n == 2).facts_per_second for n in range(3)
            )
            yield row(name, best, "facts/s", floor)
        more = resident_mb() - before
        yield row(f"memory more after a rebuild of {facts:,} facts", more, "MB", 400, most=True)
        tables, chance = PostgresTables(pool, [accounts, movements]), Random(2)

        def one() -> object:
            key = f"{chance.randrange(ACCOUNTS):06d}"
            return tables.get(accounts, key, known_at=chance.randrange(facts))

        yield row("one row, any knownAt", p95_ms(one, 2000), "ms p95", 1, most=True)

        def account() -> object:
            where = Where("account", "=", f"{chance.randrange(ACCOUNTS):06d}")
            return tables.find(movements, where, known_at=chance.randrange(facts))

        yield row("ledger of an account, any knownAt", p95_ms(account), "ms p95", 10, most=True)


def lines(chance: Random) -> Iterator[Line]:
    for n in range(1, MILLION + 1):
        on = date(2016, 1, 1) + timedelta(days=n * 3650 // MILLION)
        code = f"{chance.randrange(1, 40) * 100}"
        text = "corrected" if n % 100 == 0 else None
        yield Line(n, f"{chance.randrange(50_000):06d}", code, on, chance.randint(-9, 9), text)


def written(url: str) -> None:
    """A table of a million rows, each of which changed once."""
    with psycopg.connect(url, autocommit=True) as db:
        writer, batch = TableWriter(db, [ledger]), list[Any]()
        writer.make(bare=True)
        for line in lines(Random(3)):
            batch.append((line.line, line.line, None, line))
            if len(batch) == 50_000:
                writer.write("ledger", batch)
                batch.clear()
        writer.make()
        db.execute("vacuum analyze books.ledger, books.ledger_past")


def questions(chance: Random) -> dict[str, Callable[[], Question]]:
    """What is asked for the first page of: conditions, order, descending."""
    return {
        "all": lambda: ([], (), False),
        "newest": lambda: ([], ("on",), True),
        "an account": lambda: ([_an_account(chance)], ("on",), True),
        "a code": lambda: ([_a_code(chance)], ("on",), True),
        "a code, since a day": lambda: ([_a_code(chance), _since(chance)], ("on",), False),
        "an account and a code": lambda: ([_an_account(chance), _a_code(chance)], (), False),
        "an amount": lambda: ([Where("amount", "=", chance.randint(-9, 9))], (), False),
        "account in a dozen": lambda: (
            [Where("account", "in", [_an_account(chance).value for _ in range(12)])],
            (),
            False,
        ),
    }


def paging(url: str) -> Iterator[dict[str, Any]]:
    """First pages of a table of a million rows, and the same as known at any position."""
    written(url)
    chance = Random(4)
    with reading_pool(url) as pool:
        tables = PostgresTables(pool, [ledger])

        def ask(question: Callable[[], Question], then: bool) -> object:
            where, order, descending = question()
            at = chance.randrange(MILLION // 2, MILLION) if then else None
            return tables.find(
                ledger, *where, order=order, descending=descending, limit=50, known_at=at
            )

        for name, question in questions(chance).items():
            label = f"first page of a million, {name}"
            now = p95_ms(partial(ask, question, False), 100)
            yield row(label, now, "ms p95", 20, most=True)
            then = p95_ms(partial(ask, question, True), 100)
            yield row(f"{label}, any knownAt", then, "ms p95", 50, most=True)


def _an_account(chance: Random) -> Where:
    return Where("account", "=", f"{chance.randrange(50_000):06d}")


def _a_code(chance: Random) -> Where:
    return Where("code", "=", f"{chance.randrange(1, 40) * 100}")


def _since(chance: Random) -> Where:
    return Where("on", ">=", date(2016, 1, 1) + timedelta(days=chance.randrange(3000)))


def run() -> list[dict[str, Any]]:
    """Everything there is to measure here, each on a database of its own."""
    rows: list[dict[str, Any]] = []
    with (
        tempfile.TemporaryDirectory(prefix="wattledger-bench-") as folder,
        embedded.start(f"{folder}/data") as server,
    ):
        for name in ("growing", "peer", "paging"):
            with psycopg.connect(server.database("postgres"), autocommit=True) as db:
                db.execute(f"create database bench_{name}".encode())
        rows += growing(server.database("bench_growing"))
        peer, ours = facts_per_second(server.database("bench_peer")), rows[0]["value"]
        beside = {"peer": "eventsourcing's ProjectionRunner", "peer_value": round(peer, 3)}
        compared = {"name": "rebuild, account ledger, beside the library", "value": ours}
        reached = {"ratio": round(ours / peer, 3), "floor": 40, "holds": ours / peer >= 40}
        rows.append({**compared, "unit": "facts/s", **beside, **reached})
        rows += paging(server.database("bench_paging"))
    return rows


if __name__ == "__main__":
    for each in run():
        print(f"{each['name']:60} {each['value']:12,.3f} {each['unit']:8} {each['holds']}")
