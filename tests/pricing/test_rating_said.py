"""What a tariff can say of use, bands, and parts of a month, and what it cannot."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from domain.pricing.charges.kit import NotAgreed, UseNotMeasured
from domain.pricing.rating import (
    Demanded,
    DemandNotByDay,
    Held,
    Registered,
    Series,
    Usage,
    rate,
    rate_all,
)
from domain.values import Period, midnight
from tests.pricing.test_rating import JUNE, amounts, flat, month, tariff

BANDS = [{"upto": "100", "price": "1"}, {"upto": "200", "price": "2"}, {"price": "3"}]


def demand(**more: Any) -> dict[str, Any]:
    return {"kind": "demand", "code": "kw", "rates": [{"price": "1"}], **more}


def banded(**more: Any) -> dict[str, Any]:
    return {"kind": "fixed-by-usage", "code": "fixed", "bands": BANDS, **more}


@pytest.mark.parametrize(
    ("kwh", "cents"), [("0", 100), ("100", 100), ("100.001", 200), ("201", 300)]
)
def test_a_band_ends_with_its_limit(kwh: str, cents: int) -> None:
    many = [month(kwh)] * 5

    bills = rate_all([tariff(banded())], many, JUNE)

    assert [bill.total for bill in bills] == [cents] * 5


def test_a_version_that_changes_nothing_changes_neither_band_nor_ladder() -> None:
    by_use = [{"upto": "250", "price": "1"}, {"price": "2"}]
    charges = banded(), flat("0") | {"rates": [{"by_use": by_use}]}
    one, two = tariff(*charges), tariff(*charges, since=date(2025, 6, 16))
    for kwh in ("250", "250.002"):
        whole, cut = (rate(versions, month(kwh), JUNE) for versions in ([one], [one, two]))
        assert whole.total == cut.total


def test_a_band_of_capacity_changes_on_the_day_on_which_capacity_does() -> None:
    change = date(2025, 6, 11)
    held = (
        Held("capacity", JUNE.since, change, 150_000),
        Held("capacity", change, JUNE.until, 300_000),
    )

    found = rate([tariff(banded(by="capacity"))], Usage("UTC", held=held), JUNE)

    assert amounts(found) == {("fixed", "", 2): 67, ("fixed", "", 3): 200}


def test_blocks_and_time_of_use_within_the_ladder_that_use_chooses() -> None:
    rates = [
        {"period": "day", "by_use": [{"upto": "100", "price": "1"}, {"price": "2"}]},
        {"period": "night", "price": "0.5"},
    ]
    energy = flat("0") | {"rates": rates, "schedule": "tou"}
    read = [
        Registered("import", label, JUNE.since, JUNE.until, wh)
        for label, wh in (("day", 60_000), ("night", 50_000))
    ]

    for pooling in ("each-period", "pro-rata"):
        versions = [tariff(energy | {"pooling": pooling}, schedules=[TOU])]
        usage = Usage("UTC", registers=tuple(read))
        assert rate(versions, usage, JUNE).total == 120_00 + 25_00


def test_what_is_owed_for_no_use_is_not_known_where_use_is_not_measured() -> None:
    for charge in (banded(), {"kind": "fixed", "code": "f", "price": "1", "unused": "0.5"}):
        with pytest.raises(UseNotMeasured):
            rate([tariff(charge)], Usage("UTC"), JUNE)


def test_capacity_and_demand_are_halved_where_nothing_is_used() -> None:
    charge = {"kind": "capacity", "code": "basic", "rates": [{"price": "2"}], "unused": "0.5"}
    contract = demand(rates=[{"price": "2"}], unused="0.5", contract={})
    for one in (charge, contract):
        none, some = (
            rate([tariff(one)], hours(wh, capacity_va=10_000, contract_w=10_000), JUNE)
            for wh in (0, 1)
        )
        assert (none.total, some.total) == (10_00, 20_00)


def hours(wh: int, **more: Any) -> Usage:
    start = midnight(JUNE.since, "UTC")
    return Usage("UTC", series=(Series("import", start, 60, (wh,) * 720),), **more)


TOU = {
    "name": "tou",
    "otherwise": "day",
    "windows": [{"period": "night", "until": "07:00"}],
}


def test_a_contract_is_owed_for_hours_in_which_nothing_was_demanded() -> None:
    held = tuple(
        Held("contract", JUNE.since, JUNE.until, w, label=label)
        for label, w in (("day", 10_000), ("night", 20_000))
    )
    shown = (Demanded("day", JUNE.since, JUNE.until, 12_000),)
    by_period = demand(schedule="tou", contract={"band": "1"})
    versions = [tariff(by_period, schedules=[TOU])]

    found = rate(versions, Usage("UTC", demands=shown, held=held), JUNE)

    assert amounts(found) == {
        ("kw", "day", 1): 10_00,
        ("kw", "day", 2): 4_00,
        ("kw", "night", 1): 20_00,
    }
    with pytest.raises(NotAgreed):
        rate(versions, Usage("UTC", demands=shown, held=held[1:]), JUNE)


def test_a_ratchet_of_two_supply_lines_remembers_each() -> None:
    july = Period(since=JUNE.until, until=date(2025, 8, 1))
    versions = [tariff(demand(ratchet={"share": "1"}, contract={"below": "measured"}))]

    def usage(period: Period, one: int, two: int) -> Usage:
        return Usage(
            "UTC",
            demands=tuple(
                Demanded(None, period.since, period.until, w, line=line)
                for line, w in (("1", one), ("2", two))
            ),
            held=tuple(
                Held("contract", period.since, period.until, 100_000, line=line)
                for line in "12"
            ),
        )

    first = rate(versions, usage(JUNE, 90_000, 10_000), JUNE)
    second = rate(versions, usage(july, 20_000, 30_000), july, first.carry)

    assert (first.total, second.total) == (100_00, 120_00)


def test_demand_of_each_day_is_not_known_from_a_register_of_the_month() -> None:
    usage = Usage("UTC", demands=(Demanded(None, JUNE.since, JUNE.until, 1),))

    with pytest.raises(DemandNotByDay):
        rate([tariff(demand(each="day", per="day"))], usage, JUNE)


@pytest.mark.parametrize(
    ("charge", "told"),
    [
        (banded(bands=[]), "at least 1 item"),
        (banded(bands=[{"upto": "-1", "price": "1"}, {"price": "1"}]), "at zero or above"),
        (banded(bands_per="month-by-thirtieths"), "name its source"),
        (flat("1", blocks_per="month-less-thirtieths"), "name its source"),
        (banded(bands=[{"upto": "5", "price": "1"}]), "the last block has no end"),
        (banded(bands=[{"price": "1"}, {"price": "1"}]), "blocks rise"),
        (flat("1") | {"rates": [{"price": "1", "by_use": [{"price": "1"}]}]}, "one price"),
        (flat("1") | {"rates": [{"by_use": [{"upto": "3", "price": "1"}]}]}, "has no end"),
        (flat("1") | {"rates": [{"by_use": [{"upto": "3"}, {"price": "1"}]}]}, "one price"),
        (
            flat("1", blocks_per="year-to-date") | {"rates": [{"by_use": [{"price": "1"}]}]},
            "the use of one bill",
        ),
        (
            {"kind": "demand", "code": "kw", "rates": [{"by_use": [{"price": "1"}]}]},
            "a ladder of energy alone",
        ),
        (demand(contract={"steps": [{"upto": "1.2", "factor": "2"}]}), "has no end"),
        (
            demand(contract={"steps": [{"upto": "1.05", "factor": "2"}, {"factor": "3"}]}),
            "ends where excess has begun",
        ),
        (demand(contract={"factor": "3", "steps": [{"factor": "2"}]}), "a factor, or steps"),
        (demand(contract={"least": "0.9"}), "of the measured demand"),
        (demand(contract={"least": "1.1", "below": "measured"}), "within the band"),
        (demand(contract={"band": "0.9", "excess_from": "contract"}), "within its band"),
        (demand(each="day"), "per day"),
        (demand(each="day", per="day", contract={}), "no ratchet or contract"),
        (
            {"kind": "capacity", "code": "c", "rates": [{"price": "1"}], "schedule": "tou"},
            "a schedule is of `contract`",
        ),
        (
            {"kind": "capacity", "code": "c", "rates": [{"price": "1"}], "of": "contract"}
            | {"schedule": "tou"},
            "there is no schedule",
        ),
        ({"kind": "fixed", "code": "f", "price": "1", "unused": "1.5"}, "less than or equal"),
        ({"kind": "fixed", "code": "f", "price": "1", "per": "month-by-thirtieths"}, "source"),
    ],
)
def test_what_makes_no_sense_is_refused(charge: Any, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        tariff(charge)


@pytest.mark.parametrize("per", ["month-by-thirtieths", "month-less-thirtieths"])
def test_a_whole_month_is_a_month_and_a_supply_that_begins_in_it_has_thirtieths(
    per: str,
) -> None:
    charge = {"kind": "fixed", "code": "f", "price": "30", "per": per}
    versions = [tariff(charge, source="a notice")]

    def total(since: str, until: str) -> int:
        period = Period(since=date.fromisoformat(since), until=date.fromisoformat(until))
        return rate(versions, Usage("UTC"), period).total

    assert total("2025-05-01", "2025-06-01") == total("2025-02-01", "2025-03-01") == 30_00
    assert total("2025-05-11", "2025-06-01") == 21_00
    ended = total("2025-05-01", "2025-05-11")
    assert ended == {"month-by-thirtieths": 10_00, "month-less-thirtieths": 9_00}[per]
