"""
D4, D5, D22: a full disk, flipped bits, and forgers with every right in the database.

D22 uses the verifier that shares no code with us.
"""

from __future__ import annotations

import importlib.util
import os
import random
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import psycopg
import pytest

from domain.kit import Fact
from replay.proofs.audit import audit
from replay.proofs.checkpoints import VERIFIER, Notary
from replay.server import embedded
from replay.store.append import Unavailable
from replay.store.history import History
from replay.store.migrations import migrate
from tests.counters import counting
from tests.drills.conftest import Tell
from tests.meddling import altered, refit

ROOT = Path(__file__).resolve().parents[2]
CHECKSUMS = embedded.binaries() / "pg_checksums"


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of its own in memory; skips where we may not mount one."""
    folder.mkdir(exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", folder],
        capture_output=True, check=False,
    )  # fmt: skip
    if mounted.returncode:
        pytest.skip("we may not mount a file system here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def test_on_a_full_disk_reads_go_on_and_writes_resume_by_themselves(
    tmp_path_factory: pytest.TempPathFactory, tell: Tell
) -> None:
    base = tmp_path_factory.mktemp("full")
    base.chmod(0o755)
    with (
        small_disk(base / "disk", "300m") as disk,
        embedded.start(disk / "data") as server,
    ):
        migrate(server.url)
        with History(server.url) as history:
            acknowledged = [history.append(counting(n, 0)).facts[0] for n in range(50)]
            ballast = disk / "ballast"
            _fill(ballast)
            refused = 0
            for n in range(50, 6000):
                try:
                    big = counting(n, 0, *range(300))
                    acknowledged += history.append(big).facts
                except Unavailable:
                    refused += 1
                    if refused == 5:
                        break
            assert refused == 5
            assert list(history.since()) == acknowledged  # reads go on
            begun = time.monotonic()
            ballast.unlink()
            acknowledged += _until_it_works(history)
            resumed = time.monotonic() - begun
            assert list(history.since()) == acknowledged
        assert audit(server.url).findings == []
    tell(
        "D4", f"{len(acknowledged)} facts acknowledged and there, resumed after {resumed:.2f} s"
    )


def _fill(ballast: Path) -> None:
    with ballast.open("wb") as file:
        try:
            while True:
                file.write(bytes(1 << 16))
                file.flush()
        except OSError:
            pass


def _until_it_works(history: History) -> list[Fact]:
    for _ in range(300):
        try:
            return list(history.append(counting("after", 0)).facts)
        except Unavailable:
            time.sleep(0.1)
    raise AssertionError("writes did not resume")


def test_a_flipped_bit_is_found_and_never_served_as_good(
    tmp_path_factory: pytest.TempPathFactory, long: bool, tell: Tell
) -> None:
    folder = tmp_path_factory.mktemp("flip")
    folder.chmod(0o755)
    with embedded.start(folder / "data") as server:
        migrate(server.url)
        with History(server.url) as history:
            for n in range(20):
                history.append(counting(n, 0, *range(100)))
        files = _files_of(server.url)
    cluster = folder / "data" / "postgres" / "cluster"
    chance, flips, served = random.Random(5), (1000 if long else 25), 0
    for n in range(flips):
        path = cluster / chance.choice(files)
        with _flipped(path, chance):
            found = subprocess.run(
                [CHECKSUMS, "--check", "-f", path.name, "-D", cluster],
                capture_output=True, check=False, text=True,
            )  # fmt: skip
            assert found.returncode == 1, found.stdout + found.stderr
            if n % (flips // 3) == 0 and path.name == files[0].rpartition("/")[2]:
                served += _served_as_good(folder / "data")
    assert served == 0
    tell("D5", f"{flips} of {flips} flipped bits found in the table and its indexes")


def _files_of(database_url: str) -> list[str]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        names = ("events", "events_pkey", "events_notification_id_idx")
        found = [
            connection.execute("SELECT pg_relation_filepath(%s)", (f"history.{n}",)).fetchone()
            for n in names
        ]
    return [row[0] for row in found if row]


@contextmanager
def _flipped(path: Path, chance: random.Random) -> Iterator[None]:
    """One bit of a page that is in use is another, for a while."""
    file = os.open(path, os.O_RDWR)
    try:
        at = chance.randrange(os.fstat(file).st_size)
        was = os.pread(file, 1, at)
        os.pwrite(file, bytes([was[0] ^ 1 << chance.randrange(8)]), at)
        yield
        os.pwrite(file, was, at)
    finally:
        os.close(file)


def _served_as_good(data: Path) -> bool:
    """Whether history reads through as if nothing were."""
    with embedded.start(data) as server, History(server.url) as history:
        try:
            return len(list(history.since())) == 2000
        except (psycopg.Error, Unavailable):
            return False


def independent() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "verify_history", ROOT / "scripts" / "verify_history.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FORGERIES = {
    "update": "UPDATE history.events SET state = state || ' ' WHERE notification_id = {n}",
    "time": "UPDATE history.events SET at = at + '1 us'::interval WHERE notification_id = {n}",
    "delete": "DELETE FROM history.events WHERE notification_id = {n}",
    "reorder": "UPDATE history.events SET notification_id = -1 WHERE notification_id = {n};"
    "UPDATE history.events SET notification_id = {n} WHERE notification_id = {m};"
    "UPDATE history.events SET notification_id = {m} WHERE notification_id = -1",
    "insert": "UPDATE history.events SET notification_id = -notification_id"
    " WHERE notification_id >= {n};"
    "UPDATE history.events SET notification_id = 1 - notification_id WHERE notification_id < 0;"
    "INSERT INTO history.events SELECT 'test-forged', 1, topic, state, {n}, at"
    " FROM history.events WHERE notification_id = {n} + 1",
    "old backup": "DELETE FROM history.events WHERE notification_id > {n}",
    "fork": "DELETE FROM history.events WHERE notification_id > {n};"
    "INSERT INTO history.events SELECT 'test-fork', g, 'test.counted', state, {n} + g, at"
    " FROM history.events, generate_series(1, 400 - {n}) AS g WHERE notification_id = {n}",
}


def test_every_forgery_is_found_by_a_verifier_that_shares_nothing_with_us(
    database_url: str,
    long: bool,
    tell: Tell,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    migrate(database_url)
    with History(database_url) as history:
        notary = Notary(history, database_url, tmp_path)
        for n in range(4):
            history.append(counting("a", n * 100, *range(100)))
            notary.sign()
    altered(database_url, "CREATE TABLE kept AS TABLE history.events")
    verifier, verify = (tmp_path / VERIFIER).read_text(), independent()
    chance, rounds = random.Random(11), (72 if long else 2)
    kinds = [*FORGERIES] * rounds
    for kind in kinds:
        n, m = sorted(chance.sample(range(2, 399), 2))
        altered(database_url, FORGERIES[kind].format(n=n, m=m))
        if chance.random() < 0.5:
            refit(database_url)  # and hide it in the database
        wrong = verify.verify(verify.of_database(database_url), tmp_path, verifier)
        assert wrong, kind
        if kind in ("update", "time"):
            assert f"position {n} is not what was recorded" in wrong
        altered(database_url, "DELETE FROM history.events")
        altered(database_url, "INSERT INTO history.events TABLE kept")
        assert verify.verify(verify.of_database(database_url), tmp_path, verifier) == []
    capsys.readouterr()
    tell("D22", f"{len(kinds)} of {len(kinds)} forgeries found, every restored history whole")
