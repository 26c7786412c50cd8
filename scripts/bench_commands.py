"""
How fast commands are decided and recorded in this process, by 64 who ask, wait and ask again.

Apart: each on a thing of its own.  Together: all on one, each decided on what the one before
leaves.  Beside the latter the library's aggregate, loaded, changed and saved until it is taken.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench_history import WRITERS, best, by_writers, database, row, timed
from bench_projections import movement
from psycopg.conninfo import conninfo_to_dict

from api.dispatch import Dispatch, RequestContext
from domain.customers.account import AccountOpened, accounts
from domain.kit import Kind, Stream, command, decision, event
from replay.server import embedded
from replay.store.append import Append
from replay.store.history import History

ONE_STREAM, APART, LONG = 6_000, 10_000, 10_000  # commands, commands, events of one account


@event("counter.turned")
class CounterTurned:
    """A counter went on."""

    by: int


@dataclass(frozen=True, slots=True)
class Counter:
    """How often it was turned, and how far it is."""

    turns: int = 0
    at: int = 0


counters: Kind[Counter, CounterTurned] = Kind(
    "counter", Counter(), lambda was, turned: Counter(was.turns + 1, was.at + turned.by)
)


@command("turn-counter", door=False)
class TurnCounter:
    """Turn it on."""

    counter: str
    by: int


@decision
def turn(asked: TurnCounter, counter: Counter) -> Iterator[CounterTurned]:
    """Always."""
    if counter.at >= 0:
        yield CounterTurned(by=asked.by)


def decided(server: embedded.Server, commands: int, things: int) -> float:
    """Commands a second through the dispatch, on so many things; all are taken."""
    context, numbers = RequestContext("bench", "clerk"), count()

    async def writer(dispatch: Dispatch, upto: int) -> None:
        while (n := next(numbers)) < upto:
            await dispatch.answer(TurnCounter(counter=str(n % things), by=1), context)

    async def writers(dispatch: Dispatch, upto: int) -> None:
        await asyncio.gather(*(writer(dispatch, upto) for _ in range(WRITERS)))

    with database(server) as url, History(url) as history:
        dispatch, warm = Dispatch(history, {}), max(things, 1000)
        asyncio.run(writers(dispatch, warm))
        begun = history.head()
        numbers = count(warm)
        rate = timed(lambda: asyncio.run(writers(dispatch, warm + commands)) or commands)
        assert history.head() == begun + commands
        return rate


def turned_by_the_library(server: embedded.Server, commands: int) -> float:
    """One aggregate of the library, as its documentation has it: load, change, save, again."""
    from eventsourcing.application import Application
    from eventsourcing.domain import Aggregate
    from eventsourcing.domain import event as happens
    from eventsourcing.persistence import IntegrityError

    class Turned(Aggregate):
        @happens("Begun")
        def __init__(self) -> None:
            self.turns = 0

        @happens("Turned")
        def turn(self) -> None:
            self.turns += 1

    class Turns(Application[Any]):
        env: ClassVar[dict[str, str]] = {}

    with database(server) as url:
        app = Turns(settings_of_the_library(url))
        first = Turned()
        app.save(first)

        def one(_: int) -> None:
            while True:
                again = app.repository.get(first.id)
                again.turn()
                try:
                    app.save(again)
                    return
                except IntegrityError:
                    continue

        rate = by_writers(one, commands)
        app.close()
        return rate


def settings_of_the_library(url: str) -> dict[str, str]:
    parts = conninfo_to_dict(url)
    names = {"dbname": "DBNAME", "host": "HOST", "port": "PORT", "user": "USER"}
    return {
        **{f"POSTGRES_{key}": str(parts.get(name, "")) for name, key in names.items()},
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_PASSWORD": "",
        "POSTGRES_POOL_SIZE": str(WRITERS),
    }


def long_account(server: embedded.Server, events: int) -> tuple[float, float]:
    """ms of a core for an account with so many movements: to fold it; to read it as well."""
    stream, on = Stream("account-000001"), date(2016, 1, 1)
    moved = [AccountOpened(customer="000001", on=on)] + [
        movement("000001", n, n + 1, 1000 + n % 97, on + timedelta(days=n // 3))
        for n in range(1, events)
    ]
    with database(server) as url, History(url) as history:
        for n in range(0, events, 500):
            happened = tuple((stream, each) for each in moved[n : n + 500])
            cause = f"cause-{n:032}"
            history.append(Append(happened, {stream: n}, "bench", "clerk", cause, "run"))

        def folded() -> None:
            accounts.fold(moved)

        def read() -> None:
            with History(url) as fresh:
                seen = fresh.states({"account": (accounts, stream)})["account"]
            assert seen.version == events

        return least_ms(folded), least_ms(read)


def least_ms(work: Callable[[], None], times: int = 3) -> float:
    """ms of this process's processor time, the least of a few."""
    taken = []
    for _ in range(times):
        begun = time.process_time()
        work()
        taken.append(1000 * (time.process_time() - begun))
    return min(taken)


def run() -> list[dict[str, Any]]:
    with (
        tempfile.TemporaryDirectory(prefix="wattledger-bench-") as folder,
        embedded.start(f"{folder}/data") as server,
    ):
        apart = best(lambda: decided(server, APART, APART))
        together = best(lambda: decided(server, ONE_STREAM, 1))
        library = turned_by_the_library(server, 100)
        folded, read = long_account(server, LONG)
    rows = [
        row("commands decided, 64 at a time, each on its own thing", apart, "commands/s"),
        row("commands decided, 64 at a time, all on one thing", together, "commands/s",
            peer="eventsourcing 9.5, retrying", peer_value=library, floor=2000),
    ]  # fmt: skip
    long = f"an account of {LONG:,} movements,"
    fold = row(f"{long} folded", folded, "ms of a core", floor=100)
    return [
        *rows,
        {**fold, "holds": folded <= 100},
        row(f"{long} read too", read, fold["unit"]),
    ]


if __name__ == "__main__":
    for line in run():
        print(line)
