"""What accounts say under `asOf`: of their movements, those dated by then."""

from __future__ import annotations

from collections.abc import Sequence

from api.graphql.models import restated
from api.graphql.view import View
from projections.customers import Account, accounts, movements
from projections.kit.table import Where


@restated(accounts, "balance")
def balances(view: View, rows: Sequence[Account]) -> list[int]:
    """The sums of the movements dated by then."""
    keys = [row.account for row in rows]
    among = Where("account", "in", keys)
    sums = view.sums(movements, "amount", among, *view.there(movements), by="account")
    return [sums.get(key, 0) for key in keys]


@restated(accounts, "held")
def credits_held(view: View, rows: Sequence[Account]) -> list[int]:
    """What is held after the facts dated by then."""
    return [one.held for one in view.settled(row.account for row in rows)]
