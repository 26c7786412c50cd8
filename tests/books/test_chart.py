"""The chart: every charge has a ledger class of its own, and only rounding falls into other."""

from __future__ import annotations

from datetime import date
from typing import get_args

import pytest

from domain.billing.posting import corrected, revenue
from domain.books.chart import CHART, CLASSES
from domain.books.entry import Entry, Posting, Source
from domain.pricing.charges import LEDGER_CLASSES, Charge
from tests.books.test_money import lines_of

DAY = date(2026, 1, 1)


def test_every_charge_names_its_class_and_none_is_other() -> None:
    assert len(LEDGER_CLASSES) == len(get_args(get_args(Charge)[0]))
    codes = {kind: CLASSES[name] for kind, name in LEDGER_CLASSES.items()}
    assert set(codes.values()) <= set(CHART)
    assert CLASSES["rounding"] == "4900"
    assert "4900" not in codes.values()


def test_included_tax_is_posted_apart_and_says_its_net_base() -> None:
    """11.30 with 13 % in it, of which 1.13 is for capacity."""
    posted = revenue(lines_of({"energy": 1017, "capacity": 113}, DAY), digits=2)
    assert {each.code: each.amount for each in posted} == {
        "2200": -130,
        "4200": -900,
        "4310": -100,
    }
    [tax] = [each for each in posted if each.tax_code]
    assert (tax.tax_code, str(tax.rate), tax.base) == ("tax", "0.13", 1000)


def test_a_note_posts_the_bill_as_it_is_less_the_bill_as_it_stood() -> None:
    stood, now = (lines_of({"energy": amount, "capacity": 0}, DAY) for amount in (1130, 565))
    posted = corrected(now, stood, digits=2)
    assert {each.code: (each.amount, each.base) for each in posted} == {
        "2200": (65, -500),
        "4200": (500, None),
    }
    assert corrected(now, now, digits=2) == ()


def test_what_is_not_balanced_is_no_entry() -> None:
    with pytest.raises(ValueError, match="is off by 1"):
        Entry(
            on=DAY,
            month="2026-01",
            about=DAY,
            source=Source(kind="bill", reference="B1"),
            document="B1",
            currency="GBP",
            postings=(Posting(code="1200", amount=1),),
        )
