"""Decisions that see several things of one kind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from api.dispatch import Dispatch, RequestContext
from domain import kit
from domain.kit import DECISIONS, Many, Stream, To, command, decision
from replay.store.history import History
from replay.store.migrations import migrate
from tests.kit.toys import GatherTurns, HandOnTurns, SameToy, Toy, ToyRang, ToyWound, toys
from tests.story import Story

MAR = date(2026, 3, 1)
CLERK = RequestContext("ann", "clerk")


@pytest.fixture
def story() -> Story:
    told = Story()
    told.given_of("test-A", ToyWound(turns=5, on=MAR))
    told.given_of("test-B", ToyWound(turns=2, on=MAR))
    return told


@pytest.fixture
def undone() -> Iterator[None]:
    """What a test declares is forgotten after it."""
    catalogues: tuple[dict[Any, Any], ...] = (kit.COMMANDS, kit.DECISIONS, kit.NAMES)
    before = [dict(each) for each in catalogues]
    yield
    for each, was in zip(catalogues, before, strict=True):
        each.clear()
        each.update(was)


def test_an_event_says_to_which_of_two_it_happens(story: Story) -> None:
    story.when(HandOnTurns(source="A", target="B", turns=3, on=MAR))
    story.then(
        To("source", ToyWound(turns=-3, on=MAR)), To("target", ToyWound(turns=3, on=MAR))
    )


def test_one_thing_under_two_names_is_looked_at_and_refused_by_the_rule(story: Story) -> None:
    story.when(HandOnTurns(source="A", target="A", turns=3, on=MAR))
    story.refused(SameToy, toy="A")


def test_of_many_an_event_says_the_key(story: Story) -> None:
    story.when(GatherTurns(toys=("A", "B"), into="C", on=MAR))
    story.then(
        To("toys", ToyWound(turns=-5, on=MAR), "A"),
        To("toys", ToyWound(turns=-2, on=MAR), "B"),
        To("target", ToyWound(turns=7, on=MAR)),
    )


@pytest.mark.parametrize(
    "astray",
    [
        ToyRang(times=1),  # two of the kind are seen
        To("toys", ToyRang(times=1)),  # which of them?
        To("toys", ToyRang(times=1), "Z"),  # one that was not seen
        To("taret", ToyRang(times=1)),
    ],
)
def test_an_event_that_could_go_anywhere_goes_nowhere(astray: object) -> None:
    asked = GatherTurns(toys=("A", "B"), into="C", on=MAR)

    with pytest.raises(TypeError, match="gather: To"):
        list(DECISIONS[GatherTurns].routed(asked, [astray]))


def test_a_command_that_names_too_many_or_one_twice_is_malformed() -> None:
    with pytest.raises(ValidationError, match="each is named once"):
        GatherTurns(toys=("A", "A"), into="C", on=MAR)
    with pytest.raises(ValidationError, match="at most 500"):
        GatherTurns(toys=tuple(f"A{n}" for n in range(501)), into="C", on=MAR)


def declared(field: object, name: str) -> type:
    made = type("Asked", (), {"__annotations__": {"toys": field}})
    return command(name)(made)


@pytest.mark.usefixtures("undone")
def test_many_without_a_bound_is_not_declared() -> None:
    def rule(asked: object, toys: Many[Toy]) -> Iterator[object]:
        yield asked, toys

    rule.__annotations__["asked"] = declared(tuple[str, ...], "test-unbounded")
    with pytest.raises(TypeError, match="not EachOnce and at most 500"):
        decision(rule)


@pytest.mark.usefixtures("undone")
def test_a_state_that_the_command_does_not_name_is_not_declared() -> None:
    def rule(asked: object, toy: Toy) -> Iterator[object]:
        yield asked, toy

    rule.__annotations__["asked"] = declared(str, "test-nameless")
    with pytest.raises(TypeError, match="no field 'toy'"):
        decision(rule)
    with pytest.raises(TypeError, match="sees nothing as"):
        decision(keys={"toy": "toys", "other": "toys"})(rule)


def test_all_of_it_is_one_append(database_url: str) -> None:
    migrate(database_url)
    with History(database_url) as history:
        dispatch = Dispatch(history, {})
        answer = dispatch(HandOnTurns(source="A", target="B", turns=3, on=MAR), CLERK)
        assert answer.streams == {"test-A": 1, "test-B": 1}
        answer = dispatch(GatherTurns(toys=("A", "B"), into="C", on=MAR), CLERK)
        assert answer.streams == {"test-A": 2, "test-B": 2, "test-C": 1}
        with pytest.raises(SameToy):
            dispatch(HandOnTurns(source="A", target="A", turns=3, on=MAR), CLERK)
        happened = [fact.event for fact in history.of(Stream("test-A"))]
        assert toys.fold(happened).turns == 0
