"""What the books of two utilities must have alike when one of them put its mistakes right."""

from __future__ import annotations

from typing import Any

from domain.customers.account import accounts as kind
from projections.billing import bills
from projections.books import trial_balance
from projections.catalogue import PROJECTIONS
from projections.customers import accounts
from projections.kit.digest import digest
from projections.kit.table import MemoryTables
from replay.billing.open_items import OpenItems
from replay.billing.verify import Posted, _bills, _books
from tests.world import World


def books_of(world: World) -> dict[str, Any]:
    """The ledger, and what each account owes and is owed."""
    ledger = {row.code: row.balance for row in world.tables.rows(trial_balance) if row.balance}
    owing = {
        row.account: (row.balance, row.held, dict(_owed(world, row.account)))
        for row in world.tables.rows(accounts)
    }
    return {"ledger": ledger, "accounts": owing}


def owed(world: World, account: str = "A1") -> dict[str, int]:
    """What is open, by item, in the order in which it is met."""
    return dict(_owed(world, account))


def held(world: World, account: str = "A1") -> int:
    """Credit held."""
    row = world.tables.get(accounts, account)
    assert row is not None
    return row.held


def assert_proven(world: World) -> None:
    """
    All that `verify` asks of the books, in memory.

    They balance, open items are known three ways alike, each bill calculated again at its
    basis comes out as it stands, and the tables are what the facts say.
    """
    codes = {row.code: row.balance for row in world.tables.rows(trial_balance)}
    every = list(world.tables.rows(accounts))
    assert sum(codes.values()) == 0
    assert codes.get("1200", 0) == sum(row.balance + row.held for row in every)
    assert codes.get("2100", 0) == -sum(row.held for row in every)
    for row in every:
        open_, credit = _owed(world, row.account), row.held
        assert row.balance == sum(open_.values()) - credit
        assert not (credit and open_), "credit is held beside what is owed"
    items = OpenItems()
    items.fold(world.facts)
    assert list(items.wrong(world.tables)) == []
    posted = Posted(int)
    assert _books(world.tables, posted, lambda *_: None).wrong == []
    assert _bills(world.tables, posted, lambda *_: None).wrong == []
    again = MemoryTables(PROJECTIONS)
    again.fold(world.facts)
    for projection in PROJECTIONS:
        assert digest(again, projection) == digest(world.tables, projection)
    for bill in world.tables.rows(bills):
        assert bill.cancelled is None or bill.issued + bill.corrected == 0


def _owed(world: World, account: str) -> dict[str, int]:
    facts = world.of(kind.stream(account))
    return dict(kind.fold(fact.event for fact in facts).owed)
