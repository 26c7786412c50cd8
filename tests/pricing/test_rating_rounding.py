"""Rounding: five ways, by line, by charge and of the bill, in both paths alike."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from domain.pricing.rating import Registered, Usage, evaluate, explain, rate, rate_all
from domain.values import Mode, rounded
from tests.pricing.test_rating import JUNE, amounts, flat, month, tariff

# From the table of java.math.RoundingMode, docs.oracle.com/javase/8/docs/api/java/math/
NUMBERS = ("5.5", "2.5", "1.6", "1.1", "1.0", "-1.0", "-1.1", "-1.6", "-2.5", "-5.5")
TABLE = {
    "up": (6, 3, 2, 2, 1, -1, -2, -2, -3, -6),
    "down": (5, 2, 1, 1, 1, -1, -1, -1, -2, -5),
    "half-up": (6, 3, 2, 1, 1, -1, -1, -2, -3, -6),
    "half-down": (5, 2, 2, 1, 1, -1, -1, -2, -2, -5),
    "half-even": (6, 2, 2, 1, 1, -1, -1, -2, -2, -6),
}


@pytest.mark.parametrize("mode", get_args(Mode))
def test_each_way_of_rounding_is_that_of_the_published_table(mode: Mode) -> None:
    assert tuple(int(rounded(Decimal(one), mode)) for one in NUMBERS) == TABLE[mode]

    rounding = {"mode": mode, "step": "1"}
    for number, wanted in zip(NUMBERS, TABLE[mode], strict=True):
        rider = {"kind": "rider", "code": "rider", "price": number}
        versions = [tariff(rider, rounding=rounding)]
        many = [month("1")] * 5
        bill = rate(versions, many[0], JUNE)
        assert bill.total == wanted * 100
        assert rate_all(versions, many, JUNE) == [bill] * 5
        (why,) = explain(versions, many[0], JUNE)
        assert evaluate(why) == wanted


def both(versions: Any, kwh: str) -> dict[tuple[str, str, int], int]:
    """The amounts of a bill; the columns and the derivations say the same."""
    usages = [month(kwh), month("0"), month("1"), month("3"), month("7.7")]
    bills = [rate(versions, usage, JUNE) for usage in usages]
    assert rate_all(versions, usages, JUNE) == bills
    whys = explain(versions, usages[0], JUNE)
    assert [evaluate(why) * 100 for why in whys] == [one.amount for one in bills[0].lines]
    assert sum(one.amount for one in bills[0].lines) == bills[0].total
    return amounts(bills[0])


@pytest.mark.parametrize(("kwh", "rupees"), [("124.49", 124), ("124.5", 125), ("124", 124)])
def test_a_bill_is_rounded_to_the_rupee_beside_lines_in_paise(kwh: str, rupees: int) -> None:
    """
    50 paise and above are a rupee, less is ignored.

    General terms no. 7 of the electricity tariff 2011 of Mangalore Electricity Supply
    Company, de.scribd.com/document/269430428.
    """
    rounding = {"bill": {"step": "1"}}

    found = both([tariff(flat("1"), rounding=rounding)], kwh)

    paise = int(Decimal(kwh) * 100)
    rest = {("rounding", "", 0): rupees * 100 - paise} if paise != rupees * 100 else {}
    assert found == {("energy", "", 0): paise} | rest


def test_a_remainder_of_the_bill_may_land_on_a_line() -> None:
    rounding = {"bill": {"step": "0.05", "mode": "down"}, "remainder": "energy"}

    assert both([tariff(flat("1"), rounding=rounding)], "7.79") == {("energy", "", 0): 775}


def test_a_charge_may_be_rounded_otherwise_than_the_bill() -> None:
    levy = {"kind": "rider", "code": "levy", "price": "3.99"}
    basic = {"kind": "fixed", "code": "basic", "price": "852.87"}
    rounding = {"per": "document", "charges": [{"of": ["levy"], "mode": "down"}]}

    found = both([tariff(basic, levy, currency="USD", rounding=rounding)], "1.25")
    assert found["levy", "", 0] == 498  # 4.9875
    rounding["charges"] = [{"of": ["rider"], "mode": "up", "step": "0.1"}]
    found = both([tariff(basic, levy, currency="USD", rounding=rounding)], "1.25")
    assert found["levy", "", 0] == 500


def test_a_charge_whose_sum_is_rounded_has_lines_that_come_to_it() -> None:
    blocks = [{"upto": "1", "price": "0.335"}, {"upto": "2", "price": "0.335"}, {"price": "0"}]
    energy = flat("0") | {"rates": [{"blocks": blocks}], "blocks_per": "period"}

    by_line = both([tariff(energy)], "3")
    by_charge = both([tariff(energy, rounding={"per": "charge"})], "3")
    one = both(
        [tariff(energy, rounding={"charges": [{"of": ["energy"], "per": "charge"}]})], "3"
    )

    assert by_line == {("energy", "", 1): 34, ("energy", "", 2): 34, ("energy", "", 3): 0}
    assert by_charge == one
    assert by_charge == {("energy", "", 1): 34, ("energy", "", 2): 33, ("energy", "", 3): 0}


@pytest.mark.parametrize(
    ("rounding", "told"),
    [
        ({"per": "document", "bill": {"step": "1"}}, "rounds the bill already"),
        ({"bill": {"step": "0.001"}}, "not a multiple of 0.01 USD"),
        ({"bill": {"step": "0"}}, "greater than 0"),
        ({"charges": [{"of": ["energy"], "step": "0.003"}]}, "not a multiple of 0.01 USD"),
        ({"charges": [{"of": []}]}, "at least 1 item"),
        ({"charges": [{"of": ["vat"]}]}, "there is no charge 'vat'"),
        ({"charges": [{"of": ["rider"]}, {"of": ["energy", "rider"]}]}, "rounded in two ways"),
    ],
)
def test_a_rounding_that_makes_no_sense_is_refused(rounding: Any, told: str) -> None:
    rider = {"kind": "rider", "code": "levy", "price": "1"}

    with pytest.raises(ValidationError, match=told):
        tariff(flat("1"), rider, rounding=rounding)


@pytest.mark.parametrize("mode", get_args(Mode))
@pytest.mark.parametrize("per", ["line", "charge", "document"])
def test_three_thirds_of_a_price_are_the_price_whichever_way_it_is_rounded(
    mode: Mode, per: str
) -> None:
    """A ladder shared pro rata by three periods: each line is a division without an end."""
    windows = [
        {"period": "night", "until": "07:00"},
        {"period": "noon", "since": "11:00", "until": "13:00"},
    ]
    schedule = {"name": "tou", "otherwise": "day", "windows": windows}
    periods = ("day", "night", "noon")
    blocks = [{"upto": "10", "price": "3"}, {"price": "3"}]
    energy = flat("0", schedule="tou", pooling="pro-rata", blocks_per="period")
    energy["rates"] = [{"period": period, "blocks": blocks} for period in periods]
    versions = [tariff(energy, schedules=[schedule], rounding={"per": per, "mode": mode})]
    read = [Registered("import", one, JUNE.since, JUNE.until, 7_000) for one in periods]
    many = [Usage("UTC", registers=tuple(read))] * 5

    bill = rate(versions, many[0], JUNE)

    assert bill.total == 63_00
    assert rate_all(versions, many, JUNE) == [bill] * 5
