"""
Open items, known three ways that must agree.

By the account: its stream folded as a decision sees it.  By the bills: what the table says is
outstanding.  By the settlements: what was debited, less what the table says was settled.  An
event of money that one of them forgets shows here, though each agrees with itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from domain.customers.account import Account
from domain.customers.account import accounts as kind
from domain.kit import Fact
from projections.billing import bills, corrections
from projections.customers import accounts, settlements
from projections.kit.table import Tables


class OpenItems:
    """Accounts, as their streams say; `wrong` compares them with the tables."""

    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}

    def fold(self, facts: Iterable[Fact]) -> None:
        """Fold what happened to accounts, in order of position."""
        for fact in facts:
            if fact.stream.startswith(f"{kind.name}-"):
                known = self._accounts.get(fact.key, kind.initial)
                self._accounts[fact.key] = kind.evolve(known, fact.event)

    def __len__(self) -> int:
        return sum(len(account.items) for account in self._accounts.values())

    def wrong(self, tables: Tables) -> Iterator[str]:
        """What is wrong with which item or account, a sentence each."""
        by_account = Counter[str]()
        for account in self._accounts.values():
            by_account.update(account.owed)
        by_bills = {row.bill: row.outstanding for row in tables.rows(bills)}
        by_settlements = _unsettled(tables)
        for item in sorted({*by_account, *by_bills, *by_settlements}):
            known = by_account[item]
            if item in by_bills and by_bills[item] != known:
                yield f"{item}: the account says {known} is open, bills {by_bills[item]}"
            if by_settlements[item] != known:
                left = by_settlements[item]
                yield f"{item}: the account says {known} is open, settlements leave {left}"
        yield from self._balances(tables)

    def _balances(self, tables: Tables) -> Iterator[str]:
        rows = {row.account: (row.balance, row.held) for row in tables.rows(accounts)}
        for key, account in self._accounts.items():
            known = account.balance, account.held
            if rows.get(key) != known:
                yield f"account {key} has a balance and credit of {known}, not {rows.get(key)}"


def _unsettled(tables: Tables) -> Counter[str]:
    """By item, what bills and notes debited, less what settlements settled."""
    left = Counter[str]()
    for bill in tables.rows(bills):
        left[bill.bill] += max(bill.issued, 0)
    for note in tables.rows(corrections):
        left[note.bill] += max(note.total, 0)
    for settled in tables.rows(settlements):
        left[settled.item] -= settled.amount
    return left
