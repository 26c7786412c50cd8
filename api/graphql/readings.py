"""The values of an interval day, their sum, and the meter that counted them."""

from __future__ import annotations

from collections.abc import Sequence

from api.graphql.metering import Meter, meters_of
from api.graphql.models import computed
from api.graphql.scalars import BigInt
from api.graphql.view import View
from projections.readings import IntervalDay, interval_days


@computed(interval_days)
def meter(view: View, rows: Sequence[IntervalDay]) -> list[Meter]:
    """Which meter counted."""
    found = meters_of(view, [row.meter for row in rows])
    return [found[row.meter] for row in rows]


@computed(interval_days)
def wh(view: View, rows: Sequence[IntervalDay]) -> list[list[BigInt | None]]:  # noqa: ARG001
    """
    Wh (varh) in each interval, in time order, before the multiplier.

    Null where none arrived, which is not zero.
    """
    return [[None if one is None else BigInt(one) for one in row.wh] for row in rows]


@computed(interval_days)
def total(view: View, rows: Sequence[IntervalDay]) -> list[BigInt]:  # noqa: ARG001
    """The sum of the values that arrived, Wh (varh)."""
    return [BigInt(sum(one or 0 for one in row.wh)) for row in rows]


@computed(interval_days)
def missing(view: View, rows: Sequence[IntervalDay]) -> list[int]:  # noqa: ARG001
    """How many values did not arrive."""
    return [sum(one is None for one in row.wh) for row in rows]
