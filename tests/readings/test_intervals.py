"""Interval days: recorded once, revised with a reason, never short of an interval."""

from __future__ import annotations

from datetime import date

import pytest

from domain.network.point import PointEnergised, PointMetered
from domain.organisation.utility import UtilityEstablished, UtilityNotEstablished
from domain.readings.intervals import (
    DayAlreadyRecorded,
    DayNotRecorded,
    IntervalsRecorded,
    IntervalsRevised,
    PointNotMetered,
    RecordIntervals,
    ReviseIntervals,
    WrongNumberOfIntervals,
    intervals_in,
)
from tests.story import Story

DAY, JAN = date(2026, 3, 3), date(2026, 1, 1)
established = UtilityEstablished(
    name="Wattle",
    currency="GBP",
    zone="Europe/London",
    due_days=14,
    minor_digits=2,
    edition=1,
)
energised = PointEnergised(address="1 Mill Lane", on=JAN)
metered = PointMetered(meter="M1", since=JAN)
values = tuple(range(48))
asked = RecordIntervals(point="P1", day=DAY, minutes=30, wh=values)
recorded = IntervalsRecorded(
    point="P1",
    meter="M1",
    channel="import",
    day=DAY,
    minutes=30,
    wh=values,
    quality="actual",
)


@pytest.fixture
def story() -> Story:
    story = Story()
    story.given(established, energised, metered)
    return story


def test_a_day_is_recorded_of_the_meter_that_hangs_there(story: Story) -> None:
    story.when(asked)
    story.then(recorded)


def test_the_same_day_again_is_no_news_and_another_is_refused(story: Story) -> None:
    story.given(recorded)
    story.when(asked)
    story.quiet()
    story.when(RecordIntervals(point="P1", day=DAY, minutes=30, wh=(7,) * 48))
    story.refused(DayAlreadyRecorded, day=DAY)


def test_a_day_is_revised_with_a_reason(story: Story) -> None:
    revise = ReviseIntervals(point="P1", day=DAY, minutes=30, wh=(7,) * 48, reason="late")
    story.when(revise)
    story.refused(DayNotRecorded, day=DAY)
    story.given(recorded)
    story.then(
        IntervalsRevised(
            point="P1",
            meter="M1",
            channel="import",
            day=DAY,
            minutes=30,
            wh=(7,) * 48,
            quality="actual",
            reason="late",
        )
    )
    story.when(ReviseIntervals(point="P1", day=DAY, minutes=30, wh=values, reason="same"))
    story.quiet()


@pytest.mark.parametrize(
    ("day", "minutes", "expected"),
    [
        (date(2026, 3, 29), 30, 46),  # the clocks go forward in London
        (date(2026, 10, 25), 30, 50),  # and back
        (date(2026, 10, 25), 60, 25),
        (DAY, 15, 96),
    ],
)
def test_a_local_day_has_as_many_intervals_as_it_has_hours(
    story: Story, day: date, minutes: int, expected: int
) -> None:
    assert intervals_in(day, minutes, "Europe/London") == expected
    story.when(RecordIntervals(point="P1", day=day, minutes=minutes, wh=(1,) * 47))  # type: ignore[arg-type]
    story.refused(WrongNumberOfIntervals, expected=expected, given=47)


def test_a_day_of_half_an_hour_less() -> None:
    assert intervals_in(date(2026, 10, 4), 30, "Australia/Lord_Howe") == 47


def test_a_point_without_a_meter_measures_nothing(story: Story) -> None:
    story.when(RecordIntervals(point="P1", day=date(2025, 1, 1), minutes=30, wh=values))
    story.refused(PointNotMetered)


def test_a_day_needs_a_calendar() -> None:
    story = Story()
    story.when(asked)
    story.refused(UtilityNotEstablished)
