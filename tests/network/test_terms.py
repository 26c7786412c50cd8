"""Terms of a supply: capacity, contract demand, power factor, persons, exemptions, by day."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from pydantic import ValidationError

from domain.kit import SamePerson
from domain.network.point import (
    ContractByPeriod,
    PointEnergised,
    PointNotSupplied,
    PointSupplied,
    PointTermsAgreed,
    PointTermsWithdrawn,
    PointUnknown,
    PointVacated,
)
from domain.network.terms import (
    AgreeTerms,
    PowerFactorTooFine,
    TermsNotAgreed,
    WithdrawTerms,
)
from tests.story import Story

JAN, FEB, MAR = (date(2026, month, 1) for month in (1, 2, 3))

energised = PointEnergised(address="1 Mill Lane", on=JAN)
supplied = PointSupplied(account="A1", tariff="R1", since=JAN)
ask = AgreeTerms(point="P1", since=FEB, capacity_va=500_000, contract_w=300_000)
agreed = PointTermsAgreed(
    account="A1", supplied=JAN, since=FEB, capacity_va=500_000, contract_w=300_000
)


@pytest.fixture
def story() -> Story:
    story = Story()
    story.given(energised)
    return story


def test_terms_are_agreed_for_the_supply_of_that_day(story: Story) -> None:
    story.given(supplied)
    story.when(ask)
    story.then(agreed)


def test_terms_that_are_in_force_already_are_not_agreed_again(story: Story) -> None:
    story.given(supplied, agreed)
    story.when(ask)
    story.quiet()
    story.when(AgreeTerms(point="P1", since=MAR, capacity_va=500_000, contract_w=300_000))
    story.quiet()


def test_contract_demands_by_period_are_in_one_order_and_each_once(story: Story) -> None:
    peak, valley = (ContractByPeriod(period=name, w=1_000) for name in ("peak", "valley"))
    story.given(supplied)
    for given in ((valley, peak), (peak, valley)):
        story.when(AgreeTerms(point="P1", since=FEB, contract_by_period=given))
    story.then(
        PointTermsAgreed(
            account="A1", supplied=JAN, since=FEB, contract_by_period=(peak, valley)
        )
    )
    with pytest.raises(ValidationError, match="a period has one contract demand"):
        AgreeTerms(point="P1", since=FEB, contract_by_period=(peak, peak))


def test_other_terms_follow_from_a_later_day_or_replace_those_of_the_same(story: Story) -> None:
    story.given(supplied, agreed)
    for since in (FEB, MAR):
        story.when(AgreeTerms(point="P1", since=since, capacity_va=400_000))
        story.then(
            PointTermsAgreed(account="A1", supplied=JAN, since=since, capacity_va=400_000)
        )


def test_terms_of_a_supply_that_has_ended_may_be_put_right(story: Story) -> None:
    story.given(supplied, PointVacated(account="A1", supplied=JAN, until=MAR))
    story.when(ask)
    story.then(agreed)


def test_nobody_agrees_for_a_day_without_supply(story: Story) -> None:
    story.when(ask)
    story.refused(PointNotSupplied)
    story.given(supplied, PointVacated(account="A1", supplied=JAN, until=FEB))
    story.when(ask)
    story.refused(PointNotSupplied)


def test_terms_are_of_a_point_that_there_is() -> None:
    story = Story()
    story.when(ask)
    story.refused(PointUnknown)


def test_a_power_factor_has_four_decimals_at_most(story: Story) -> None:
    story.given(supplied)
    story.when(AgreeTerms(point="P1", since=FEB, power_factor=Decimal("0.92345")))
    story.refused(PowerFactorTooFine)


def test_terms_are_withdrawn_by_a_second_person_and_may_be_agreed_again(story: Story) -> None:
    story.given(supplied)
    asked = WithdrawTerms(point="P1", since=FEB, reason="never signed")
    story.when(asked)
    story.refused(TermsNotAgreed, since=FEB)
    story.given_by("bea", agreed)
    gone = PointTermsWithdrawn(account="A1", supplied=JAN, since=FEB, reason="never signed")
    story.then(gone)
    story.by("bea")
    story.refused(SamePerson)
    story.by("ann")
    story.given(gone)
    story.refused(TermsNotAgreed, since=FEB)
    story.when(ask)
    story.then(agreed)
