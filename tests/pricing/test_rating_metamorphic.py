"""What must not change a bill, and what must change it in a known way."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.pricing.rating import Held, Rated, Registered, Series, Usage, compare, rate, summary
from domain.pricing.tariff import TariffDocument, TariffVersion
from domain.values import Period, midnight
from tests.pricing.tariffs_given import documents
from tests.pricing.test_rating import by_night, flat, tariff

DAY = date(2025, 6, 2)  # a Monday
quick = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
hours = st.lists(st.integers(0, 9_999), min_size=72, max_size=72)


def days(first: date, count: int) -> Period:
    return Period(since=first, until=first + timedelta(days=count))


def flowing(wh: list[int], first: date = DAY, minutes: int = 60, zone: str = "UTC") -> Usage:
    return Usage(zone, series=(Series("import", midnight(first, zone), minutes, tuple(wh)),))


def money(rated: Rated) -> list[tuple[str, str, int, int]]:
    return [(line.code, line.period, line.tier, line.amount) for line in rated.lines]


def version(document: TariffDocument) -> TariffVersion:
    return TariffVersion(tariff="t", version=1, since=date(2000, 1, 1), document=document)


HOURLY_DEMAND = {
    "kind": "demand",
    "code": "demand",
    "minutes": 60,
    "rates": [{"price": "3.21"}],
}


@quick
@given(hours)
def test_intervals_split_in_two_cost_the_same(wh: list[int]) -> None:
    priced = [tariff(flat("0.1234"), HOURLY_DEMAND)]
    halves = [part for one in wh for part in (one // 2, one - one // 2)]

    whole = rate(priced, flowing(wh), days(DAY, 3))

    assert money(rate(priced, flowing(halves, minutes=30), days(DAY, 3))) == money(whole)


@quick
@given(hours, st.integers(1, 3))
def test_the_same_usage_weeks_later_costs_the_same(wh: list[int], weeks: int) -> None:
    later = DAY + timedelta(weeks=weeks)
    priced = [by_night()]

    now = rate(priced, flowing(wh), days(DAY, 3))

    assert money(rate(priced, flowing(wh, later), days(later, 3))) == money(now)


@quick
@given(hours)
def test_the_days_of_a_bill_sum_to_the_bill_before_rounding(wh: list[int]) -> None:
    priced = [tariff(flat("0.10"), {"kind": "fixed", "code": "f", "price": "1", "per": "day"})]
    usage = flowing(wh)

    whole = rate(priced, usage, days(DAY, 3))
    parts = [rate(priced, usage, days(DAY + timedelta(days=n), 1)) for n in range(3)]

    summed = sum(line.quantity for part in parts for line in part.lines)
    assert summed == sum(line.quantity for line in whole.lines)
    assert abs(sum(part.total for part in parts) - whole.total) <= 3


@quick
@given(hours)
def test_one_ladder_in_time_order_is_the_ladder_of_the_total_when_prices_agree(
    wh: list[int],
) -> None:
    blocks = [
        {"upto": "100", "price": "0.1"},
        {"upto": "250", "price": "0.2"},
        {"price": "0.3"},
    ]
    tou = {
        "name": "tou",
        "otherwise": "day",
        "windows": [{"period": "night", "until": "07:00"}],
    }

    def pooled(pooling: str) -> int:
        rates = [{"period": period, "blocks": blocks} for period in ("day", "night")]
        energy = {"kind": "energy", "code": "e", "schedule": "tou", "rates": rates}
        energy |= {"blocks_per": "period", "pooling": pooling}
        priced = tariff(energy, schedules=[tou], rounding={"per": "document"})
        return rate([priced], flowing(wh), days(DAY, 3)).total

    plain = tariff(
        {"kind": "energy", "code": "e", "rates": [{"blocks": blocks}], "blocks_per": "period"},
        rounding={"per": "document"},
    )
    total = rate([plain], flowing(wh), days(DAY, 3)).total

    assert pooled("in-time-order") == pooled("pro-rata") == total


@quick
@given(documents(registers=True), st.integers(0, 500_000))
def test_a_population_under_its_own_tariff_differs_in_nothing(
    document: TariffDocument, wh: int
) -> None:
    period = days(date(2025, 5, 1), 31)
    read = tuple(
        Registered("import", label, period.since, period.until, wh)
        for label in ("day", "night")
    )
    reactive = Registered("reactive", None, period.since, period.until, wh)
    held = (Held("capacity", period.since, period.until, 10_000),)
    usage = Usage("UTC", registers=(*read, reactive), held=held, contract_w=5_000)
    plain = replace(document, charges=tuple(c for c in document.charges if c.kind != "demand"))
    priced = [version(plain)]

    rerated = compare(priced, priced, {str(n): usage for n in range(5)}, [period])

    assert summary(rerated).pay_more == summary(rerated).pay_less == 0
    assert all(not line.difference for one in rerated for line in one.lines)


def test_a_dearer_kwh_costs_every_account_its_kwh_more() -> None:
    period = days(DAY, 30)
    usages = {
        str(n): Usage(
            "UTC", registers=(Registered("import", None, DAY, period.until, n * 1000),)
        )
        for n in range(1, 8)
    }

    rerated = compare([tariff(flat("0.20"))], [tariff(flat("0.23"))], usages, [period])

    assert [one.difference for one in rerated] == [3 * n for n in range(1, 8)]
    told = summary(rerated)
    assert (told.pay_more, told.largest_rise, told.after - told.before) == (7, 21, 84)
    assert Decimal(told.before) / 100 == Decimal("5.60")
