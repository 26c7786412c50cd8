"""Rating: what charges come to, where local days are long or short, always to the cent."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from domain.pricing.rating import (
    NoTariff,
    Rated,
    ReadingMissing,
    Registered,
    Series,
    TooCoarse,
    Usage,
    UsageBelowZero,
    UsageMissing,
    UsageNotByPeriod,
    UsageTwice,
    rate,
)
from domain.pricing.tariff import TariffDocument, TariffVersion
from domain.values import Period, midnight

JUNE = Period(since=date(2025, 6, 1), until=date(2025, 7, 1))
ADAPTER = TypeAdapter(TariffDocument)


def tariff(*charges: dict[str, Any], since: date = date(2020, 1, 1), **more: Any) -> Any:
    said = {"name": "a tariff", "currency": "USD", "charges": list(charges), **more}
    document = ADAPTER.validate_python(said)
    return TariffVersion(
        tariff="t",
        version=since.year * 372 + since.month * 31 + since.day,
        since=since,
        document=document,
    )


def flat(price: str, **more: Any) -> dict[str, Any]:
    return {"kind": "energy", "code": "energy", "rates": [{"price": price}], **more}


def month(kwh: str, period: Period = JUNE, zone: str = "UTC", **more: Any) -> Usage:
    wh = int(Decimal(kwh) * 1000)
    read = Registered("import", None, period.since, period.until, wh)
    return Usage(zone, registers=(read,), **more)


def day(on: date, zone: str, minutes: int, wh: int) -> tuple[Usage, Period]:
    """The same energy in every interval of a local day, however long the day is."""
    period = Period(since=on, until=date.fromordinal(on.toordinal() + 1))
    start, end = midnight(period.since, zone), midnight(period.until, zone)
    count = int((end - start).total_seconds()) // 60 // minutes
    return Usage(zone, series=(Series("import", start, minutes, (wh,) * count),)), period


def amounts(rated: Rated) -> dict[tuple[str, str, int], int]:
    return {(line.code, line.period, line.tier): line.amount for line in rated.lines}


NIGHT = {
    "name": "tou",
    "otherwise": "day",
    "windows": [{"period": "night", "since": "00:00", "until": "07:00"}],
}


def by_night(day_price: str = "0.30", night_price: str = "0.10") -> TariffVersion:
    rates = [{"period": "day", "price": day_price}, {"period": "night", "price": night_price}]
    version: TariffVersion = tariff(
        {"kind": "energy", "code": "energy", "schedule": "tou", "rates": rates},
        schedules=[NIGHT],
    )
    return version


@pytest.mark.parametrize(
    ("zone", "on", "hours", "night"),
    [
        ("Europe/London", date(2025, 3, 30), 23, 6),
        ("Europe/London", date(2025, 10, 26), 25, 8),
        ("Europe/London", date(2025, 6, 1), 24, 7),
        ("Asia/Shanghai", date(2024, 2, 29), 24, 7),
    ],
)
def test_hours_belong_to_the_window_of_their_wall_clock(
    zone: str, on: date, hours: int, night: int
) -> None:
    usage, period = day(on, zone, 60, 1000)

    rated = rate([by_night()], usage, period)

    assert {line.period: line.quantity for line in rated.lines} == {
        "day": hours - night,
        "night": night,
    }


def test_a_day_of_lord_howe_has_twenty_four_and_a_half_hours() -> None:
    usage, period = day(date(2025, 4, 6), "Australia/Lord_Howe", 30, 500)

    rated = rate([by_night()], usage, period)

    assert {line.period: line.quantity for line in rated.lines} == {
        "day": 17,
        "night": Decimal("7.5"),
    }


def test_a_tariff_that_changes_within_the_month_is_shared_by_days() -> None:
    versions = [tariff(flat("0.20")), tariff(flat("0.25"), since=date(2025, 6, 16))]

    assert rate(versions, month("720"), JUNE).total == 16200
    assert [line.quantity for line in rate(versions, month("731"), JUNE).lines] == [
        Decimal("365.5"),
        Decimal("365.5"),
    ]


def test_the_parts_of_a_register_sum_to_the_register() -> None:
    versions = [tariff(flat("1"), since=date(2025, 6, n)) for n in (1, 4, 11, 12, 30)]

    rated = rate(versions, month("100.001"), JUNE)

    assert sum(line.quantity for line in rated.lines) == Decimal("100.001")


def test_a_day_before_the_first_version_has_no_tariff() -> None:
    with pytest.raises(NoTariff):
        rate([tariff(flat("0.20"), since=date(2025, 6, 2))], month("1"), JUNE)


def test_a_total_register_cannot_be_billed_by_period() -> None:
    with pytest.raises(UsageNotByPeriod):
        rate([by_night()], month("1"), JUNE)


def test_a_hole_in_the_intervals_is_refused_with_its_place() -> None:
    usage, period = day(date(2025, 6, 1), "UTC", 60, 1000)
    (whole,) = usage.series
    first = Series("import", whole.start, 60, whole.wh[:10])
    rest = Series("import", datetime(2025, 6, 1, 11, tzinfo=UTC), 60, whole.wh[11:])

    with pytest.raises(UsageMissing) as refusal:
        rate([tariff(flat("1"))], Usage("UTC", series=(rest, first)), period)
    assert refusal.value.details["since"] == datetime(2025, 6, 1, 10, tzinfo=UTC)

    with pytest.raises(UsageTwice):
        rate([tariff(flat("1"))], Usage("UTC", series=(whole, first)), period)


BLOCKS = [
    {"upto": "300", "price": "0.08"},
    {"upto": "600", "price": "0.115"},
    {"price": "0.19"},
]


@given(
    st.integers(0, 2_000_000),
    st.sampled_from(["half-up", "half-even", "down"]),
    st.sampled_from(["line", "document"]),
    st.sampled_from(["0.01", "0.05", "1"]),
)
def test_the_lines_sum_to_the_total_under_every_rounding(
    wh: int, mode: str, per: str, step: str
) -> None:
    version = tariff(
        {"kind": "energy", "code": "energy", "rates": [{"blocks": BLOCKS}]},
        {"kind": "rider", "code": "fuel", "price": "-0.017192"},
        {"kind": "tax", "code": "tax", "rate": "0.0533"},
        rounding={"per": per, "mode": mode, "step": step},
    )

    rated = rate([version], month(str(Decimal(wh) / 1000)), JUNE)

    assert sum(line.amount for line in rated.lines) == rated.total
    assert rated.total % int(Decimal(step) * 100) == 0


def test_the_remainder_lands_on_the_flat_period() -> None:
    rates = [{"period": "day", "price": "0.333"}, {"period": "night", "price": "0.1"}]
    charge = {"kind": "energy", "code": "energy", "schedule": "tou", "rates": rates}
    rounding = {"per": "document", "step": "1", "remainder": "day"}
    version = tariff(charge, schedules=[NIGHT], rounding=rounding)
    usage = Usage(
        "UTC",
        registers=tuple(
            Registered("import", label, JUNE.since, JUNE.until, wh)
            for label, wh in (("day", 10_000), ("night", 7_000))
        ),
    )

    rated = rate([version], usage, JUNE)

    assert amounts(rated) == {("energy", "day", 0): 330, ("energy", "night", 0): 70}


@pytest.mark.parametrize(
    ("windows", "told"),
    [
        (
            [
                {"period": "a", "since": "00:00", "until": "08:00"},
                {"period": "b", "since": "09:00"},
            ],
            "no period claims 08:00 on mon in month 1",
        ),
        (
            [{"period": "a", "until": "09:00"}, {"period": "b", "since": "08:00"}],
            "a and b both claim 08:00 on mon in month 1",
        ),
        ([{"period": "a", "days": ["weekday"]}], "no period claims 00:00 on sat in month 1"),
    ],
)
def test_a_table_with_a_hole_or_an_overlap_is_refused_with_the_hour(
    windows: list[dict[str, Any]], told: str
) -> None:
    with pytest.raises(ValidationError, match=told):
        tariff(flat("1"), schedules=[{"name": "tou", "windows": windows}])


def test_every_hour_of_a_leap_year_has_one_period() -> None:
    schedule = by_night().document.schedules[0]
    calendar = by_night().document.calendar
    hours = itertools.product(range(1, 13), ("mon", "sun"))

    assert all((schedule.day(month, "", kind) >= 0).all() for month, kind in hours)
    assert len(list(calendar.variants())) == 12 * 7


@pytest.mark.parametrize(
    ("charges", "told"),
    [
        ([flat("0.1"), flat("0.2")], "two of the charge 'energy'"),
        ([flat("0.1", schedule="tou")], "there is no schedule 'tou'"),
        ([{"kind": "tax", "code": "vat", "rate": "0.2", "of": ["energy"]}], "not said before"),
        ([{"kind": "energy", "code": "e", "rates": [{"blocks": BLOCKS[:2]}]}], "has no end"),
        ([{"kind": "energy", "code": "e", "rates": []}], "no rate for every hour"),
    ],
)
def test_a_wrong_document_is_refused_with_place_and_reason(
    charges: list[dict[str, Any]], told: str
) -> None:
    with pytest.raises(ValidationError, match=told):
        tariff(*charges)


def test_a_price_is_never_a_float() -> None:
    with pytest.raises(ValidationError, match="never as a float"):
        tariff({"kind": "fixed", "code": "f", "price": 0.1})


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 9_999), min_size=24, max_size=24))
def test_intervals_and_registers_of_the_same_energy_cost_the_same(wh: list[int]) -> None:
    period = Period(since=date(2025, 6, 1), until=date(2025, 6, 2))
    start = midnight(period.since, "UTC")
    series = Usage("UTC", series=(Series("import", start, 60, tuple(wh)),))
    registers = Usage(
        "UTC",
        registers=(
            Registered("import", "night", period.since, period.until, sum(wh[:7])),
            Registered("import", "day", period.since, period.until, sum(wh[7:])),
        ),
    )

    one, other = (rate([by_night()], usage, period) for usage in (series, registers))

    assert amounts(one) == amounts(other)


def by_label(**kwh: str) -> tuple[Registered, ...]:
    return tuple(
        Registered("import", label, JUNE.since, JUNE.until, int(Decimal(wh) * 1000))
        for label, wh in kwh.items()
    )


def test_what_the_total_register_counts_beyond_the_others_falls_to_a_period() -> None:
    document = by_night().document
    settled = {**NIGHT, "remainder": "day"}
    rates = [{"period": "day", "price": "0.30"}, {"period": "night", "price": "0.10"}]
    energy = {"kind": "energy", "code": "energy", "schedule": "tou", "rates": rates}
    whole = Registered("import", None, JUNE.since, JUNE.until, 100_000)
    usage = Usage("UTC", registers=(*by_label(day="60", night="39.5"), whole))

    rated = rate([tariff(energy, schedules=[settled])], usage, JUNE)

    assert document.schedules[0].remainder is None
    assert {x.period: x.quantity for x in rated.lines} == {
        "day": Decimal("60.5"),
        "night": Decimal("39.5"),
    }


def test_a_tariff_may_ask_for_a_reading_on_the_day_it_changes() -> None:
    change = date(2025, 6, 16)
    versions = [
        tariff(flat("0.20"), registers_split="reading"),
        tariff(flat("0.25"), since=change),
    ]
    read = (
        Registered("import", None, JUNE.since, change, 300_000),
        Registered("import", None, change, JUNE.until, 431_000),
    )

    with pytest.raises(ReadingMissing):
        rate(versions, month("731"), JUNE)
    assert [x.quantity for x in rate(versions, Usage("UTC", registers=read), JUNE).lines] == [
        300,
        431,
    ]


def test_a_tax_that_prices_contain_is_shown_and_adds_nothing() -> None:
    vat = {"kind": "tax", "code": "vat", "rate": "0.13", "included": True}

    rated = rate([tariff(flat("1.13"), vat)], month("100"), JUNE)

    assert [(x.kind, x.amount) for x in rated.lines] == [
        ("energy", 11300),
        ("tax", 1300),
        ("tax-included", -1300),
    ]
    assert rated.total == 11300


def test_an_account_may_be_exempt_from_a_charge() -> None:
    vat = {"kind": "tax", "code": "vat", "rate": "0.13"}

    rated = rate([tariff(flat("1"), vat)], month("100", exempt=frozenset({"vat"})), JUNE)

    assert rated.total == 10000


def test_a_register_that_went_back_is_not_billed() -> None:
    back = Registered("import", None, JUNE.since, JUNE.until, -1)

    with pytest.raises(UsageBelowZero):
        rate([tariff(flat("1"))], Usage("UTC", registers=(back,)), JUNE)


def test_demand_over_half_hours_is_not_told_by_hours_unless_the_tariff_takes_them() -> None:
    usage, period = day(date(2025, 6, 1), "UTC", 60, 1000)
    demand = {"kind": "demand", "code": "d", "rates": [{"price": "30"}], "minutes": 30}
    taking = demand | {"longer_intervals": "taken"}

    with pytest.raises(TooCoarse):
        rate([tariff(demand)], usage, period)
    assert rate([tariff(taking)], usage, period).total == 100  # a thirtieth of a month


def test_demand_over_an_hour_is_the_mean_of_its_quarters() -> None:
    period = Period(since=JUNE.since, until=date(2025, 6, 2))
    wh = [0] * 96
    wh[4:8] = [100, 400, 300, 200]
    wh[9:11] = [450, 450]  # more within an hour, but not within one of the clock
    start = midnight(period.since, "UTC")
    usage = Usage("UTC", series=(Series("import", start, 15, tuple(wh)),))
    demand = {"kind": "demand", "code": "d", "rates": [{"price": "1"}], "per": "period"}

    hourly = rate([tariff(demand | {"minutes": 60})], usage, period)
    quarter = rate([tariff(demand)], usage, period)

    assert (hourly.total, quarter.total) == (100, 180)
