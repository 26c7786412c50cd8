"""Records of the public database: read whole, or refused by field."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from domain.pricing.rating import rate
from domain.pricing.urdb import UrdbRecordWrong, translated
from domain.values import Period
from tests.pricing.test_rating import JUNE, flat, month, tariff
from tests.pricing.test_rating_mended import flows, taken_and_given


def version(record: dict[str, Any]) -> Any:
    made = tariff(flat("0"))
    object.__setattr__(made, "document", translated(record))
    return made


def test_the_minimum_of_a_record_is_that_of_the_bill_after_credits() -> None:
    record = {
        "energyratestructure": [[{"rate": Decimal("0.1"), "sell": Decimal("0.1")}]],
        "dgrules": "Net Metering $",
        "mincharge": 20,
        "minchargeunits": "$/month",
    }
    rated = rate([version(record)], taken_and_given("0", "446", JUNE), JUNE)

    assert rated.total == 2000
    assert [kept.quantity for kept in rated.carry if kept.what == "credit"] == [Decimal("44.6")]


SUMMER_AND_WINTER = {
    "energyratestructure": [
        [{"rate": Decimal(price), "max": limit}, {"rate": Decimal(price) * 2}]
        for price, limit in (("0.1", 300), ("0.2", 300), ("0.1", 100), ("0.2", 100))
    ],
    "energyweekdayschedule": [
        ([2] * 12 + [3] * 12) if not 4 <= month <= 8 else ([0] * 12 + [1] * 12)
        for month in range(12)
    ],
}
SUMMER_AND_WINTER["energyweekendschedule"] = SUMMER_AND_WINTER["energyweekdayschedule"]


@pytest.mark.parametrize(
    ("period", "blocks"),
    [
        (JUNE, {("0", 1): 150, ("0", 2): 210, ("1", 1): 150, ("1", 2): 210}),
        (
            Period(since=date(2025, 4, 1), until=date(2025, 5, 1)),
            {("2", 1): 50, ("2", 2): 310, ("3", 1): 50, ("3", 2): 310},
        ),
    ],
)
def test_periods_of_one_season_share_a_ladder_though_seasons_differ(
    period: Period, blocks: dict[tuple[str, int], int]
) -> None:
    rated = rate([version(SUMMER_AND_WINTER)], flows(period, "UTC", 60, (1000, 0)), period)

    assert {(one.period, one.tier): one.quantity for one in rated.lines} == blocks


def test_a_bill_over_two_seasons_has_the_limits_of_both_by_days() -> None:
    rated = rate(
        [version(SUMMER_AND_WINTER)],
        flows(Period(since=date(2025, 4, 16), until=date(2025, 5, 16)), "UTC", 60, (1000, 0)),
        Period(since=date(2025, 4, 16), until=date(2025, 5, 16)),
    )

    firsts = {one.period: one.quantity for one in rated.lines if one.tier == 1}
    assert firsts["2"] == firsts["3"] == 25
    assert firsts["0"] == firsts["1"] == pytest.approx(Decimal(150) * 15 / 31)


def test_charges_of_older_records_are_read() -> None:
    record = {
        "energyratestructure": [[{"rate": Decimal("0.1")}]],
        "fixedmonthlycharge": Decimal("12.5"),
        "minmonthlycharge": 30,
    }
    assert rate([version(record)], month("10"), JUNE).total == 3000

    yearly = {"energyratestructure": [[{"rate": Decimal("0.1")}]], "annualmincharge": 120}
    (minimum,) = [one for one in translated(yearly).charges if one.kind == "minimum"]
    assert (minimum.per, minimum.settles) == ("year", 12)


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("demandratchetpercentage", [Decimal("0.8")] * 12),
        ("somethingnew", 5),
        ("coincidentratestructure", [[{"rate": 3}]]),
    ],
)
def test_a_field_of_a_record_that_is_not_translated_is_refused_by_its_name(
    field: str, said: Any
) -> None:
    record = {"energyratestructure": [[{"rate": Decimal("0.1")}]], field: said}

    with pytest.raises(UrdbRecordWrong, match=field):
        translated(record)


def test_blocks_by_demand_use_the_window_of_the_record() -> None:
    record = {
        "energyratestructure": [
            [{"rate": 1, "max": 10, "unit": "kWh/kW"}, {"rate": 0, "unit": "kWh/kW"}],
        ],
        "demandwindow": 60,
    }
    usage = flows(JUNE, "UTC", 15, (1000, 0), (0, 0), (0, 0), (0, 0))

    assert rate([version(record)], usage, JUNE).total == 1000  # 1 kW × 10 kWh, not 4 kW
