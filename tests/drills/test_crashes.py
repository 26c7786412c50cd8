"""
D1, D2, D3, D10: whoever is killed, what was acknowledged is there, and everything once.

D1 kills the process that writes, D2 and D3 let a system call of Postgres kill it or fail at the
flush of its log (strace; skipped where it may not trace), D10 uses keys in a storm meanwhile.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from replay.proofs.audit import audit
from replay.server import embedded
from replay.store.append import Append, KeyReused, Unavailable
from replay.store.history import History
from replay.store.migrations import migrate
from tests.counters import counting
from tests.drills.conftest import Tell

ROOT = Path(__file__).resolve().parents[2]


def nothing_lost_nothing_twice(database_url: str, acknowledged: dict[str, int]) -> int:
    """Check the final history against what was acknowledged: key -> first position."""
    with History(database_url) as history:
        facts = list(history.since())
    where = {fact.cause: fact.position for fact in reversed(facts)}
    assert {key: where.get(key) for key in acknowledged} == acknowledged
    assert set(Counter(fact.cause for fact in facts).values()) <= {2}  # whole, and once
    assert audit(database_url).findings == []
    return len(facts)


def test_a_writer_killed_at_any_moment_loses_nothing_it_acknowledged(
    database_url: str, long: bool, tell: Tell
) -> None:
    migrate(database_url)
    acknowledged: dict[str, int] = {}
    keys = iter(f"{n:06}" for n in range(10**6))
    pending: list[str] = []
    kills = 200 if long else 6
    for _ in range(kills + 1):
        last = _ == kills
        pending += [next(keys) for _ in range(200)]
        told = _life(database_url, pending, None if last else random.uniform(0, 0.05))
        acknowledged |= told
        pending = [key for key in pending if key not in told]  # sent again, under the same key

    assert pending == []
    facts = nothing_lost_nothing_twice(database_url, acknowledged)
    tell("D1", f"{kills} kills, {len(acknowledged)} commands acknowledged, {facts} facts")


def _life(database_url: str, keys: list[str], seconds: float | None) -> dict[str, int]:
    """Send keys to a fresh writer, kill it so many seconds after its first answer, or never."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.drills.write_and_die", database_url],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as writer:  # fmt: skip
        assert writer.stdin is not None
        assert writer.stdout is not None
        writer.stdin.write("\n".join(keys) + "\n")
        writer.stdin.flush()
        answers = [writer.stdout.readline()]
        if seconds is not None:
            time.sleep(seconds)
            writer.kill()
        else:
            writer.stdin.close()
        answers += writer.stdout.readlines()
    whole = [answer.split() for answer in answers if answer.endswith("\n")]
    return {key: int(position) for key, position in whole}


@pytest.fixture
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Server]:
    """A Postgres that may be killed."""
    folder = tmp_path_factory.mktemp("crash")
    folder.chmod(0o755)
    with embedded.start(folder / "data") as server:
        yield server


INJECTIONS = {
    "D2 killed at the flush": "fdatasync:signal=KILL:when={n}",
    "D2 killed at a write": "pwrite64:signal=KILL:when={n}",
    "D3 the flush fails": "fdatasync:error=EIO:when={n}",
}


@pytest.mark.parametrize("injection", INJECTIONS)
def test_postgres_dying_at_a_system_call_loses_nothing_it_acknowledged(
    own_server: embedded.Server, injection: str, long: bool, tell: Tell
) -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not on this machine")
    migrate(own_server.url)
    acknowledged: dict[str, int] = {}
    unknown: list[str] = []
    times, died, longest = (60 if long else 3), 0, 0.0
    with History(own_server.url) as history, ThreadPoolExecutor(8) as pool:
        for n in range(1, times + 1):
            history.append(counting(f"before {n}", 0, 1, 2, cause=f"before {n}"))
            with _injected(own_server.url, INJECTIONS[injection].format(n=1 + n % 7)) as tracer:
                begun = time.monotonic()
                keys = [f"{n}.{m}" for m in range(64)]
                for key, position in pool.map(lambda key: _asked(history, key), keys):
                    if position is None:
                        unknown.append(key)
                    else:
                        acknowledged[key] = position
                longest = max(longest, time.monotonic() - begun)
                died += tracer.poll() is not None
                tracer.terminate()
        for key in unknown:  # the client sends it again, under the same key
            acknowledged[key] = history.append(_one(key)).facts[0].position

    assert died > 0, "nothing was ever injected"
    facts = nothing_lost_nothing_twice(own_server.url, acknowledged)
    tell(injection, f"{died} of {times} died, {len(unknown)} left unknown, {facts} facts,"
         f" longest wait {longest:.1f} s")  # fmt: skip


def _one(key: str) -> Append:
    return counting(key, 0, 1, 2, cause=key, idempotency=key, digest=b"d")


def _asked(history: History, key: str) -> tuple[str, int | None]:
    try:
        return key, history.append(_one(key)).facts[0].position
    except Unavailable:
        return key, None


def _injected(database_url: str, fault: str) -> subprocess.Popen[bytes]:
    """Attach strace to the session that writes; it ends with the session."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'wattledger batcher'"
        ).fetchone()
    assert row is not None
    tracer = subprocess.Popen(
        ["strace", "-qq", "-e", f"trace={fault.partition(':')[0]}", "-e", f"inject={fault}",
         "-p", str(row[0])], stderr=subprocess.PIPE,
    )  # fmt: skip
    deadline = time.monotonic() + 5
    status = Path(f"/proc/{row[0]}/status")
    while f"TracerPid:\t{tracer.pid}" not in status.read_text():
        if tracer.poll() is not None or time.monotonic() > deadline:
            tracer.kill()
            pytest.skip("strace may not trace Postgres here")
        time.sleep(0.01)
    return tracer


def test_a_storm_of_the_same_keys_has_one_effect_each(
    database_url: str, long: bool, tell: Tell
) -> None:
    migrate(database_url)
    keys, repeats = (10_000 if long else 150), 20
    with (
        History(database_url) as one,
        History(database_url) as two,
        ThreadPoolExecutor(50) as pool,
    ):
        asked = [f"{n}" for n in range(keys) for _ in range(repeats)]
        random.Random(3).shuffle(asked)

        def ask(numbered: tuple[int, str]) -> tuple[str, int]:
            n, key = numbered
            return key, (one if n % 2 else two).append(_one(key)).facts[0].position

        answers: dict[str, set[int]] = {}
        for key, position in pool.map(ask, enumerate(asked)):
            answers.setdefault(key, set()).add(position)
        refused = 0
        for key in list(answers)[:20]:
            with pytest.raises(KeyReused):
                one.append(counting(key, 2, cause=key, idempotency=key, digest=b"other"))
            refused += 1

    assert all(len(positions) == 1 for positions in answers.values())
    once = {key: positions.pop() for key, positions in answers.items()}
    nothing_lost_nothing_twice(database_url, once)
    tell(
        "D10",
        f"{len(asked)} requests under {keys} keys: {len(once)} effects, {refused} refused",
    )
