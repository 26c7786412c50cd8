"""What a command says of itself: who may ask it, an example, what it may be refused for."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from typing import get_type_hints

import pytest

from api.dispatch import Dispatch, RequestContext, Undeclared
from domain.catalogue import COMMANDS, EVENTS
from domain.kit import ASKED, DAYS, DECISIONS, SamePerson, day_of, event
from replay.store.history import History
from replay.store.migrations import migrate
from tests.kit.toys import NotYet, RingToy, ToyRang, ToyWound, WindToy
from tests.story import Story

NEW_YEAR = date(2026, 1, 1)


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A decision that keeps its refusals to itself."""
    told = DECISIONS[WindToy]
    quiet = type(told)(told.command, told.decide, told.sees, told.needs, told.yields)
    monkeypatch.setitem(DECISIONS, WindToy, quiet)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_has_an_example_and_its_refusals_a_sentence(name: str) -> None:
    assert ASKED[COMMANDS[name]].example or not fields(COMMANDS[name])
    for refusal in DECISIONS[COMMANDS[name]].refuses:
        assert refusal.__doc__
        assert refusal.__doc__.strip().endswith("."), refusal


def test_who_is_apart_from_somebody_may_be_refused_as_the_same_person() -> None:
    assert SamePerson in DECISIONS[RingToy].refuses


@pytest.mark.usefixtures("silent")
def test_a_story_fails_that_meets_a_refusal_which_is_not_declared() -> None:
    story = Story()
    story.on(date(2025, 1, 1))
    story.when(WindToy(toy="A", on=NEW_YEAR))
    with pytest.raises(AssertionError, match="declare it"):
        story.refused(NotYet)


@pytest.mark.usefixtures("silent")
def test_a_door_warns_of_a_refusal_that_is_not_declared(database_url: str) -> None:
    migrate(database_url)
    with History(database_url) as history:
        dispatch = Dispatch(history, {}, lambda: date(2025, 1, 1))
        with pytest.raises(Undeclared, match="wind: not-yet"):  # a warning fails a test
            dispatch(WindToy(toy="A", on=NEW_YEAR), RequestContext("ann", "clerk"))


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_an_event_that_has_a_day_says_which(name: str) -> None:
    """One with a single date has that; one without any declares none."""
    dates = [field for field, hint in get_type_hints(EVENTS[name]).items() if hint is date]
    assert (EVENTS[name] in DAYS) == bool(dates)


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_whole_numbers_beside_a_currency_are_minor_units(name: str) -> None:
    hints = get_type_hints(EVENTS[name], include_extras=True)
    if "currency" not in hints or name == "utility.established":  # days and digits
        return
    plain = [field for field, hint in hints.items() if hint is int]
    assert plain == []


def test_the_business_day_is_the_declared_one() -> None:
    assert day_of(ToyWound(turns=1, on=NEW_YEAR)) == NEW_YEAR
    assert day_of(ToyRang(times=1)) is None


def test_a_day_that_an_event_does_not_have_is_not_declared() -> None:
    cls = type("Undated", (), {"__annotations__": {"on": str}})
    with pytest.raises(TypeError, match=r"test.undated has no day 'on'"):
        event("test.undated", day="on")(cls)
    del EVENTS["test.undated"]
