"""
D7 and D8: many writers in several processes' worth of histories, a follower, and a checker.

The controls are stores with one fault each: the checker must find every one of them.
"""

from __future__ import annotations

import itertools
import random
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import psycopg
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict

from replay.store.append import Append, Stale, Unavailable
from replay.store.history import History
from replay.store.migrations import migrate
from tests.counters import Counted, counters, stream
from tests.drills.conftest import Tell
from tests.drills.linear import Operation, Placed, violations
from tests.meddling import altered, writing_held

CLIENTS = 32
STREAMS = 12


class Client:
    """Looks, appends, looks again, for a while; notes all it was told."""

    def __init__(self, number: int, history: History) -> None:
        self.number, self.history = number, history
        self.chance = random.Random(number)
        self.noted: list[Operation] = []

    def work(self, until: float) -> list[Operation]:
        for n in itertools.takewhile(lambda _: time.monotonic() < until, itertools.count()):
            key = str(self.chance.randrange(STREAMS))
            self.noted.append(
                self.read(key) if n % 3 == 0 else self.append(key, f"{self.number}.{n}")
            )

        return self.noted

    def read(self, key: str) -> Operation:
        begun = time.monotonic_ns()
        version = len(self.history.of(stream(key)))
        return Operation(
            self.number, "read", begun, time.monotonic_ns(), stream(key), version=version
        )

    def append(self, key: str, cause: str) -> Operation:
        begun = time.monotonic_ns()
        seen = self.history.states({"it": (counters, stream(key))})["it"].version
        beside = stream(f"{key}.{cause}")  # now and then a large command, that goes in by COPY
        large = (beside,) * (0 if self.chance.random() < 0.95 else 300)
        asked = Append(
            tuple((each, Counted(many=1)) for each in (stream(key), *large)),
            {stream(key): seen} | dict.fromkeys(large, 0),
            "drill", "clerk", cause, "drill", key=cause, digest=b"d",
        )  # fmt: skip
        try:
            facts = self.history.append(asked).facts
        except (Stale, Unavailable) as wrong:
            unknown = isinstance(wrong, Unavailable) and wrong.unknown
            return Operation(
                self.number, "append", begun, time.monotonic_ns(), stream(key), cause,
                "unknown" if unknown else "failed",
            )  # fmt: skip
        return Operation(
            self.number, "append", begun, time.monotonic_ns(), stream(key), cause,
            version=facts[0].version, positions=(facts[0].position,),
        )  # fmt: skip


def follow(history: History, stop: Event) -> list[Operation]:
    """Read everything that is new, again and again."""
    position, noted = 0, []
    while not stop.is_set() or history.head() > position:
        begun = time.monotonic_ns()
        seen = tuple(fact.position for fact in history.since(position, batch=500))
        position = seen[-1] if seen else position
        noted.append(Operation(-1, "follow", begun, time.monotonic_ns(), positions=seen))
    return noted


def trouble(database_url: str, stop: Event) -> int:
    """End the sessions that write, and hold the lock for a moment, at random."""
    chance, times = random.Random(7), 0
    while not stop.wait(chance.uniform(0.05, 0.4)):
        times += 1
        if chance.random() < 0.5:
            with writing_held(database_url):
                time.sleep(chance.uniform(0, 0.02))
        else:
            altered(
                database_url,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name"
                " = 'wattledger batcher' AND datname = current_database()",
            )
    return times


def log_of(history: History) -> list[Placed]:
    """What stands in history, by position, the cause with the first fact of a command alone."""
    facts = list(history.since())
    seen: set[str] = set()
    log: list[Placed] = []
    for fact in facts:
        log.append((fact.stream, fact.version, "" if fact.cause in seen else fact.cause))
        seen.add(fact.cause)
    return log


