"""What was agreed over some days: contract demand in W, capacity in VA."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from domain.pricing.usage import Agreed, Usage
from domain.values import Period

Stretch: TypeAlias = tuple[Period, Any, tuple[str, ...]]
"""Days, a quantity in W or VA (of one account, or a column of many), and the facts."""


def agreed(usage: Usage, what: Agreed, period: Period, label: str = "") -> list[Stretch]:
    """
    By stretches, for the hours of one time-of-use period, or for all hours.

    Where nothing was agreed for those hours, what holds for all hours holds.
    """
    found = list(_of_label(usage, what, period, label)) if label else []
    reached = period.since
    for since, until in [
        *((days.since, days.until) for days, *_ in found),
        (period.until,) * 2,
    ]:
        if reached < since:
            found += _of_label(usage, what, Period(since=reached, until=since), "")
        reached = max(reached, until)
    return sorted(found, key=lambda stretch: stretch[0].since)


def _of_label(usage: Usage, what: Agreed, period: Period, label: str) -> Iterator[Stretch]:
    whole = usage.contract_w if what == "contract" else usage.capacity_va
    if whole is not None and not label:
        yield period, whole, ()
        return
    for one in sorted(usage.held, key=lambda one: one.since):
        days = period.meet(one.since, one.until)
        if days and one.what == what and one.label == label:
            yield days, one.w, one.facts
