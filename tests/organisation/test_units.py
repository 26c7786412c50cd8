"""Units: a tree that has one top and no circle, and closes only what nobody works in."""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import TypeAdapter, ValidationError

from domain.kit import InTheFuture
from domain.organisation.unit import (
    CloseUnit,
    FoundUnit,
    MoveUnit,
    UnitAlreadyFounded,
    UnitBelowItself,
    UnitClosed,
    UnitHasPeople,
    UnitHasUnits,
    UnitIsClosed,
    UnitMoved,
    UnitNotBelow,
    UnitOnTop,
    UnitParted,
    UnitUnknown,
    tree,
)
from tests.organisation.given import DAY, JOINED, LATER, TREE, founded
from tests.story import Story


@pytest.fixture
def story() -> Story:
    story = Story()
    story.given(*TREE)
    return story


def asked(**other: object) -> FoundUnit:
    body = {
        "unit": "pier", "name": "Pier", "kind": "station", "parent": "shore",
        "zone": "Asia/Shanghai", "on": "2026-03-01",
    }  # fmt: skip
    return TypeAdapter(FoundUnit).validate_python(body | other)


def test_a_unit_is_founded_below_one_that_is_open(story: Story) -> None:
    story.when(asked())
    story.then(founded("pier", "shore"))
    story.when(asked(unit="lakeside"))
    story.refused(UnitAlreadyFounded)
    story.when(asked(parent="nowhere"))
    story.refused(UnitUnknown, unit="nowhere")
    story.when(asked(kind="province"))
    story.refused(UnitNotBelow, kind="province", above="county")
    story.when(asked(on="2027-01-01"))
    story.refused(InTheFuture)
    story.given(UnitClosed(unit="shore", on=DAY))
    story.when(asked())
    story.refused(UnitIsClosed, unit="shore")


def test_a_unit_moves_with_all_below_it_and_never_below_itself(story: Story) -> None:
    story.when(MoveUnit(unit="lakeside", parent="shore", on=LATER))
    story.then(UnitMoved(unit="lakeside", parent="shore", was="city", on=LATER))
    story.when(MoveUnit(unit="lakeside", parent="city", on=LATER))
    story.quiet()
    for parent in ("city", "lakeside"):
        story.when(MoveUnit(unit="city", parent=parent, on=LATER))
        story.refused(UnitBelowItself, parent=parent)
    story.when(MoveUnit(unit="grid", parent="city", on=LATER))
    story.refused(UnitOnTop)
    story.when(MoveUnit(unit="city", parent="hill", on=LATER))
    story.refused(UnitUnknown, unit="hill")
    story.when(MoveUnit(unit="shore", parent="lakeside", on=LATER))
    story.refused(UnitNotBelow)


def test_a_unit_with_people_or_units_stays_open(story: Story) -> None:
    story.given(JOINED)
    story.when(CloseUnit(unit="lakeside", on=LATER))
    story.refused(UnitHasPeople, people=["carol"])
    story.when(CloseUnit(unit="city", on=LATER))
    story.refused(UnitHasUnits, units=["hillside", "lakeside"])
    story.when(CloseUnit(unit="grid", on=LATER))
    story.refused(UnitOnTop)
    story.given(UnitParted(unit="lakeside", person="carol", on=LATER))
    story.when(CloseUnit(unit="lakeside", on=LATER))
    story.then(UnitClosed(unit="lakeside", on=LATER))
    story.given(UnitClosed(unit="lakeside", on=LATER))
    story.quiet()


def test_what_lies_below_follows_a_unit_that_moves() -> None:
    units = tree.fold(TREE)
    assert units.top == "grid"
    assert units.within("city") == {"city", "lakeside", "hillside"}
    assert list(units.above("lakeside")) == ["lakeside", "city", "grid"]
    moved = tree.fold([UnitMoved(unit="city", parent="shore", was="grid", on=LATER)], units)
    assert units.within("shore") == {"shore"}
    assert moved.within("shore") == {"shore", "city", "lakeside", "hillside"}
    assert units.within("nowhere") == frozenset()


@pytest.mark.parametrize(
    ("name", "character"),
    [
        ("Lake\u200bside", "U+200B"),  # zero-width space
        ("Lake\u202eside", "U+202E"),  # right to left from here
        ("Lake\u2066side", "U+2066"),
        ("\ufeffLakeside", "U+FEFF"),
        ("Lake\u00adside", "U+00AD"),
    ],
)
def test_a_name_hides_nothing(name: str, character: str) -> None:
    with pytest.raises(ValidationError, match="not seen") as caught:
        asked(name=name)
    assert caught.value.errors()[0]["type"] == "unseen_character"
    assert character in caught.value.errors()[0]["msg"]
    with pytest.raises(ValidationError):
        asked(name="Lake\x07side")
    assert asked(name="湖畔供電所").name == "湖畔供電所"
    assert asked(on=date(2026, 3, 1)).name == "Pier"