def test_what_32_clients_are_told_is_linearizable_and_a_follower_misses_nothing(
    database_url: str, long: bool, tell: Tell
) -> None:
    migrate(database_url)
    seconds = 60.0 if long else 4.0
    stop = Event()
    with (
        History(database_url) as one,
        History(database_url) as two,
        History(database_url) as third,
        ThreadPoolExecutor(CLIENTS + 2) as pool,
    ):
        following = pool.submit(follow, third, stop)
        troubling = pool.submit(trouble, database_url, stop)
        until = time.monotonic() + seconds
        clients = [Client(n, one if n % 2 else two) for n in range(CLIENTS)]
        working = [pool.submit(client.work, until) for client in clients]
        noted = [operation for work in working for operation in work.result()]
        stop.set()
        noted += following.result()
        log = log_of(third)

    assert violations(noted, log) == []
    outcomes = {
        outcome: sum(op.outcome == outcome for op in noted)
        for outcome in ("ok", "failed", "unknown")
    }
    tell(
        "D7, D8",
        f"{len(noted)} operations {outcomes}, {len(log)} facts, {troubling.result()} troubles",
    )


# The controls: what is wrong with each store must be found.


def told(n: int, version: int, position: int) -> Operation:
    return Operation(
        n, "append", 10 * n, 10 * n + 5, "test-a", f"c{n}", "ok", version, (position,)
    )


def test_the_librarys_function_mode_lets_a_follower_miss_a_fact(database_url: str) -> None:
    parts = conninfo_to_dict(database_url)
    name, host, port, user = (str(parts[n]) for n in ("dbname", "host", "port", "user"))
    datastore = PostgresDatastore(
        name,
        host,
        port,
        user,
        "",
        pool_size=3,
        originator_id_type="text",
        enable_db_functions=True,
    )
    recorder = PostgresApplicationRecorder(datastore)
    recorder.create_table()
    slow = [recorder.construct_pg_stored_event("slow", 1, "test.counted", b"")]
    seen: list[tuple[int, ...]] = []
    with datastore.transaction(commit=True) as cursor:
        cursor.execute(recorder.sql_invoke_pg_function_insert_events, (slow,))
        recorder.insert_events([StoredEvent("quick", 1, "test.counted", b"")])
        seen.append(tuple(n.id for n in recorder.select_notifications(1, 10)))
    after = seen[0][-1]
    later = recorder.select_notifications(after, 10, inclusive_of_start=False)
    seen.append(tuple(n.id for n in later))
    datastore.close()

    follower = [Operation(-1, "follow", n, n, positions=some) for n, some in enumerate(seen)]
    log: list[Placed] = [("slow", 1, ""), ("quick", 1, "")]
    assert violations(follower, log) == ["a follower saw position 2 after 0"]


def test_positions_given_out_without_a_lock_are_found(database_url: str) -> None:
    with (
        psycopg.connect(database_url, autocommit=True) as one,
        psycopg.connect(database_url, autocommit=True) as two,
    ):
        one.execute("CREATE SEQUENCE given CACHE 2")  # each session takes two at a time
        order = [one, two, two, one]
        given = [c.execute("SELECT nextval('given')").fetchone() for c in order]
    positions = [row[0] for row in given if row]
    operations = [told(n, n, at) for n, at in enumerate(positions, 1)]
    log = [("test-a", 0, "")] * 4
    for n, at in enumerate(positions, 1):
        log[at - 1] = ("test-a", n, f"c{n}")

    found = violations(operations, log)

    assert "c4 at 2 comes before 4, acknowledged earlier" in found


def test_a_read_from_a_snapshot_that_lags_is_found(database_url: str) -> None:
    migrate(database_url)
    with History(database_url) as history, psycopg.connect(database_url) as lagging:
        lagging.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        lagging.execute("SELECT 1 FROM history.head")
        client = Client(1, history)
        written = client.append("a", "c1")
        begun = time.monotonic_ns()
        row = lagging.execute("SELECT count(*) FROM history.events").fetchone()
        count = row[0] if row else -1
        read = Operation(2, "read", begun, begun + 1, stream("a"), version=count)
        again = client.read("a")
        log = log_of(history)

    assert violations([written, again], log) == []
    assert violations([written, read], log) == ["a read of test-a saw version 0 after 1"]


def test_a_command_that_is_done_twice_is_found(database_url: str) -> None:
    migrate(database_url)
    with History(database_url) as history:
        client = Client(1, history)
        first = client.append("a", "c1")
        twice = Append(
            ((stream("a"), Counted(many=1)),), {stream("a"): 1}, "drill", "clerk", "c1", "drill"
        )
        history.append(twice)  # sent again, and nobody looks at a key
        log = [(fact.stream, fact.version, fact.cause) for fact in history.since()]

    assert violations([first], log) == ["c1 was acknowledged and is there 2 times"]
