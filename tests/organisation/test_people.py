"""People: engaged, moved, given duties by others, standing in, and gone."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from domain.kit import InTheFuture
from domain.organisation.duties import DutyUnknown
from domain.organisation.person import (
    DutiesConflict,
    DutyNotHeld,
    Ended,
    EndEngagement,
    EngagePerson,
    GiveDuty,
    GivesToSelf,
    Held,
    LetStandIn,
    MovePerson,
    NothingToStandInFor,
    PersonAlreadyEngaged,
    PersonDutyTaken,
    PersonEngaged,
    PersonHasLeft,
    PersonLeft,
    PersonMoved,
    PersonStandsIn,
    PersonUnknown,
    TakeDuty,
    persons,
)
from domain.organisation.unit import UnitJoined, UnitParted, UnitUnknown
from tests.organisation.given import DAY, ENGAGED, JOINED, LATER, PUBLISHED, TREE, given
from tests.story import Story

ENGAGE = EngagePerson(person="carol", name="Carol Rivers", unit="lakeside", on=DAY)
JULY, AUGUST = date(2026, 7, 1), date(2026, 8, 1)


def give(duty: str = "reader", **other: Any) -> GiveDuty:
    asked: dict[str, Any] = {"person": "carol", "duty": duty, "unit": "lakeside", "since": DAY}
    return GiveDuty(**(asked | other))


@pytest.fixture
def story() -> Story:
    story = Story()
    story.given(*TREE, PUBLISHED)
    story.by("anna")
    return story


def test_somebody_is_engaged_once_under_a_key(story: Story) -> None:
    story.when(ENGAGE)
    story.then(ENGAGED, JOINED)
    story.given(ENGAGED, JOINED)
    story.refused(PersonAlreadyEngaged)
    story.given(PersonLeft(on=LATER))
    story.refused(PersonAlreadyEngaged)


def test_nobody_is_engaged_nowhere_or_tomorrow(story: Story) -> None:
    story.when(EngagePerson(person="carol", name="Carol", unit="hill", on=DAY))
    story.refused(UnitUnknown)
    story.when(EngagePerson(person="carol", name="Carol", unit="city", on=date(2027, 1, 1)))
    story.refused(InTheFuture)


def test_a_person_works_in_another_unit(story: Story) -> None:
    move = MovePerson(person="carol", unit="hillside", on=LATER)
    story.when(move)
    story.refused(PersonUnknown)
    story.given(ENGAGED)
    story.then(
        PersonMoved(unit="hillside", was="lakeside", on=LATER),
        UnitJoined(unit="hillside", person="carol", on=LATER),
    )
    story.given(PersonMoved(unit="hillside", was="lakeside", on=LATER))
    story.quiet()


def test_a_duty_is_given_by_another_for_a_unit_and_some_days(story: Story) -> None:
    story.given(ENGAGED)
    story.when(give())
    story.then(given("reader"))
    story.given(given("reader"))
    story.quiet()
    story.when(give(until=LATER))
    story.then(given("reader", until=LATER))
    story.by("carol")
    story.refused(GivesToSelf)
    with pytest.raises(ValidationError, match="ends after it begins"):
        give(until=DAY)


def test_a_duty_and_its_unit_are_there(story: Story) -> None:
    story.when(give())
    story.refused(PersonUnknown)
    story.given(ENGAGED)
    story.when(give("king"))
    story.refused(DutyUnknown, duty="king")
    story.when(give(unit="hill"))
    story.refused(UnitUnknown)
    story.given(PersonLeft(on=LATER))
    story.when(give())
    story.refused(PersonHasLeft)


def test_two_duties_that_are_apart_are_never_in_one_hand_at_once(story: Story) -> None:
    story.given(ENGAGED, given("reader", until=JULY))
    story.when(give("billing"))
    story.refused(DutiesConflict, duty="billing", holds="reader")
    story.when(give("billing", unit="hillside", since=LATER))
    story.refused(DutiesConflict)
    story.when(give("billing", since=JULY))
    story.then(given("billing", since=JULY))


def test_a_duty_is_taken(story: Story) -> None:
    take = TakeDuty(person="carol", duty="reader", unit="lakeside", on=LATER)
    story.when(take)
    story.refused(PersonUnknown)
    story.given(ENGAGED)
    story.refused(DutyNotHeld)
    story.given(given("reader"))
    taken = PersonDutyTaken(duty="reader", unit="lakeside", on=LATER)
    story.then(taken)
    story.given(taken)
    story.refused(DutyNotHeld)


def test_a_stand_in_holds_what_another_holds_for_some_days(story: Story) -> None:
    let = LetStandIn(person="dora", instead_of="carol", since=JULY, until=AUGUST)
    dora = PersonEngaged(name="Dora", unit="lakeside", on=DAY)
    story.given_of("person-carol", ENGAGED)
    story.given_of("person-dora", dora)
    story.when(let)
    story.refused(NothingToStandInFor)
    story.given_of("person-carol", given("reader", until=date(2026, 7, 15)))
    held = Held(duty="reader", unit="lakeside", since=JULY, until=date(2026, 7, 15))
    stands_in = PersonStandsIn(
        instead_of="carol", duties=(held,), since=JULY, until=AUGUST, let_by="anna"
    )
    assert [to.event for to in story._decided()] == [stands_in]  # type: ignore[attr-defined]
    for person in ("dora", "carol"):
        story.by("dora")
        story.when(LetStandIn(person=person, instead_of="carol", since=JULY, until=AUGUST))
        story.refused(GivesToSelf)
    story.by("anna")
    story.given_of("person-dora", given("billing"))
    story.when(let)
    story.refused(DutiesConflict)


def test_who_left_holds_nothing(story: Story) -> None:
    end = EndEngagement(person="carol", on=LATER)
    story.when(end)
    story.refused(PersonUnknown)
    story.given(ENGAGED, JOINED, given("reader"))
    story.then(
        PersonLeft(on=LATER, ended=(Ended(duty="reader", unit="lakeside"),)),
        UnitParted(unit="lakeside", person="carol", on=LATER),
    )
    story.given(PersonLeft(on=LATER))
    story.quiet()
    gone = persons.fold([ENGAGED, given("reader"), PersonLeft(on=LATER)])
    assert list(gone.every()) == []
