"""D15: back to a chosen moment, with tables, books and root as they were then."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from api.settings import Settings
from api.system import opened
from domain.customers.customer import ErasePerson, RegisterCustomer
from projections.catalogue import PROJECTIONS
from projections.kit.digest import digest
from replay.billing.verify import verify
from replay.proofs.audit import audit
from replay.proofs.checkpoints import Notary
from replay.server import embedded
from tests.drills.conftest import Tell
from tests.drills.test_recovery import BIN, streaming
from tests.town import Town, town

ERASE = ErasePerson(customer="C-ADA", reason="asked for it", on=date(2026, 5, 1))


def backed_up(url: str, folder: Path) -> None:
    """A base backup, checked against its own manifest."""
    subprocess.run(
        [BIN / "pg_basebackup", "-D", folder, "-d", url, "-X", "none", "-c", "fast"],
        check=True, capture_output=True,
    )  # fmt: skip
    # The log is not in it: it is streamed away beside it.
    subprocess.run(
        [BIN / "pg_verifybackup", "--no-parse-wal", folder], check=True, capture_output=True
    )


def taken_back(base: Path, streamed: Path, cluster: Path, lsn: str) -> None:
    """Put the backup in the place of the data, to be brought on to a place in the log."""
    shutil.rmtree(cluster)
    shutil.copytree(base, cluster)
    cluster.chmod(0o700)
    (cluster / "recovery.signal").touch()
    copy = f"cp {streamed}/%f %p 2>/dev/null || cp {streamed}/%f.partial %p 2>/dev/null"
    with (cluster / "postgresql.auto.conf").open("a") as settings:
        settings.write(
            f"\nsynchronous_standby_names = ''\nrestore_command = '{copy}'\n"
            f"recovery_target_lsn = '{lsn}'\nrecovery_target_action = 'promote'\n"
        )


def place_in_log(url: str) -> str:
    with psycopg.connect(url) as connection:
        found = connection.execute("select pg_current_wal_flush_lsn()::text").fetchone()
    assert found is not None
    return str(found[0])


def promoted(url: str) -> None:
    """Wait until the database has come to its place and can be written."""
    for _ in range(600):
        with psycopg.connect(url) as connection:
            if connection.execute("select pg_is_in_recovery()").fetchone() == (False,):
                return
        time.sleep(0.05)
    raise AssertionError("it does not leave recovery")


def digests(harbour: Town) -> list[str]:
    return [digest(harbour.system.tables, each) for each in PROJECTIONS]


@contextmanager
def town_again(url: str, folder: Path) -> Iterator[Town]:
    """The town that is there, not founded anew."""
    settings = Settings(database_url=SecretStr(url), data_dir=folder / "settings", demo=False)
    with opened(settings) as system:
        yield Town(system)


def is_erased_again(harbour: Town) -> None:
    """Who was erased after that moment is there again, and has to be erased again."""

    def is_named() -> bool:
        return any("Ada Byron" in repr(fact) for fact in harbour.system.history.since())

    assert is_named()
    harbour.ask(ERASE, role="privacy")
    assert not is_named()


def test_a_chosen_moment_comes_back_whole(
    tmp_path_factory: pytest.TempPathFactory, long: bool, tell: Tell
) -> None:
    folder = tmp_path_factory.mktemp("moment")
    folder.chmod(0o755)
    data, homes = folder / "data", 200 if long else 10
    with (
        embedded.start(data) as server,
        town(server.url, folder / "settings") as harbour,
        streaming(server.url, folder / "streamed"),
    ):
        harbour.story()
        backed_up(server.url, folder / "base")
        for number in range(1000, 1000 + homes):
            harbour.read(harbour.home(number))
        harbour.ask(RegisterCustomer(customer="C-ADA", name="Ada Byron"))
        head = harbour.settle()
        signed = Notary(harbour.system.history, server.url, folder / "witness").sign()
        then, lsn = digests(harbour), place_in_log(server.url)
        harbour.fast("000120")  # what should not have been
        harbour.ask(ERASE, role="privacy")
        harbour.settle()
    begun = time.monotonic()
    taken_back(folder / "base", folder / "streamed", data / "postgres" / "cluster", lsn)
    with embedded.start(data) as server:
        promoted(server.url)
        took = time.monotonic() - begun
        with town_again(server.url, folder) as harbour:
            history = harbour.system.history
            assert [fact.position for fact in history.since()] == list(range(1, head + 1))
            found = audit(server.url, folder / "witness")
            assert found.findings == []
            assert signed is not None
            assert found.root == signed.root
            harbour.settle()
            assert digests(harbour) == then
            assert verify(history, harbour.system.tables, PROJECTIONS).agrees
            is_erased_again(harbour)
    tell("D15", f"{head} facts, taken back to {lsn} in {took:.1f} s; tables and root as then")
