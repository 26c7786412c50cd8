"""D23: a canary is planted and erased, and then looked for wherever a name can hide."""

from __future__ import annotations

import base64
import gzip
import subprocess
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import psycopg
import pytest

from domain.customers.customer import ErasePerson, RegisterCustomer, RenameCustomer
from projections.billing import bills
from projections.books import trial_balance
from projections.catalogue import PROJECTIONS
from projections.customers import accounts
from replay.archives.archive import check, export
from replay.archives.keys import save, sweep
from replay.archives.restore import restore
from replay.billing.verify import verify
from replay.server import embedded
from replay.store.history import History
from tests.drills.conftest import Tell
from tests.town import Town, town

CANARY = "Zephyrine Quillfeather"
BOOKS = (accounts, bills, trial_balance)
ARCHIVES = ("earlier", "again", "later")
CONTACT = "zq7731@canary.example"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[embedded.Server]:
    """A cluster of its own, whose every file is looked into."""
    with embedded.start(tmp_path / "data") as server:
        yield server


def plant(harbour: Town) -> None:
    harbour.story()
    harbour.ask(RegisterCustomer(customer="C-CANARY", name=CANARY, contact=CONTACT))
    harbour.ask(RenameCustomer(customer="C-CANARY", name=f"{CANARY} the Second"))
    harbour.settle()


def signs_in(url: str) -> tuple[bytes, ...]:
    """What gives the person away: the name, the contact, and the key to both.  On the disk."""
    with psycopg.connect(url, autocommit=True) as connection:
        query = "select key from history.keys where person = 'customer-C-CANARY'"
        row = connection.execute(query, binary=True).fetchone()
        connection.execute("analyze")  # the planner's statistics hold names as well
        connection.execute("checkpoint")
    assert row is not None
    key: bytes = row[0]
    return CANARY.encode(), CONTACT.encode(), key, key.hex().encode(), base64.b64encode(key)


def hiding(folder: Path, signs: tuple[bytes, ...]) -> list[str]:
    """The files of a folder in which a sign is found, unpacked where they are packed."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            content = gzip.decompress(content) if path.suffix == ".gz" else content
            if any(sign in content for sign in signs):
                found.append(str(path.relative_to(folder)))
    return found


def check_in(folder: Path) -> Path:
    check(folder)
    return folder


def dumped(url: str) -> bytes:
    program = embedded.binaries() / "pg_dump"
    return subprocess.run([program, url], capture_output=True, check=True).stdout


def names_in(url: str) -> list[str]:
    with History(url) as history:
        return [repr(fact) for fact in history.since() if CANARY in repr(fact)]


def test_an_erased_person_is_found_nowhere(
    cluster: embedded.Server, tmp_path: Path, tell: Tell
) -> None:
    with town(cluster.url, tmp_path / "settings") as harbour:
        plant(harbour)
        system = harbour.system
        earlier = export(system.history, tmp_path / "earlier")
        signs = signs_in(cluster.url)
        money = [system.tables.find(each) for each in BOOKS]
        before = hiding(cluster.data_dir, signs)
        assert before, "the canary was never there"
        assert CANARY.encode() in dumped(cluster.url)

        asked = ErasePerson(customer="C-CANARY", reason="asked for it", on=date(2026, 5, 1))
        begun = time.perf_counter()
        harbour.ask(asked, by="dora", role="privacy")
        erased = time.perf_counter() - begun
        harbour.settle()
        gone = time.perf_counter() - begun

        assert not any(sign in dumped(cluster.url) for sign in signs)
        assert names_in(cluster.url) == []
        assert money == [system.tables.find(each) for each in BOOKS]
        assert verify(system.history, system.tables, PROJECTIONS).agrees
        again = export(system.history, tmp_path / "again", until=earlier.last)
        assert again.root == earlier.root  # so every proof given out before still holds
        later = export(system.history, tmp_path / "later")
        assert [hiding(check_in(tmp_path / each), signs) for each in ARCHIVES] == [[]] * 3
        left = hiding(cluster.data_dir, signs)
        swept = _swept(cluster, signs)
    tell(
        "D23",
        f"erased in {erased * 1000:.0f} ms, out of all tables after {gone * 1000:.0f} ms;"
        f" 0 hits in dump, {later.last} facts and 3 archives; files with a sign:"
        f" {len(before)} before, {len(left)} after, {len(swept)} when swept",
    )
    assert swept == []


def _swept(cluster: embedded.Server, signs: tuple[bytes, ...]) -> list[str]:
    """What still hides on the disk when pages and write-ahead log are written anew."""
    with psycopg.connect(cluster.url, autocommit=True) as connection:
        # A recycled segment keeps its old bytes until they are written over.
        connection.execute("alter system set wal_recycle = off")
        connection.execute("select pg_reload_conf()")
    sweep(cluster.url, PROJECTIONS)
    return hiding(cluster.data_dir, signs)


def test_an_old_key_opens_an_old_archive_and_no_new_one(
    cluster: embedded.Server, tmp_path: Path, tell: Tell
) -> None:
    """The window, told honestly: who keeps an old archive and its keys can read it."""
    with town(cluster.url, tmp_path / "settings") as harbour:
        plant(harbour)
        export(harbour.system.history, tmp_path / "earlier")
        with psycopg.connect(cluster.url, autocommit=True) as connection:
            save(connection, tmp_path / "keys")
            for name in ("old", "new"):
                connection.execute(f"create database {name}".encode())
        asked = ErasePerson(customer="C-CANARY", reason="asked for it", on=date(2026, 5, 1))
        harbour.ask(asked, role="privacy")
        export(harbour.system.history, tmp_path / "later")

    restore(tmp_path / "earlier", cluster.database("old"), keys=tmp_path / "keys")
    restore(tmp_path / "later", cluster.database("new"), keys=tmp_path / "keys")

    assert len(names_in(cluster.database("old"))) == 2
    assert names_in(cluster.database("new")) == []
    tell("D23", "an old key file opens the archive of its day, and no archive made since")
