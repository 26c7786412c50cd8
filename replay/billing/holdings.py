"""What decisions about accounts are given: where they take supply, and who holds which."""

from __future__ import annotations

from collections.abc import Callable

from domain.customers.holding import Held, Supplies, Taken
from projections.customers import accounts
from projections.kit.table import Tables, Where
from projections.network import supplies


class Holdings:
    """Looks up in tables that have come as far as `now` says."""

    def __init__(self, tables: Tables, now: Callable[[], int]) -> None:
        self._tables = tables
        self._now = now

    def supplies(self, asked: object) -> Supplies:
        """Where the account of a command takes supply, in order of points and days."""
        mine = Where("account", "=", getattr(asked, "account"))  # noqa: B009
        known_at = self._now()
        rows = self._tables.find(supplies, mine, known_at=known_at)
        return Supplies(tuple(Taken(row.point, row.since, row.until) for row in rows))

    def held(self, asked: object) -> Held:
        """The accounts of the customer of a command, in order."""
        mine = Where("customer", "=", getattr(asked, "customer"))  # noqa: B009
        known_at = self._now()
        rows = self._tables.find(accounts, mine, known_at=known_at)
        return Held(tuple(row.account for row in rows))
