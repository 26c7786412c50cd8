"""A history whose end is known to be lost is not served and not written on; it can be read."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import psycopg
import pytest
from pydantic import SecretStr

from api.dispatch import RequestContext
from api.settings import Settings
from api.system import opened
from domain.customers.customer import RegisterCustomer
from replay.proofs.checkpoints import CHECKPOINTS, Notary
from replay.proofs.cut import HistoryCut, cut
from replay.server import embedded
from replay.store.append import HistoryBroken
from replay.store.history import History
from replay.store.migrations import migrate
from tests.counters import counting
from tests.doors.test_cli import Cli
from tests.meddling import altered, refit
from tests.town import town


@pytest.fixture
def cli(server: embedded.Server, tmp_path: Path) -> Iterator[Cli]:
    """A town of one home, signed."""
    with psycopg.connect(server.database("postgres"), autocommit=True) as db:
        db.execute("drop database if exists cut with (force)")
        db.execute("create database cut")
        with town(server.database("cut"), tmp_path) as made:
            made.story()
        cli = Cli(server.database("cut"), tmp_path)
        cli("checkpoint")
        yield cli
        db.execute("drop database cut with (force)")


def lost(url: str, facts: int) -> None:
    """As if an old copy of the database, of so many facts less, were put in its place."""
    altered(
        url,
        f"DELETE FROM history.events WHERE notification_id > (SELECT position - {facts}"
        " FROM history.head)",
    )
    altered(url, f"UPDATE history.head SET position = position - {facts}")
    altered(
        url,
        "DELETE FROM history.checkpoints WHERE size > (SELECT position FROM history.head)",
    )
    refit(url)


def head(url: str) -> int:
    with psycopg.connect(url) as db:
        row = db.execute("select position from history.head").fetchone()
    assert row is not None
    return int(row[0])


def test_a_server_does_not_serve_a_history_whose_end_is_lost(cli: Cli) -> None:
    url = cli.environment["WATTLEDGER_DATABASE_URL"]
    signed = head(url)
    lost(url, 3)

    told = f"{signed} facts of this history were signed and {signed - 3} are there"
    assert told in cli("serve", "--no-demo", "--port", "8111", code=1)
    assert head(url) == signed - 3


def test_no_command_is_recorded_on_a_history_whose_end_is_lost(
    cli: Cli, tmp_path: Path
) -> None:
    url = cli.environment["WATTLEDGER_DATABASE_URL"]
    lost(url, 3)
    left = head(url)

    with opened(Settings(database_url=SecretStr(url), data_dir=tmp_path)) as it:
        asked = RegisterCustomer(customer="N1", name="Ada")
        with pytest.raises(HistoryCut, match="Nothing is served or recorded on it"):
            it.dispatch(asked, RequestContext("ann", "clerk"))

    assert head(url) == left


def test_what_only_reads_it_works_and_tells(cli: Cli, tmp_path: Path) -> None:
    url = cli.environment["WATTLEDGER_DATABASE_URL"]
    signed = head(url)
    lost(url, 3)

    assert f"{signed - 3}" in cli("export", str(tmp_path / "archive"))
    assert cli.json("doctor")["database"]["head"] == signed - 3
    found = cli.json("verify", code=1)
    wrong = [each for check in found["checks"] for each in check["wrong"]]
    assert any(str(signed) in each for each in wrong)
    assert "were signed" in cli("checkpoint", code=1)


@pytest.fixture
def notary(history: History, database_url: str, tmp_path: Path) -> Notary:
    return Notary(history, database_url, tmp_path / "witness")


@pytest.fixture
def history(database_url: str) -> Iterator[History]:
    migrate(database_url)
    with History(database_url) as made:
        yield made


def test_nothing_is_known_of_what_was_never_signed(
    history: History, database_url: str, tmp_path: Path
) -> None:
    history.append(counting("a", 0, 1, 2, 3))

    assert cut(database_url, tmp_path / "witness") is None


def test_a_history_that_grew_is_the_one_that_was_signed(
    history: History, notary: Notary, database_url: str, tmp_path: Path
) -> None:
    for n in range(0, 600, 100):
        history.append(counting("a", n, *range(100)))
        notary.sign()
        history.append(counting(f"b{n}", 0, 1))
        assert cut(database_url, tmp_path / "witness") is None


def test_another_history_of_the_same_length_is_told(
    history: History, notary: Notary, database_url: str, tmp_path: Path
) -> None:
    history.append(counting("a", 0, *range(300)))
    notary.sign()
    altered(
        database_url,
        "UPDATE history.events SET topic = 'counter.other' WHERE notification_id = 7",
    )
    refit(database_url)
    altered(database_url, "DELETE FROM history.checkpoints")

    found = cut(database_url, tmp_path / "witness")

    assert isinstance(found, HistoryCut)
    assert "not those that were signed" in str(found)


def test_a_copy_of_the_folder_tells_it_without_the_database(
    history: History, notary: Notary, database_url: str, tmp_path: Path
) -> None:
    history.append(counting("a", 0, 1, 2, 3))
    notary.sign()
    copied = shutil.copytree(tmp_path / "witness", tmp_path / "safe")
    lost(database_url, 1)

    assert cut(database_url, copied) is not None
    (copied / CHECKPOINTS).unlink()
    assert cut(database_url, copied) is None


def test_what_the_notary_finds_stops_who_writes(
    history: History, notary: Notary, database_url: str
) -> None:
    history.append(counting("a", 0, 1, 2, 3))
    notary.sign()
    lost(database_url, 1)
    stopped = Event()
    stopped.set()

    with pytest.raises(HistoryBroken):
        notary.run(stopped)
    with pytest.raises(HistoryBroken, match="signed"):
        history.append(counting("b", 0, 1))
