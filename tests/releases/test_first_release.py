"""A data folder of the first release: restored to the last row, and opened by this one."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from api.settings import Settings
from api.system import caught_up, opened, rebuilt
from domain.customers.account import accounts as kind
from projections.catalogue import PROJECTIONS
from projections.customers import accounts as account_rows
from projections.kit.digest import digest
from replay.server import embedded
from tests.doors.test_cli import Cli
from tests.releases.catalog import described
from tests.releases.folder import EXPECTED, FIRST, first_release, restored

BILLED = len(EXPECTED["bills"]) + sum(bill["notes"] for bill in EXPECTED["bills"].values())
LEDGER = "SELECT code, debits, credits, balance FROM books.trial_balance"
ACCOUNTS = "SELECT account, customer, balance, held AS advance FROM books.accounts"
BILLS = (
    "SELECT bill, account, issued, issued + corrected AS stands, outstanding, notes"
    " FROM books.bills"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("first") / "data"
    first_release(made)
    return made


def test_what_is_restored_is_what_was_sealed(database_url: str) -> None:
    """Tables, constraints, indexes, functions, triggers, owners, grants, and every row."""
    restored(database_url)
    sealed = (FIRST / "catalog.txt").read_text().splitlines()
    assert described(database_url) == sealed


def test_a_folder_of_the_first_release_opens(folder: Path, tmp_path: Path) -> None:
    cli = Cli(None, folder)
    assert cli.json("rebuild")["swapped"]
    doctor = cli.json("doctor")["database"]
    assert doctor["whose"] == "ours"
    assert doctor["tables"] == "up to date"
    assert doctor["head"] == doctor["folded to"] == EXPECTED["head"]
    assert doctor["parked streams"] == []
    assert doctor["recovered"] == "nothing to recover"
    verified = cli.json("verify")
    assert verified["agrees"], verified
    assert verified["position"] == EXPECTED["head"]
    assert not_recalculated(verified) == BILLED
    assert f"{BILLED} of an earlier edition of the rules, not re-calculated" in cli("verify")
    assert cli.json("export", str(tmp_path / "archive"))["root"] == EXPECTED["root"]


def not_recalculated(verified: Any) -> int:
    return sum(int(check["not_recalculated"]) for check in verified["checks"])


def test_its_books_are_what_they_were(folder: Path) -> None:
    assert Cli(None, folder).json("rebuild")["swapped"]
    with (
        embedded.start(folder) as server,
        psycopg.connect(server.url, row_factory=dict_row) as db,
    ):
        ledger = {row.pop("code"): row for row in db.execute(LEDGER).fetchall()}
        bills = {row.pop("bill"): row for row in db.execute(BILLS).fetchall()}
        accounts = {row.pop("account"): row for row in db.execute(ACCOUNTS).fetchall()}
    assert ledger == EXPECTED["trial_balance"]
    assert sum(row["balance"] for row in ledger.values()) == 0
    assert bills == EXPECTED["bills"]
    assert accounts == {
        key: {name: told for name, told in row.items() if name != "open"}
        for key, row in EXPECTED["accounts"].items()
    }


def test_its_accounts_and_moments_are_told_as_they_were(folder: Path) -> None:
    """By what the release itself folds: open items, balances known at a checkpoint, digests."""
    with opened(Settings(data_dir=folder, demo=False)) as it:
        rebuilt(it)
        caught_up(it.history, it.tables)
        for key, told in EXPECTED["accounts"].items():
            account = kind.fold(fact.event for fact in it.history.of(kind.stream(key)))
            assert account.owed == told["open"]
            assert account.balance == told["balance"]
        for signed in EXPECTED["checkpoints"]:
            rows = it.tables.find(account_rows, known_at=signed["size"])
            assert {row.account: row.balance for row in rows} == signed["balances"]
        for at, position in EXPECTED["moments"].items():
            assert it.history.moment(datetime.fromisoformat(at)) == position
        for one in PROJECTIONS:
            told = EXPECTED["digests"].get(one.name, {})
            if told.get("version") == one.version:
                assert digest(it.tables, one) == told["digest"]
