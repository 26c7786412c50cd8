"""Service points: energised, supplied, moved to another tariff, vacated."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from domain.customers.account import AccountOpened, AccountUnknown
from domain.kit import SamePerson
from domain.network.point import (
    ChangeTariff,
    EnergisePoint,
    OverlappingSupply,
    PointAlreadyEnergised,
    PointEnergised,
    PointEnergisingWithdrawn,
    PointInUse,
    PointMetered,
    PointNotSupplied,
    PointNotYetEnergised,
    PointSupplied,
    PointSupplyWithdrawn,
    PointTariffChanged,
    PointTermsAgreed,
    PointTermsWithdrawn,
    PointUnknown,
    PointVacated,
    SupplyPoint,
    TariffNotPublished,
    TariffNotYetInForce,
    VacatePoint,
    WithdrawPoint,
    WithdrawSupply,
)
from domain.pricing.charges import Energy, Rate
from domain.pricing.tariff import TariffDocument, TariffPublished
from tests.story import Story

JAN, FEB, MAR = (date(2026, month, 1) for month in (1, 2, 3))
flat = Energy(code="energy", rates=(Rate(price=Decimal("0.2")),))
document = TariffDocument(name="Home", currency="GBP", charges=(flat,))

energised = PointEnergised(address="1 Mill Lane", on=JAN)
opened = AccountOpened(customer="C1", on=JAN)
published = TariffPublished(tariff="R1", version=1, since=JAN, document=document)
supplied = PointSupplied(account="A1", tariff="R1", since=JAN)
supply = SupplyPoint(point="P1", account="A1", tariff="R1", since=JAN)


@pytest.fixture
def story() -> Story:
    return Story()


def test_a_number_names_one_place(story: Story) -> None:
    story.when(EnergisePoint(point="P1", address="1 Mill Lane", on=JAN))
    story.then(energised)
    story.given(energised)
    story.refused(PointAlreadyEnergised, point="P1")


def test_an_account_takes_supply_under_a_published_tariff(story: Story) -> None:
    story.given(energised, opened, published)
    story.when(supply)
    story.then(supplied)


def test_supply_needs_a_point_an_account_and_a_tariff(story: Story) -> None:
    story.when(supply)
    story.refused(PointUnknown, point="P1")
    story.given(energised)
    story.refused(AccountUnknown, account="A1")
    story.given(opened)
    story.refused(TariffNotPublished, tariff="R1")
    story.when(SupplyPoint(point="P1", account="A1", tariff="R1", since=date(2025, 1, 1)))
    story.refused(PointNotYetEnergised, on=JAN)


def test_one_account_at_a_time(story: Story) -> None:
    story.given(energised, opened, published, supplied)
    story.when(SupplyPoint(point="P1", account="A2", tariff="R1", since=FEB))
    story.refused(OverlappingSupply, account="A1")
    story.given(PointVacated(account="A1", supplied=JAN, until=FEB))
    story.then(PointSupplied(account="A2", tariff="R1", since=FEB))


def test_a_tariff_changes_from_a_day_on_and_may_be_back_dated(story: Story) -> None:
    story.given(energised, opened, published, supplied)
    story.when(ChangeTariff(point="P1", tariff="R2", since=FEB))
    story.then(PointTariffChanged(account="A1", supplied=JAN, tariff="R2", since=FEB))
    story.when(ChangeTariff(point="P1", tariff="R1", since=JAN))
    story.quiet()
    story.when(ChangeTariff(point="P1", tariff="R2", since=date(2025, 12, 1)))
    story.refused(PointNotYetEnergised)


def test_a_change_holds_until_the_next_one(story: Story) -> None:
    changed = PointTariffChanged(account="A1", supplied=JAN, tariff="R2", since=MAR)
    story.given(energised, opened, published, supplied, changed)
    story.when(ChangeTariff(point="P1", tariff="R2", since=MAR))
    story.quiet()
    # Said now and not left out: another change may be told later, from a day before.
    story.when(ChangeTariff(point="P1", tariff="R1", since=FEB))
    story.then(PointTariffChanged(account="A1", supplied=JAN, tariff="R1", since=FEB))


def test_a_supply_ends_after_it_began(story: Story) -> None:
    story.given(energised, opened, published, supplied)
    story.when(VacatePoint(point="P1", until=FEB))
    story.then(PointVacated(account="A1", supplied=JAN, until=FEB))
    story.when(VacatePoint(point="P1", until=JAN))
    story.refused(PointNotSupplied)
    story.given(PointVacated(account="A1", supplied=JAN, until=FEB))
    story.when(VacatePoint(point="P1", until=MAR))
    story.refused(PointNotSupplied, on=MAR)


def test_supply_needs_a_tariff_in_force_on_its_first_day(story: Story) -> None:
    later = TariffPublished(tariff="R1", version=1, since=MAR, document=document)
    story.given(energised, opened, later)
    story.when(supply)
    story.refused(TariffNotYetInForce, tariff="R1", since=MAR, asked=JAN)
    story.given(TariffPublished(tariff="R1", version=2, since=JAN, document=document))
    story.then(supplied)


def test_the_terms_of_a_supply_are_withdrawn_with_it(story: Story) -> None:
    agreed = PointTermsAgreed(account="A1", supplied=JAN, since=FEB, contract_w=300_000)
    story.given(energised, opened, published, agreed)
    story.given_by("bea", supplied)
    story.when(WithdrawSupply(point="P1", account="A1", since=JAN, reason="flat 2"))
    story.then(
        PointTermsWithdrawn(account="A1", supplied=JAN, since=FEB, reason="flat 2"),
        PointSupplyWithdrawn(account="A1", supplied=JAN, until=None, reason="flat 2"),
    )
    story.by("bea")
    story.refused(SamePerson)


def test_a_point_entered_in_error_is_withdrawn_and_may_be_energised_again(story: Story) -> None:
    asked = WithdrawPoint(point="P1", reason="entered twice")
    story.when(asked)
    story.refused(PointUnknown, point="P1")
    story.given_by("bea", energised)
    gone = PointEnergisingWithdrawn(on=JAN, reason="entered twice")
    story.then(gone)
    story.by("bea")
    story.refused(SamePerson)
    story.by("ann")
    story.given(gone)
    story.refused(PointUnknown, point="P1")
    story.when(EnergisePoint(point="P1", address="1 Mill Lane", on=JAN))
    story.then(energised)


def test_a_point_in_use_is_not_withdrawn(story: Story) -> None:
    story.given(energised, supplied, PointMetered(meter="M1", since=JAN))
    story.when(WithdrawPoint(point="P1", reason="entered twice"))
    story.refused(PointInUse, accounts=["A1"], meters=["M1"])
