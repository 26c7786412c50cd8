"""The Chinese rules: power factor, two-part tariff, funds, steps, households, remainders."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.pricing.charges import PowerFactor, Slope
from domain.pricing.rating import Demanded, Held, Rated, Registered, Usage, rate
from domain.pricing.tariff import TariffVersion
from domain.values import Period
from tests.pricing.cases import HERE, SHIPPED, document_of
from tests.pricing.test_rating import tariff

PUBLISHED = json.loads((HERE / "power_factor_china.json").read_text("utf-8"))
JUNE = Period(since=date(2026, 6, 1), until=date(2026, 7, 1))
ZONE = "Asia/Shanghai"
CHINA = sorted((SHIPPED / "china").glob("*.json"))


def adjusting(standard: str) -> PowerFactor:
    slopes = tuple(
        Slope(**{key: Decimal(said) for key, said in slope.items()})
        for slope in PUBLISHED["slopes"][standard]
    )
    return PowerFactor(code="pf", standard=Decimal(standard), slopes=slopes)


@pytest.mark.parametrize("standard", ["0.90", "0.85", "0.80"])
def test_the_adjustment_is_that_of_the_published_table(standard: str) -> None:
    for factor, percent in PUBLISHED["published"][standard].items():
        assert adjusting(standard).percent(Decimal(factor)) == Decimal(percent), factor


@pytest.mark.parametrize("standard", ["0.90", "0.85", "0.80"])
def test_every_point_below_the_standard_follows_the_rule_of_the_table(standard: str) -> None:
    """+0.5 for each of the first twenty, 1 for the next five, 2 from then on."""
    for point in range(int(Decimal(standard) * 100) + 1):
        short = int(Decimal(standard) * 100) - point
        twenty, five, rest = min(short, 20), min(max(short - 20, 0), 5), max(short - 25, 0)
        owed = Decimal(twenty) / 2 + five + 2 * rest
        assert adjusting(standard).percent(Decimal(point) / 100) == owed


@pytest.mark.parametrize(
    ("kvarh", "factor"), [(175_100, "0.99"), (175_200, "0.98"), (346_100, "0.95")]
)
def test_the_power_factor_breaks_where_the_published_ratios_do(kvarh: int, factor: str) -> None:
    usage = Usage(
        ZONE,
        registers=(
            Registered("import", None, JUNE.since, JUNE.until, 1_000_000),
            Registered("reactive", None, JUNE.since, JUNE.until, kvarh),
        ),
    )
    slopes = [{"since": "0", "until": "1", "percent": "-1"}]
    pf = {"kind": "power-factor", "code": "pf", "standard": "0", "slopes": slopes}
    version = tariff({"kind": "fixed", "code": "base", "price": "100"}, pf)

    (_, line) = rate([version], usage, JUNE).lines

    assert -line.rate == Decimal(factor)


# Two-part tariff


def by_contract(w: int, beyond: str = "contract", **held: Any) -> int:
    demand = {
        "kind": "demand",
        "code": "basic",
        "rates": [{"price": "36.1"}],
        "contract": {"floor": "0.4", "band": "1.05", "factor": "2", "beyond": beyond},
    }
    peak = Demanded(None, JUNE.since, JUNE.until, w)
    usage = Usage(ZONE, demands=(peak,), contract_w=1_000_000, **held)
    return rate([tariff(demand)], usage, JUNE).total


def test_up_to_105_percent_of_the_contract_the_contract_is_charged() -> None:
    assert by_contract(300_000) == by_contract(1_050_000) == 36_100_00
    assert by_contract(1_040_000, beyond="band") == 36_100_00


def test_the_two_readings_of_doubling_beyond_the_band() -> None:
    """Which of the two the official text means is unverified; the tariff says which."""
    assert by_contract(1_100_000) == 39_710_00
    assert by_contract(1_100_000, beyond="band") == 41_515_00


def test_a_contract_counts_as_at_least_forty_percent_of_the_capacity() -> None:
    assert by_contract(300_000, capacity_va=4_000_000) == 1600 * 36_10


def test_a_capacity_suspended_on_the_eleventh_is_charged_by_days() -> None:
    middle = JUNE.since + timedelta(days=10)
    held = (
        Held("capacity", JUNE.since, middle, 1_000_000),
        Held("capacity", middle, JUNE.until, 400_000),
    )
    charge = {"kind": "capacity", "code": "basic", "rates": [{"price": "22.6"}]}

    lines = rate([tariff(charge)], Usage(ZONE, held=held), JUNE).lines

    assert [line.amount for line in lines] == [753333, 602667]  # 22,600 × 1/3; 9,040 × 2/3


@pytest.mark.parametrize(("kwh", "price"), [(260_000, "32.49"), (259_999, "36.1")])
def test_a_well_used_capacity_pays_nine_tenths_of_the_demand_price(
    kwh: int, price: str
) -> None:
    charge = {
        "kind": "demand",
        "code": "basic",
        "rates": [{"price": "36.1"}],
        "discount": {"from_kwh_per_kva": "260", "factor": "0.9"},
    }
    usage = Usage(
        ZONE,
        registers=(Registered("import", None, JUNE.since, JUNE.until, kwh * 1000),),
        demands=(Demanded(None, JUNE.since, JUNE.until, 900_000),),
        capacity_va=1_000_000,
    )

    (line,) = rate([tariff(charge)], usage, JUNE).lines

    assert f"{line.quantity} × {line.rate}" == f"900 × {price}"


# Steps


BANDS = [{"upto": "240", "price": "0.4883"}, {"upto": "400", "price": "0.5383"}]
STEPS = [*BANDS, {"price": "0.7883"}]


def used(kwh: int, **more: Any) -> Usage:
    read = Registered("import", None, JUNE.since, JUNE.until, kwh * 1000)
    return Usage(ZONE, registers=(read,), **more)


def stepped(**more: Any) -> TariffVersion:
    energy = {"kind": "energy", "code": "energy", "rates": [{"blocks": STEPS}], **more}
    version: TariffVersion = tariff(energy, rounding={"per": "document"})
    return version


def rows(rated: Rated) -> list[str]:
    return [f"{x.quantity} × {x.rate}" for x in rated.lines if x.kind == "energy"]


@pytest.mark.parametrize("kwh", [0, 240, 241, 400, 401, 450, 10_000])
def test_bands_and_increments_come_to_the_same_and_print_differently(kwh: int) -> None:
    bands = rate([stepped()], used(kwh), JUNE)
    increments = rate([stepped(steps="increments")], used(kwh), JUNE)

    assert bands.total == increments.total
    if kwh == 450:
        assert rows(bands) == ["240 × 0.4883", "160 × 0.5383", "50 × 0.7883"]
        assert rows(increments) == ["450 × 0.4883", "210 × 0.05", "50 × 0.25"]


def test_a_household_of_five_has_longer_bands() -> None:
    version = stepped(household={"persons": 5, "extra": "100"})

    four, five = (rate([version], used(450, persons=n), JUNE) for n in (4, 5))

    assert [line.quantity for line in four.lines if line.kind == "energy"] == [240, 160, 50]
    assert [line.quantity for line in five.lines if line.kind == "energy"] == [340, 110]


# What is shipped


@pytest.mark.parametrize("path", CHINA, ids=lambda path: path.stem)
def test_a_shipped_tariff_is_valid_and_says_where_it_is_from(path: Any) -> None:
    document = document_of(f"china/{path.stem}")

    assert document.currency == "CNY"
    assert len(document.source) > 20


def test_each_of_a_dozen_funds_is_a_line_and_none_is_in_the_base_of_the_adjustment() -> None:
    document = document_of("china/guangdong-two-part-capacity")
    version = TariffVersion(tariff="cn", version=1, since=date(2026, 1, 1), document=document)
    labels = ("sharp", "peak", "flat", "valley", "deep valley")
    read = [Registered("import", label, JUNE.since, JUNE.until, 9_999_000) for label in labels]
    read.append(Registered("reactive", None, JUNE.since, JUNE.until, 1_000_000))
    usage = Usage(ZONE, registers=tuple(read), capacity_va=1_000_000)

    rated = rate([version], usage, JUNE)

    funds = {line.code for line in rated.lines if line.kind == "rider"}
    assert len(funds) >= 12
    base = sum(line.amount for line in rated.lines if line.code in ("basic", "energy"))
    (adjustment,) = [line for line in rated.lines if line.code == "power factor"]
    assert abs(adjustment.quantity * 100 - base) <= 3


def test_the_remainder_lands_on_the_flat_period_and_the_lines_sum_to_the_total() -> None:
    document = document_of("china/guangdong-two-part-capacity")
    energy = tuple(one for one in document.charges if one.kind == "energy")
    only = replace(document, charges=energy)
    version = TariffVersion(tariff="cn", version=1, since=date(2026, 1, 1), document=only)
    labels = ("peak", "flat", "valley")
    usage = Usage(
        ZONE,
        registers=tuple(
            Registered("import", label, JUNE.since, JUNE.until, 1_003) for label in labels
        ),
    )

    rated = rate([version], usage, JUNE)

    amounts = {line.period: line.amount for line in rated.lines}
    exact = Decimal("1.003") * (Decimal("1.0752") + Decimal("0.64") + Decimal("0.256"))
    assert rated.total == round(exact * 100) == 198
    assert amounts == {"peak": 108, "flat": 64, "valley": 26}


def test_in_months_without_a_sharp_hour_its_register_is_priced_as_peak() -> None:
    document = document_of("china/guangdong-two-part-capacity")
    version = TariffVersion(tariff="cn", version=1, since=date(2026, 1, 1), document=document)
    august = Period(since=date(2026, 8, 1), until=date(2026, 9, 1))

    def price(period: Period) -> Decimal:
        read = Registered("import", "sharp", period.since, period.until, 1_000)
        usage = Usage(ZONE, registers=(read,), capacity_va=1, power_factor=Decimal("0.9"))
        (line,) = [x for x in rate([version], usage, period).lines if x.kind == "energy"]
        return line.rate

    assert price(JUNE) == Decimal("1.0752")
    assert price(august) == Decimal("1.344")
