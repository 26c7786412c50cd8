"""The second person: who recorded the last fact of a kind does not agree to it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest

from api.dispatch import Dispatch, RequestContext
from domain.kit import RECORDERS, Actor, SamePerson, decision, the
from domain.pricing.charges import Energy, Rate
from domain.pricing.tariff import (
    ApproveTariff,
    DraftTariff,
    Tariff,
    TariffApproved,
    TariffDocument,
    TariffDrafted,
    TariffPublished,
    TariffVersionWithdrawn,
    WithdrawTariffVersion,
)
from domain.published import AlreadyApproved
from replay.store.history import History
from replay.store.migrations import migrate
from tests.kit.toys import ToyWound
from tests.story import Story

APPROVE = ApproveTariff(tariff="home")
DOCUMENT = TariffDocument(
    name="Home",
    currency="GBP",
    charges=(Energy(code="energy", rates=(Rate(price=Decimal("0.20")),)),),
)
DRAFTED = TariffDrafted(document=DOCUMENT, drafted_by="anna")
APPROVED = TariffApproved(approved_by="bert")


@pytest.fixture
def story() -> Story:
    return Story()


def test_who_drafted_does_not_approve_and_another_does(story: Story) -> None:
    story.given_by("anna", DRAFTED)
    story.when(APPROVE)
    story.by("anna")
    story.refused(SamePerson, recorded="tariff.drafted", by="anna")
    story.by("bert")
    story.then(APPROVED)


def test_the_last_draft_counts(story: Story) -> None:
    story.given_by("anna", DRAFTED)
    story.given_by("bert", DRAFTED)
    story.when(APPROVE)
    story.by("bert")
    story.refused(SamePerson)
    story.by("anna")
    story.then(TariffApproved(approved_by="anna"))


def test_a_rule_of_the_decision_is_told_first(story: Story) -> None:
    story.given_by("anna", DRAFTED, APPROVED)
    story.by("anna")
    story.when(APPROVE)
    story.refused(AlreadyApproved)


def test_who_published_does_not_withdraw(story: Story) -> None:
    since = date(2026, 1, 1)
    published = TariffPublished(tariff="home", version=1, since=since, document=DOCUMENT)
    story.given_by("bert", published)
    story.when(WithdrawTariffVersion(tariff="home", version=1, reason="wrong price"))
    story.by("bert")
    story.refused(SamePerson, recorded="tariff.published")
    story.by("anna")
    story.then(
        TariffVersionWithdrawn(tariff="home", version=1, since=since, reason="wrong price")
    )


def test_who_recorded_the_very_fact_counts_and_not_the_last_of_its_kind(story: Story) -> None:
    first, second = (
        TariffPublished(tariff="home", version=n, since=date(2026, n, 1), document=DOCUMENT)
        for n in (1, 2)
    )
    story.given_by("bert", first)
    story.given_by("anna", second)
    story.when(WithdrawTariffVersion(tariff="home", version=1, reason="wrong price"))
    story.by("bert")
    story.refused(SamePerson, recorded="tariff.published", by="bert")
    story.by("anna")
    story.then(
        TariffVersionWithdrawn(
            tariff="home", version=1, since=first.since, reason="wrong price"
        )
    )


def test_the_very_fact_is_told_by_what_both_say() -> None:
    def rule(asked: WithdrawTariffVersion, tariff: Tariff) -> Iterator[object]:
        yield asked, tariff

    with pytest.raises(TypeError, match=r"cannot tell tariff\.published by"):
        decision(apart_from=(the(TariffPublished, "document"),))(rule)


def test_only_what_a_decision_is_apart_from_is_remembered() -> None:
    assert TariffDrafted in RECORDERS
    assert TariffApproved not in RECORDERS


def test_a_decision_sees_what_it_is_apart_from() -> None:
    def rule(asked: DraftTariff, actor: Actor) -> Iterator[object]:
        yield asked, actor

    with pytest.raises(TypeError, match="does not see"):
        decision(apart_from=(ToyWound,))(rule)


def test_it_holds_from_the_cache_and_after_a_restart(database_url: str) -> None:
    migrate(database_url)
    draft = DraftTariff(tariff="home", document=DOCUMENT)
    anna, bert = RequestContext("anna", "analyst"), RequestContext("bert", "supervisor")

    with History(database_url) as history:
        dispatch = Dispatch(history, {})
        dispatch(draft, anna)
        with pytest.raises(SamePerson):
            dispatch(APPROVE, anna)  # read from the database
        with pytest.raises(SamePerson):
            dispatch(APPROVE, anna)  # at hand
        dispatch(draft, bert)  # folded on
        with pytest.raises(SamePerson):
            dispatch(APPROVE, bert)
    with History(database_url) as history:
        with pytest.raises(SamePerson):
            Dispatch(history, {})(APPROVE, bert)
        assert Dispatch(history, {})(APPROVE, anna).positions
