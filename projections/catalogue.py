"""The catalogue: every projection there is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

from domain.customers.account import MoneyMoved
from projections.billing import bills, corrections
from projections.books import journal, trial_balance
from projections.customers import accounts, customers, movements, settlements
from projections.kit.table import Projection
from projections.metering import installations, meter_errors, point_meters, readings
from projections.network import points, priced_accounts, supplied_points, supplies, terms
from projections.organisation import (
    attempts,
    duties_held,
    duties_versions,
    org_units,
    people,
    settings,
)
from projections.pricing import tariff_versions, tariffs
from projections.readings import interval_days
from projections.receivables import payments

RETIRED: tuple[str, ...] = ()
"""Names of tables that earlier releases had: dropped by an upgrade, and not used again."""

PROJECTIONS: tuple[Projection[Any], ...] = (
    settings,
    org_units,
    people,
    duties_held,
    duties_versions,
    attempts,
    customers,
    accounts,
    movements,
    points,
    supplies,
    supplied_points,
    priced_accounts,
    terms,
    installations,
    point_meters,
    readings,
    meter_errors,
    interval_days,
    tariffs,
    tariff_versions,
    bills,
    corrections,
    payments,
    settlements,
    journal,
    trial_balance,
)

MONEY: tuple[frozenset[type], ...] = (frozenset(get_args(MoneyMoved)),)
"""Events that move money together: what one of them does, another undoes."""


def check(projections: Iterable[Projection[Any]] = PROJECTIONS) -> None:
    """A table folds all events of a money union or none; raises TypeError if not."""
    for projection in projections:
        for union in MONEY:
            missed = union - set(projection.events)
            if missed and missed != union:
                names = sorted(event.__name__ for event in missed)
                raise TypeError(f"{projection.name} moves money and forgets {names}")


check()
