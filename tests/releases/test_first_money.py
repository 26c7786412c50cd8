"""The money of the first release, read as one fact of money: the same to the cent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from domain.customers.account import accounts as kind
from domain.kit import NAMES, Fact
from projections.billing import bills
from projections.books import journal, trial_balance
from projections.catalogue import PROJECTIONS
from projections.customers import accounts
from projections.kit.table import MemoryTables
from replay.billing.open_items import OpenItems
from replay.store.history import History
from tests.releases.folder import EXPECTED, restored

RETIRED = {"account.charged", "account.adjusted", "account.payment-returned"}


@dataclass(frozen=True, slots=True)
class Read:
    """What the first release stored, as this one reads it."""

    facts: list[Fact]
    tables: MemoryTables
    items: OpenItems


@pytest.fixture
def read(database_url: str) -> Iterator[Read]:
    restored(database_url)
    with History(database_url) as history:
        facts = list(history.since())
        tables, items = MemoryTables(PROJECTIONS).fold(facts), OpenItems()
        items.fold(facts)
        yield Read(facts, tables, items)


def test_its_money_is_what_it_was(read: Read) -> None:
    """Both halves: revenue that its bills posted, and what its accounts moved."""
    ledger = {row.code: row for row in read.tables.rows(trial_balance)}
    assert {
        code: {"debits": row.debits, "credits": row.credits, "balance": row.balance}
        for code, row in ledger.items()
    } == EXPECTED["trial_balance"]
    assert sum(row.balance for row in ledger.values()) == 0
    assert {row.account: (row.balance, row.held) for row in read.tables.rows(accounts)} == {
        key: (said["balance"], said["advance"]) for key, said in EXPECTED["accounts"].items()
    }
    assert {
        row.bill: (row.issued, row.issued + row.corrected, row.outstanding, row.notes)
        for row in read.tables.rows(bills)
    } == {
        key: (said["issued"], said["stands"], said["outstanding"], said["notes"])
        for key, said in EXPECTED["bills"].items()
    }


def test_its_open_items_are_what_they_were_three_ways(read: Read) -> None:
    for key, said in EXPECTED["accounts"].items():
        own = [fact.event for fact in read.facts if fact.stream == kind.stream(key)]
        assert kind.fold(own).owed == said["open"]
    assert len(read.items) > 0
    assert list(read.items.wrong(read.tables)) == []


def test_its_balances_at_each_checkpoint_are_known(read: Read) -> None:
    for signed in EXPECTED["checkpoints"]:
        rows = read.tables.find(accounts, known_at=signed["size"])
        assert {row.account: row.balance for row in rows} == signed["balances"]


def test_a_fact_keeps_the_name_and_version_it_is_stored_in(read: Read) -> None:
    written = [fact.written for fact in read.facts]
    counted: dict[str, int] = {}
    for each in written:
        assert each is not None
        assert each[1] == 1
        counted[each[0]] = counted.get(each[0], 0) + 1
    assert counted == EXPECTED["events"]
    told = {fact.name for fact in read.facts}
    assert not told & RETIRED
    assert told <= set(NAMES.values())


def test_an_entry_is_about_the_period_by_its_last_day(read: Read) -> None:
    december = read.tables.find(journal)
    about = {line.document: line.about.isoformat() for line in december}
    assert about["100001-2024-12"] == "2024-12-31"
    assert {line.month for line in december if line.document == "100001-2024-12"} == {"2025-01"}
