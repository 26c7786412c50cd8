"""What payments settled, and what settled bills."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, TypeAlias

from api.graphql.catalogue import MODELS
from api.graphql.models import computed, restated
from api.graphql.view import View
from projections import billing
from projections import customers as settled
from projections import receivables as rows

if TYPE_CHECKING:
    Bill: TypeAlias = Any
    Settlement: TypeAlias = Any
else:
    Bill = MODELS[billing.bills].type
    Settlement = MODELS[settled.settlements].type


@restated(rows.payments, "reversed")
def reversals(view: View, found: Sequence[rows.Payment]) -> list[date | None]:
    """The days of those dated by then."""
    day = view.as_of
    return [
        row.reversed if row.reversed and day and row.reversed <= day else None for row in found
    ]


def _payments(view: View, found: Sequence[rows.Payment]) -> list[list[Settlement]]:
    """
    What it settled, item by item; negative where a reversal reopened it.

    The rest is held as credit.
    """
    return _by(view, "source", [row.payment for row in found])


def _bills(view: View, found: Sequence[billing.Bill]) -> list[list[Settlement]]:
    """
    What settled it, in the order recorded: payments, and credits of other bills.

    Negative where a payment was returned.
    """
    return _by(view, "item", [row.bill for row in found])


_payments.__name__ = _bills.__name__ = "settlements"
computed(rows.payments)(_payments)
computed(billing.bills)(_bills)


def _by(view: View, column: str, keys: Sequence[str]) -> list[list[Settlement]]:
    there = view.there(settled.settlements)
    parts = view.among(settled.settlements, column, keys, *there)
    found: dict[str, list[Settlement]] = {key: [] for key in keys}
    nodes = MODELS[settled.settlements].nodes(view, parts)
    for part, node in zip(parts, nodes, strict=True):
        found[getattr(part, column)].append(node)
    return [found[key] for key in keys]


@computed(settled.settlements)
def bill(view: View, found: Sequence[settled.Settlement]) -> list[Bill | None]:
    """The bill, if the item is one."""
    rows_ = view.among(billing.bills, "bill", [row.item for row in found])
    nodes = MODELS[billing.bills].nodes(view, rows_)
    by_number = {row.bill: node for row, node in zip(rows_, nodes, strict=True)}
    return [by_number.get(row.item) for row in found]
