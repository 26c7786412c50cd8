"""Tariffs: drafted by one, approved by another, published from a date, never changed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from domain.kit import Actor, Refused
from domain.pricing.charges import Energy, Rate
from domain.pricing.tariff import (
    ApproveTariff,
    DraftTariff,
    OtherCurrency,
    PublishTariff,
    TariffApproved,
    TariffDocument,
    TariffDrafted,
    TariffPublished,
    TariffVersionWithdrawn,
    WithdrawTariffVersion,
    tariffs,
)
from domain.pricing.tariff.rules import (
    approve_tariff,
    draft_tariff,
    publish_tariff,
    withdraw_tariff_version,
)
from domain.published import (
    AlreadyApproved,
    NoSuchVersion,
    NotApproved,
    NothingDrafted,
    in_force,
    touched,
)
from domain.values import Period

ANNA, BERT = Actor("anna", "analyst"), Actor("bert", "director")


def document(price: str = "0.20", currency: str = "GBP") -> TariffDocument:
    flat = Energy(code="energy", rates=(Rate(price=Decimal(price)),))
    return TariffDocument(name="Home", currency=currency, charges=(flat,))


drafted = TariffDrafted(document=document(), drafted_by="anna")
approved = TariffApproved(approved_by="bert")


def published(version: int = 1, since: date = date(2026, 1, 1), price: str = "0.20") -> Any:
    return TariffPublished(
        tariff="home", version=version, since=since, document=document(price)
    )


def given(*happened: Any) -> Any:
    return tariffs.fold(happened)


def refused(rule: type[Refused], answer: Iterable[object]) -> None:
    with pytest.raises(rule):
        list(answer)


def test_a_draft_is_put_down_under_the_name_of_its_drafter() -> None:
    answer = draft_tariff(DraftTariff(tariff="home", document=document()), given(), ANNA)

    assert list(answer) == [drafted]


def test_a_second_person_approves() -> None:
    answer = approve_tariff(ApproveTariff(tariff="home"), given(drafted), BERT)

    assert list(answer) == [approved]


def test_nothing_is_approved_before_it_is_drafted_or_twice() -> None:
    asked = ApproveTariff(tariff="home")

    refused(NothingDrafted, approve_tariff(asked, given(), BERT))
    refused(AlreadyApproved, approve_tariff(asked, given(drafted, approved), BERT))


def test_a_changed_draft_needs_a_new_approval() -> None:
    changed = given(drafted, approved, drafted)

    refused(NotApproved, publish_tariff(PublishTariff(tariff="home", since=date.max), changed))


def test_what_is_approved_is_published_whole_with_the_next_number() -> None:
    asked = PublishTariff(tariff="home", since=date(2026, 1, 1))

    assert list(publish_tariff(asked, given(drafted, approved))) == [published()]
    again = given(drafted, approved, published(), drafted, approved)
    (second,) = publish_tariff(asked, again)
    assert isinstance(second, TariffPublished)
    assert second.version == 2


def test_nothing_is_published_twice_from_one_approval() -> None:
    asked = PublishTariff(tariff="home", since=date(2026, 1, 1))

    refused(NothingDrafted, publish_tariff(asked, given(drafted, approved, published())))


def test_a_tariff_keeps_its_currency() -> None:
    asked = DraftTariff(tariff="home", document=document(currency="EUR"))

    refused(OtherCurrency, draft_tariff(asked, given(published()), ANNA))


def test_a_back_dated_version_applies_until_the_next_date_and_the_old_one_stays_readable() -> (
    None
):
    first = published(1, date(2026, 1, 1))
    summer = published(2, date(2026, 7, 1), "0.22")
    late = published(3, date(2026, 3, 1), "0.21")
    state = given(first, summer, late)

    year = Period(since=date(2026, 1, 1), until=date(2027, 1, 1))
    applied = [
        (stretch.since, version.version) for stretch, version in in_force(state.versions, year)
    ]
    assert applied == [(date(2026, 1, 1), 1), (date(2026, 3, 1), 3), (date(2026, 7, 1), 2)]
    assert state.versions[0].document == first.document

    before = state.versions[:2]
    assert touched(before, state.versions[2]) == Period(
        since=date(2026, 3, 1), until=date(2026, 7, 1)
    )


def test_a_version_is_withdrawn_once_and_its_number_stays_taken() -> None:
    two = [published(1), published(2, date(2026, 2, 1))]
    asked = WithdrawTariffVersion(tariff="home", version=2, reason="wrong price")
    withdrawn = TariffVersionWithdrawn(
        tariff="home", version=2, since=date(2026, 2, 1), reason="wrong price"
    )

    assert list(withdraw_tariff_version(asked, given(*two))) == [withdrawn]
    assert list(withdraw_tariff_version(asked, given(*two, withdrawn))) == []
    state = given(*two, withdrawn, drafted, approved)
    assert [one.version for one in state.versions] == [1]
    again = list(publish_tariff(PublishTariff(tariff="home", since=date.max), state))
    assert [one.version for one in again if isinstance(one, TariffPublished)] == [3]


def test_what_was_never_published_is_not_withdrawn() -> None:
    asked = WithdrawTariffVersion(tariff="home", version=2, reason="wrong price")

    refused(NoSuchVersion, withdraw_tariff_version(asked, given(published(1))))


def test_a_withdrawn_version_hides_no_other() -> None:
    back_dated = published(3, date(2026, 3, 1), "9.99")
    withdrawn = TariffVersionWithdrawn(
        tariff="home", version=3, since=date(2026, 3, 1), reason="wrong price"
    )
    state = given(published(1), published(2, date(2026, 7, 1)), back_dated, withdrawn)

    year = Period(since=date(2026, 1, 1), until=date(2027, 1, 1))
    assert [version.version for _, version in in_force(state.versions, year)] == [1, 2]


@pytest.mark.parametrize(
    "charge",
    [
        {"kind": "demand", "code": "kw", "rates": [{"price": "1"}], "step": "0"},
        {"kind": "power-factor", "code": "pf", "standard": "0.9", "slopes": [], "step": "0"},
        {"kind": "tax", "code": "vat", "rate": "-1", "included": True},
    ],
)
def test_a_document_by_which_nothing_can_be_billed_is_refused(charge: dict[str, Any]) -> None:
    said = {"name": "t", "currency": "GBP", "charges": [charge]}

    with pytest.raises(ValidationError, match=f"charges.0.{charge['kind']}"):
        TypeAdapter(DraftTariff).validate_python({"tariff": "R1", "document": said})


def test_a_tariff_without_charges_is_refused() -> None:
    said = {"name": "t", "currency": "GBP", "charges": []}

    with pytest.raises(ValidationError, match="one charge or more"):
        TypeAdapter(DraftTariff).validate_python({"tariff": "R1", "document": said})
