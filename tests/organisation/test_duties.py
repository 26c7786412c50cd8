"""Duties: drafted, approved by another, published; what nobody could hold is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from domain.catalogue import COMMANDS
from domain.editions import EDITION
from domain.kit import ASKED, SamePerson
from domain.organisation.duties import (
    Apart,
    ApproveDuties,
    CommandUnknown,
    DraftDuties,
    DutiesApproved,
    DutiesDrafted,
    DutiesHeldTogether,
    DutiesPublished,
    Duty,
    DutyHeld,
    DutyToldTwice,
    DutyUnknown,
    EventUnknown,
    Holders,
    NobodyCanHoldDuty,
    NobodyGivesDuties,
    NotTheNextVersion,
    Pair,
    PublishDuties,
    first_document,
)
from domain.organisation.founding import FoundersAreOne, FoundUtility, UtilityAlreadyFounded
from domain.organisation.utility import UtilityEstablished, UtilityNotEstablished
from domain.published import NotApproved, NothingDrafted
from tests.organisation.given import DOCUMENT, PUBLISHED
from tests.story import Story

DRAFTED = DutiesDrafted(document=DOCUMENT, drafted_by="anna")
APPROVED = DutiesApproved(approved_by="bert")
ADMIN = Duty(name="admin", title="Administrator", every_command=True)


@pytest.fixture
def story() -> Story:
    story = Story()
    story.by("anna")
    story.calculated(Holders())
    return story


def test_another_person_approves_what_is_then_in_force(story: Story) -> None:
    story.when(DraftDuties(document=DOCUMENT))
    story.then(DRAFTED)
    story.when(ApproveDuties(version=1))
    story.refused(NothingDrafted)
    story.given_by("anna", DRAFTED)
    story.refused(SamePerson)
    story.when(PublishDuties(version=1))
    story.refused(NotApproved)
    story.by("bert")
    story.when(ApproveDuties(version=1))
    story.then(APPROVED)
    story.given_by("bert", APPROVED)
    story.on(date(2026, 5, 1))
    story.when(PublishDuties(version=1))
    story.then(DutiesPublished(version=1, since=date(2026, 5, 1), document=DOCUMENT))


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"duties": (ADMIN, ADMIN)}, DutyToldTwice),
        ({"duties": (ADMIN, Duty(name="x", title="X", commands=("fly",)))}, CommandUnknown),
        ({"duties": (ADMIN, Duty(name="x", title="X", looks=()))}, NobodyCanHoldDuty),
        ({"apart": (Apart(one="admin", other="admin"),)}, NobodyCanHoldDuty),
        ({"apart": (Apart(one="admin", other="king"),)}, DutyUnknown),
        ({"pairs": (Pair(first="bill.issued", second="bill.eaten"),)}, EventUnknown),
        ({"duties": (Duty(name="x", title="X"),), "apart": ()}, NobodyGivesDuties),
    ],
)
def test_what_could_not_be_kept_is_refused(
    story: Story, changed: dict[str, Any], refusal: Any
) -> None:
    story.when(DraftDuties(document=replace(DOCUMENT, **changed)))
    story.refused(refusal)


def test_who_approves_says_which_number_they_read(story: Story) -> None:
    story.given(DRAFTED)
    story.when(ApproveDuties(version=2))
    story.refused(NotTheNextVersion, next=1)


def test_a_conflict_that_somebody_violates_is_not_published(story: Story) -> None:
    story.given(DRAFTED, APPROVED)
    story.when(PublishDuties(version=1))
    story.calculated(Holders({"carol": frozenset(("reader", "billing"))}))
    story.refused(DutiesHeldTogether, person="carol")
    story.calculated(Holders({"carol": frozenset(("cashier",))}))
    story.refused(DutyHeld, person="carol", duties=["cashier"])


def test_the_first_version_is_what_the_commands_declare() -> None:
    document = first_document()
    for name, command in COMMANDS.items():
        holding = {d.name for d in document.duties if name in d.commands}
        assert holding == ASKED[command].duties, name
    assert [duty.name for duty in document.duties if duty.every_command] == ["admin"]
    assert document.excluded_by("billing") == {"reader", "cashier"}


FOUND = FoundUtility(
    unit="grid",
    first="anna",
    first_name="Anna",
    second="bert",
    second_name="Bert",
    on=date(2026, 1, 1),
)
ESTABLISHED = UtilityEstablished(
    name="Grid",
    currency="CNY",
    zone="Asia/Shanghai",
    due_days=14,
    minor_digits=2,
    edition=EDITION,
)


def test_two_people_found_a_utility_once(story: Story) -> None:
    story.when(FOUND)
    story.refused(UtilityNotEstablished)
    story.given(ESTABLISHED)
    assert len(story._decided()) == 8
    story.when(replace(FOUND, second="anna"))
    story.refused(FoundersAreOne)
    story.given(PUBLISHED)
    story.when(FOUND)
    story.refused(UtilityAlreadyFounded)
