"""The decimals of a currency: those of the norm, and in old books those that they have."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from api import currency
from domain.editions import EDITION
from domain.organisation.utility import EstablishUtility, Utility, UtilityEstablished
from domain.pricing.charges import Fixed
from domain.pricing.rating import Usage, rate
from domain.pricing.tariff import TariffDocument, TariffVersion
from domain.values import Period, amount_text, minor_digits
from replay.store.mapper import READERS
from tests.story import Story

DAY = date(2026, 1, 1)
USAGE = Usage(zone="UTC")


@pytest.mark.parametrize(
    ("code", "digits"),
    [("GBP", 2), ("CNY", 2), ("JPY", 0), ("UGX", 0), ("ISK", 0), ("PYG", 0), ("OMR", 3),
     ("LYD", 3), ("KWD", 3), ("XXX", 2), ("QQQ", 2)],
)  # fmt: skip
def test_a_currency_has_the_decimals_of_the_norm(code: str, digits: int) -> None:
    assert minor_digits(code) == digits


def test_a_utility_keeps_the_decimals_it_was_founded_with() -> None:
    story = Story()
    story.when(EstablishUtility(name="W", currency="UGX", zone="UTC"))
    story.then(
        UtilityEstablished(
            name="W", currency="UGX", zone="UTC", due_days=14, minor_digits=0, edition=EDITION
        )
    )


@pytest.mark.parametrize(("code", "digits"), [("UGX", 2), ("OMR", 2), ("JPY", 0), ("KWD", 3)])
def test_books_of_the_first_release_keep_theirs(code: str, digits: int) -> None:
    old = {"name": "W", "currency": code, "zone": "UTC", "due_days": 14}
    assert READERS["utility.established", 1](old).minor_digits == digits


def test_a_bill_is_rounded_in_the_decimals_that_the_books_keep() -> None:
    charge = Fixed(code="standing", price=Decimal("10.256"), per="period")
    document = TariffDocument(name="T", currency="UGX", charges=(charge,))
    norm = TariffVersion(tariff="T", version=1, since=DAY, document=document)
    kept = TariffVersion(tariff="T", version=1, since=DAY, document=document, kept_digits=2)
    period = Period(since=DAY, until=date(2026, 2, 1))
    assert rate([norm], USAGE, period).total == 10
    assert rate([kept], USAGE, period).total == 1026


def test_doors_tell_amounts_as_the_books_that_they_serve(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert amount_text(1026, "UGX") == "1026"
    assert currency.amount_text(1026, "UGX") == "1026"
    monkeypatch.setattr(currency, "KEPT", {})
    currency.keep(Utility(name="W", currency="UGX", minor_digits=2))
    assert currency.amount_text(1026, "UGX") == "10.26"
