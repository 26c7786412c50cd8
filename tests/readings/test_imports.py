"""Imports: taken back whole, by a second person, in parts, and told what is left."""

from __future__ import annotations

from datetime import date

import pytest

from domain.kit import SamePerson
from domain.metering.meter import WithdrawReading
from domain.policies.imports import withdraw_import
from domain.readings.imports import (
    PART,
    Imported,
    ImportedDay,
    ImportedReading,
    ImportWithdrawn,
    NothingImported,
    WithdrawImport,
)
from domain.readings.intervals import WithdrawIntervals
from tests.story import Story

FEB, MAR = date(2026, 2, 1), date(2026, 3, 1)
asked = WithdrawImport(correlation="file-1", reason="another month")
day = ImportedDay(fact="intervals-P1-2026-02@1", point="P1", channel="import", day=FEB)


def reading(n: int) -> ImportedReading:
    return ImportedReading(fact=f"meter-M{n}@2", meter=f"M{n}", point=f"P{n}", on=MAR)


@pytest.fixture
def story() -> Story:
    return Story()


def test_what_stands_is_withdrawn_and_what_is_left_is_told(story: Story) -> None:
    story.calculated(
        Imported((reading(1), day), ("meter-M2@3", "meter-M2@2"), frozenset({"rita"}))
    )
    story.when(asked)
    story.then(
        ImportWithdrawn(
            readings=(reading(1),), days=(day,), left=("meter-M2@2-3",), reason="another month"
        )
    )
    story.by("rita")
    story.refused(SamePerson, by="rita")


def test_nothing_imported_is_refused_and_nothing_left_is_quiet(story: Story) -> None:
    story.calculated(Imported())
    story.when(asked)
    story.refused(NothingImported, correlation="file-1")
    story.calculated(Imported((), ("meter-M1@2",), frozenset({"rita"})))
    story.quiet()


def test_a_large_import_is_withdrawn_in_parts(story: Story) -> None:
    every = tuple(reading(n) for n in range(PART + 1))
    story.calculated(Imported(every, ("meter-M0@9",), frozenset({"rita"})))
    story.when(asked)
    parts = story._decided()
    assert all(isinstance(part, ImportWithdrawn) for part in parts)
    told = [(len(part.readings), part.left) for part in parts]  # type: ignore[attr-defined]
    assert told == [(PART, ("meter-M0@9",)), (1, ())]


def test_each_reading_and_day_is_withdrawn_for_the_same_reason() -> None:
    happened = ImportWithdrawn(readings=(reading(1),), days=(day,), left=(), reason="r")
    assert list(withdraw_import(happened)) == [
        WithdrawReading(meter="M1", on=MAR, reason="r"),
        WithdrawIntervals(point="P1", day=FEB, reason="r", channel="import"),
    ]
