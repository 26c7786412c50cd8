"""Bills that others published or computed, each with its source, to the cent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.metering.meter import RegisterWentBack
from domain.pricing.rating import (
    Carry,
    Line,
    Rated,
    Series,
    Usage,
    Why,
    evaluate,
    explain,
    rate,
    rate_all,
)
from domain.values import Period, midnight
from tests.pricing.cases import Case, advance, cases

CENT = Decimal("0.005")


def name(line: Line) -> str:
    return " ".join(filter(None, (line.code, line.period, str(line.tier or ""))))


def unrounded(why: Why) -> Decimal:
    """The amount before it became money."""
    return evaluate(why.operands[0] if why.op == "rounded" else why)


def money(lines: Iterable[Line]) -> Decimal:
    return Decimal(sum(line.amount for line in lines)) / 100


def by_kind(rated: Rated, whys: tuple[Why, ...]) -> dict[str, Decimal]:
    """Exact sums by kind, by code where two charges are of one kind, and all of it."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for line, why in zip(rated.lines, whys, strict=True):
        if line.kind != "rounding":
            exact = unrounded(why)
            for key in {line.kind, line.code} if line.kind == "demand" else {line.kind}:
                sums[key] += exact
            sums["total"] += exact
    if "flat demand" in sums and "demand" in sums:
        sums["demands"] = sums["demand"] if "demand" in sums else Decimal(0)
        sums["demand"] -= sums["flat demand"]
    return sums


def check(rated: Rated, whys: tuple[Why, ...], wanted: dict[str, Any], near: Decimal) -> None:
    lines = {name(line): line for line in rated.lines}
    assert sum(line.amount for line in rated.lines) == rated.total
    if "total" in wanted:
        assert Decimal(rated.total) / 100 == Decimal(wanted["total"])
    if "exact" in wanted:
        assert abs(by_kind(rated, whys)["total"] - Decimal(wanted["exact"])) <= near
        if "total" not in wanted:
            assert (
                abs(money(rated.lines) - Decimal(wanted["exact"])) <= CENT * len(lines) + near
            )
    for key, amount in wanted.get("amounts", {}).items():
        assert money([lines[key]]) == Decimal(amount), key
    for key, quantity in wanted.get("quantities", {}).items():
        assert lines[key].quantity == Decimal(quantity), key
    for key, amount in wanted.get("sums", {}).items():
        kinds = key.split(" and ")
        assert money(one for one in rated.lines if one.kind in kinds) == Decimal(amount)
    sums = by_kind(rated, whys)
    for kind, amount in wanted.get("kinds", {}).items():
        assert abs(sums[kind] - Decimal(amount)) <= max(near, Decimal("1e-6")), kind


@pytest.mark.parametrize("case", cases("published", "engines", "china", "rules"), ids=str)
def test_a_bill_comes_to_what_its_source_says(case: Case) -> None:
    carry: Carry = ()
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for n, (period, usage, wanted) in enumerate(case.bills(), 1):
        rated = rate(case.versions, usage, period, carry)
        whys = explain(case.versions, usage, period, carry)
        kinds = case.said.get("monthly_of", {}).get(str(n), wanted.get("kinds", {}))
        check(rated, whys, {**wanted, "kinds": kinds}, case.tolerance)
        for kind, exact in by_kind(rated, whys).items():
            sums[kind] += exact
        if month := case.said.get("months", {}).get(str(n)):
            assert by_kind(rated, whys)["total"] == Decimal(month)
        carry = rated.carry
    if "sum" in case.said:
        assert abs(sums["total"] - Decimal(case.said["sum"])) <= case.tolerance
    for kind, amount in case.said.get("sums", {}).items():
        assert abs(sums[kind] - Decimal(amount)) <= case.tolerance


@pytest.mark.parametrize("case", cases("rules"), ids=str)
def test_many_accounts_and_intervals_come_to_what_one_register_does(case: Case) -> None:
    for period, usage, _ in case.bills():
        bill = rate(case.versions, usage, period)
        assert rate_all(case.versions, [usage] * 5, period) == [bill] * 5
        if twin := by_hours(usage, period):
            assert rate(case.versions, twin, period).total == bill.total
            again = rate_all(case.versions, [twin, *[usage] * 4, *[twin] * 4], period)
            assert {one.total for one in again} == {bill.total}


def by_hours(usage: Usage, period: Period) -> Usage | None:
    """The same energy in hours: all of it in the first; None if a register is of some hours."""
    if not usage.registers or any(one.label for one in usage.registers):
        return None
    start, end = (midnight(day, usage.zone) for day in (period.since, period.until))
    hours = (end - start) // timedelta(hours=1)
    series = tuple(
        Series(one.channel, start, 60, (one.wh, *[0] * (hours - 1))) for one in usage.registers
    )
    return replace(usage, registers=(), series=series)


def test_a_register_with_known_digits_does_not_take_450_to_440_for_a_roll_over() -> None:
    with pytest.raises(RegisterWentBack):
        advance("450", "440", 3)
