"""
D15: the data folder is gone; what is left is a base backup, the log that was streamed away, and
the witness folder.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from replay.proofs.audit import audit
from replay.proofs.checkpoints import Notary
from replay.server import embedded
from replay.store.append import Unavailable
from replay.store.history import History
from replay.store.migrations import migrate
from tests.counters import counting
from tests.drills.conftest import Tell

BIN = embedded.binaries()


@contextmanager
def streaming(database_url: str, folder: Path) -> Iterator[None]:
    """pg_receivewal writes the log away as it comes, flushed at once."""
    folder.mkdir()
    receiver = subprocess.Popen(
        [BIN / "pg_receivewal", "-D", folder, "-d", database_url, "--synchronous", "-n"],
        stderr=subprocess.PIPE,
    )
    try:
        with psycopg.connect(database_url, autocommit=True) as connection:
            for _ in range(100):
                if connection.execute("SELECT FROM pg_stat_replication").fetchone() is not None:
                    break
                time.sleep(0.05)
            else:
                raise AssertionError("the log is not streamed")
            connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            connection.execute("SELECT pg_reload_conf()")
        yield
    finally:
        receiver.terminate()
        receiver.communicate()


def restored(base: Path, streamed: Path, cluster: Path) -> None:
    """Put the base backup in the place of the data, to be brought on by the streamed log."""
    shutil.rmtree(cluster)
    shutil.copytree(base, cluster)
    cluster.chmod(0o700)
    (cluster / "recovery.signal").touch()
    with (cluster / "postgresql.auto.conf").open("a") as settings:
        copy = f"cp {streamed}/%f %p 2>/dev/null || cp {streamed}/%f.partial %p 2>/dev/null"
        settings.write(f"\nsynchronous_standby_names = ''\nrestore_command = '{copy}'\n")


def goes_on(history: History) -> None:
    """It can be read while it still catches up; soon it can be written too."""
    for _ in range(300):
        try:
            history.append(counting("after", 0))
            return
        except Unavailable:
            time.sleep(0.1)
    raise AssertionError("writes did not resume")


def test_nothing_acknowledged_is_lost_with_the_data_folder(
    tmp_path_factory: pytest.TempPathFactory, long: bool, tell: Tell
) -> None:
    folder = tmp_path_factory.mktemp("recovery")
    folder.chmod(0o755)
    with embedded.start(folder / "data") as server:
        migrate(server.url)
        with History(server.url) as history:
            notary = Notary(history, server.url, folder / "witness")
            facts = list(history.append(counting("early", 0, *range(500))).facts)
            with streaming(server.url, folder / "streamed"):
                subprocess.run(
                    [BIN / "pg_basebackup", "-D", folder / "base", "-d", server.url,
                     "-X", "none", "-c", "fast", "--no-sync"], check=True, capture_output=True,
                )  # fmt: skip
                for n in range(3000 if long else 200):
                    facts += history.append(counting(n, 0, *range(20))).facts
                signed = notary.sign()
    begun = time.monotonic()
    restored(folder / "base", folder / "streamed", folder / "data" / "postgres" / "cluster")
    with embedded.start(folder / "data") as server, History(server.url) as history:
        took = time.monotonic() - begun
        assert list(history.since()) == facts
        found = audit(server.url, folder / "witness")
        assert found.findings == []
        assert signed is not None
        assert found.root == signed.root
        goes_on(history)
    tell("D15", f"{len(facts)} facts back after {took:.1f} s, none lost, the root is as signed")
