"""Rules around the engine, each kind that was wrong once: what a bill comes to now."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.pricing.rating import (
    Carry,
    Demanded,
    Kept,
    Registered,
    Series,
    Usage,
    rate,
    rate_all,
)
from domain.values import Period, midnight
from tests.pricing.test_rating import JUNE, amounts, flat, month, tariff

MAY_TO_JUNE = Period(since=date(2025, 5, 15), until=date(2025, 6, 15))
WHOLE_DECEMBER = Period(since=date(2024, 12, 1), until=date(2025, 1, 1))
DECEMBER = Period(since=date(2024, 12, 15), until=date(2025, 1, 15))


def flows(period: Period, zone: str, minutes: int, *values: Any) -> Usage:
    """Intervals of import and export; each value is (import Wh, export Wh), repeated."""
    start, end = midnight(period.since, zone), midnight(period.until, zone)
    count = (end - start) // timedelta(minutes=minutes)
    some = [values[n % len(values)] for n in range(count)]
    return Usage(
        zone,
        series=(
            Series("import", start, minutes, tuple(one for one, _ in some)),
            Series("export", start, minutes, tuple(one for _, one in some)),
        ),
    )


def taken_and_given(kwh: str, given: str, period: Period) -> Usage:
    return Usage(
        "UTC",
        registers=(
            Registered("import", None, period.since, period.until, int(kwh) * 1000),
            Registered("export", None, period.since, period.until, int(given) * 1000),
        ),
    )


# Settling once a year


@pytest.mark.parametrize(
    "period", [DECEMBER, Period(since=date(2024, 12, 1), until=date(2025, 1, 1))]
)
def test_a_year_is_settled_in_the_bill_that_has_its_last_day(period: Period) -> None:
    surplus = {"kind": "surplus", "code": "surplus", "price": "0.05", "settles": 12}
    credit = {"kind": "credit", "code": "credit", "of": ["export"], "settles": 12}
    export = {"kind": "export", "code": "export", "rates": [{"price": "0.01"}]}
    minimum = {"kind": "minimum", "code": "minimum", "price": "1000", "settles": 12}
    kept = flat("0.10", net={"over": "month", "surplus": "kept", "settles": 12})
    usage = taken_and_given("10", "110", period)

    paid = amounts(rate([tariff(flat("0.10"), surplus)], usage, period))
    assert paid["surplus", "", 0] == -500
    assert not rate([tariff(kept)], usage, period).carry[0].quantity
    assert not rate([tariff(export, credit)], usage, period).carry[0].quantity
    assert ("minimum", "", 0) in amounts(rate([tariff(flat("0.10"), minimum)], usage, period))


def test_a_year_is_not_settled_in_the_bill_after_its_last_day() -> None:
    surplus = {"kind": "surplus", "code": "surplus", "price": "0.05", "settles": 12}
    after = Period(since=date(2025, 1, 1), until=date(2025, 2, 1))

    rated = rate([tariff(flat("0.10"), surplus)], taken_and_given("10", "110", after), after)

    assert ("surplus", "", 0) not in amounts(rated)


# Ratchets


RATCHET = {"kind": "demand", "code": "demand", "rates": [{"price": "1"}], "per": "period"}


def demanded(period: Period, kw: int) -> Usage:
    return Usage("UTC", demands=(Demanded(None, period.since, period.until, kw * 1000),))


def billed(versions: Any, periods: list[tuple[Period, Usage]]) -> list[Decimal]:
    carry: Carry = ()
    found = []
    for period, usage in periods:
        rated = rate(versions, usage, period, carry)
        carry = rated.carry
        demands = (one.quantity for one in rated.lines if one.kind == "demand")
        found.append(sum(demands, start=Decimal(0)))
    return found


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("2026-01-01", "2026-01-31"), ("2026-01-31", "2026-03-01")),
        (("2026-05-15", "2026-06-15"), ("2026-06-15", "2026-07-15")),
        (("2026-06-18", "2026-07-16"), ("2026-07-16", "2026-08-13")),
        (("2026-01-01", "2026-02-01"), ("2026-02-01", "2026-03-01")),
    ],
)
def test_a_ratchet_sees_the_bill_before_whatever_day_bills_begin(
    first: tuple[str, str], second: tuple[str, str]
) -> None:
    one, two = (
        Period(since=date.fromisoformat(since), until=date.fromisoformat(until))
        for since, until in (first, second)
    )
    ratcheted = tariff(RATCHET | {"ratchet": {"share": "0.8"}})

    assert billed([ratcheted], [(one, demanded(one, 100)), (two, demanded(two, 10))]) == [
        100,
        80,
    ]


def test_a_ratchet_sees_the_season_before_that_ended_in_the_month_of_this_bill() -> None:
    seasons = [
        {"name": "warm", "months": [6, 7, 8]},
        {"name": "cold", "months": [1, 2, 3, 4, 5, 9, 10, 11, 12]},
    ]
    rates = [{"season": "warm", "price": "1"}, {"season": "cold", "price": "1"}]
    said = RATCHET | {"rates": rates, "ratchet": {"share": "0.8"}}
    ratcheted = tariff(said, calendar={"seasons": seasons})
    two = Period(since=date(2025, 6, 15), until=date(2025, 7, 15))
    start = midnight(MAY_TO_JUNE.since, "UTC")
    wh = [1000] * (31 * 24)
    wh[24 * 20] = 100_000  # on 4 June
    peak = Usage("UTC", series=(Series("import", start, 60, tuple(wh)),))

    first, second = billed([ratcheted], [(MAY_TO_JUNE, peak), (two, demanded(two, 10))])

    assert first == 1 + 100
    assert second == 80


# Time order, hours, versions


def test_a_ladder_in_time_order_fills_with_what_is_left_after_netting() -> None:
    period = Period(since=date(2025, 6, 1), until=date(2025, 6, 2))
    ladder = {
        "kind": "energy",
        "code": "energy",
        "rates": [{"blocks": [{"upto": "10", "price": "0"}, {"price": "1"}]}],
        "blocks_per": "period",
        "pooling": "in-time-order",
    }
    usage = flows(period, "UTC", 30, (2000, 1000), (0, 500))

    assert rate([tariff(ladder | {"net": {"over": "interval"}})], usage, period).total == 1400
    assert rate([tariff(ladder | {"net": {"over": "hour"}})], usage, period).total == 200
    month = rate([tariff(ladder | {"net": {"over": "month"}})], usage, period)
    assert month.total == 200


@pytest.mark.parametrize(
    "zone", ["UTC", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Adelaide", "America/St_Johns"]
)
def test_an_hour_is_an_hour_of_the_clock_on_the_wall(zone: str) -> None:
    period = Period(since=date(2025, 6, 1), until=date(2025, 6, 2))
    netted = flat("1", net={"over": "hour"})
    usage = flows(period, zone, 15, (1000, 0), (0, 500), (0, 0), (0, 0))
    assert rate([tariff(netted)], usage, period).total == 1200

    demand = RATCHET | {"minutes": 60}
    assert rate([tariff(demand)], usage, period).lines[0].quantity == 1


def test_hours_of_a_zone_that_moves_by_half_an_hour_begin_anew() -> None:
    period = Period(since=date(2025, 4, 5), until=date(2025, 4, 8))
    usage = flows(period, "Australia/Lord_Howe", 30, (1000, 0))

    rated = rate([tariff(RATCHET | {"minutes": 60}, flat("1"))], usage, period)

    assert [one.quantity for one in rated.lines] == [2, Decimal("72.5") * 2]


@pytest.mark.parametrize("usage", ["intervals", "register"])
def test_a_version_that_changes_nothing_changes_no_demand(usage: str) -> None:
    start = midnight(JUNE.since, "UTC")
    wh = (100_000, *[0] * (30 * 24 - 1))
    of = {
        "intervals": Usage("UTC", series=(Series("import", start, 60, wh),)),
        "register": demanded(JUNE, 100),
    }[usage]
    demand = {"kind": "demand", "code": "demand", "rates": [{"price": "1"}]}
    charges = [demand]
    if usage == "intervals":
        charges.append(
            flat("0")
            | {
                "rates": [{"blocks": [{"upto": "1", "price": "1"}, {"price": "0"}]}],
                "blocks_per": "kw",
                "pooling": "pro-rata",
            }
        )
    one = tariff(*charges)
    two = tariff(*charges, since=date(2025, 6, 16))

    assert amounts(rate([one], of, JUNE))["demand", "", 0] == 10_000
    whole = rate([one, two], of, JUNE)
    assert sum(line.amount for line in whole.lines if line.code == "demand") == 10_000


# Numbers that do not fit into 64 bits


def test_columns_hold_a_carry_of_twelve_decimals_beyond_nine_million() -> None:
    credit = {"kind": "credit", "code": "credit", "of": ["energy"], "against": ["energy"]}
    kept = (
        Kept(
            what="credit",
            code="credit",
            since=date(1, 1, 1),
            quantity=Decimal("9300000.123456789012"),
        ),
    )
    many = [month(str(n * 100)) for n in range(5)]
    versions = [tariff(flat("0.1"), credit)]

    one_by_one = [rate(versions, usage, JUNE, kept) for usage in many]

    assert rate_all(versions, many, JUNE, [kept] * 5) == one_by_one


def test_sums_of_very_fine_and_very_large_intervals_do_not_overflow() -> None:
    start = midnight(JUNE.since, "UTC")
    usage = Usage(
        "UTC",
        series=(Series("import", start, 60, (9 * 10**17,) * 720, digits=6),),
    )
    versions = [tariff(flat("1"), RATCHET)]
    exact = Decimal(9 * 10**17 * 720).scaleb(-9)

    bill = rate(versions, usage, JUNE)

    assert bill.lines[0].quantity == exact
    assert rate_all(versions, [usage] * 5, JUNE) == [bill] * 5


def test_very_large_registers_do_not_overflow_in_columns() -> None:
    versions = [tariff(flat("1"), flat("90") | {"code": "more"})]
    two = [*versions, tariff(flat("1"), since=date(2025, 6, 16))]
    many = [month(str(9 * 10**15 + n)) for n in range(5)]

    for some in (versions, two):
        assert rate_all(some, many, JUNE) == [rate(some, usage, JUNE) for usage in many]


# Blocks wherever there are rates


BLOCKS = [{"blocks": [{"upto": "100", "price": "1"}, {"price": "2"}]}]


def test_blocks_price_what_is_given() -> None:
    export = {"kind": "export", "code": "export", "rates": BLOCKS}
    rated = rate([tariff(export)], taken_and_given("0", "150", JUNE), JUNE)
    assert amounts(rated) == {("export", "", 1): -10_000, ("export", "", 2): -10_000}

    net = {"kind": "energy", "code": "energy", "rates": BLOCKS}
    priced = net | {"net": {"over": "month", "surplus": "priced"}}
    rated = rate([tariff(priced)], taken_and_given("0", "150", JUNE), JUNE)
    assert amounts(rated) == {("energy", "", 1): -10_000, ("energy", "", 2): -10_000}


def test_blocks_price_capacity_and_contract_demand() -> None:
    capacity = {"kind": "capacity", "code": "capacity", "rates": BLOCKS}
    rated = rate([tariff(capacity)], month("0", capacity_va=150_000), JUNE)
    assert amounts(rated) == {("capacity", "", 1): 10_000, ("capacity", "", 2): 10_000}

    contract = {
        "kind": "demand",
        "code": "demand",
        "rates": BLOCKS,
        "contract": {"band": "1.0", "factor": "3"},
    }
    usage = month(
        "0",
        contract_w=90_000,
        demands=(Demanded(None, JUNE.since, JUNE.until, 120_000),),
    )
    rated = rate([tariff(contract)], usage, JUNE)
    assert sum(amounts(rated).values()) == 9_000 + 3 * (10 * 100 + 20 * 200)


# Ladders that go on


def test_a_ladder_of_a_season_begins_anew_though_prices_have_no_season() -> None:
    seasons = [
        {"name": "warm", "months": [6, 7, 8]},
        {"name": "cold", "months": [1, 2, 3, 4, 5, 9, 10, 11, 12]},
    ]
    ladder = flat("0") | {"rates": BLOCKS, "blocks_per": "season-to-date"}
    usage = flows(MAY_TO_JUNE, "UTC", 60, (1000, 0))

    rated = rate([tariff(ladder, calendar={"seasons": seasons})], usage, MAY_TO_JUNE)

    firsts = [one.quantity for one in rated.lines if one.tier == 1]
    assert firsts == [100, 100]


@pytest.mark.parametrize(
    "seasons", [[], [{"name": "all", "months": list(range(1, 13))}]], ids=["none", "one"]
)
def test_a_year_without_seasons_is_one_season(seasons: Any) -> None:
    ladder = flat("0") | {"rates": BLOCKS, "blocks_per": "season-to-date"}
    versions = [tariff(ladder, calendar={"seasons": seasons})]
    july = Period(since=date(2025, 7, 1), until=date(2025, 8, 1))
    first = rate(versions, month("90"), JUNE)

    second = rate(versions, month("90", july), july, first.carry)

    assert [one.quantity for one in second.lines] == [10, 80]


def test_a_year_may_begin_on_a_day_that_most_years_do_not_have() -> None:
    ladder = flat("0") | {
        "rates": BLOCKS,
        "blocks_per": "year-to-date",
        "year_begins": "02-29",
    }
    period = Period(since=date(2025, 2, 1), until=date(2025, 4, 1))

    rated = rate([tariff(ladder)], flows(period, "UTC", 60, (1000, 0)), period)

    assert [(one.since, one.quantity) for one in rated.lines if one.tier == 1] == [
        (date(2025, 2, 1), Decimal(100)),
        (date(2025, 3, 1), Decimal(100)),
    ]


def test_increments_in_time_order_come_to_what_bands_come_to() -> None:
    schedule = {
        "name": "tou",
        "otherwise": "day",
        "windows": [{"period": "night", "until": "07:00"}],
    }
    rates = [
        {"period": period, "blocks": [{"upto": "100", "price": price}, {"price": "3"}]}
        for period, price in (("day", "1"), ("night", "0.5"))
    ]
    ladder = flat("0") | {"rates": rates, "schedule": "tou", "pooling": "in-time-order"}
    usage = flows(JUNE, "UTC", 60, (1000, 0))

    bands, increments = (
        rate([tariff(ladder | {"steps": steps}, schedules=[schedule])], usage, JUNE).total
        for steps in ("bands", "increments")
    )

    assert bands == increments
