"""Meters: what cannot be: sums that differ, turns nobody saw, errors that no meter has."""

from __future__ import annotations

from decimal import Decimal

import pytest

from domain.metering.meter import (
    CorrectReading,
    MeterErrorImplausible,
    MeterEstimateCancelled,
    MeterInstalled,
    MeterRead,
    ReadMeter,
    Register,
    RegistersDoNotAddUp,
    ReportMeterError,
    RollOverImplausible,
)
from tests.metering.given import FEB, JAN, MAR, counted, installed, read, was_read
from tests.story import Story

DAY, NIGHT, WHOLE = "1.8.1", "1.8.2", "1.8.0"


def two_rates(*labels: str) -> MeterInstalled:
    """A meter with a total register and one for each label, all at zero."""
    parts = [Register(code=f"1.8.{n}", label=label) for n, label in enumerate(labels, 1)]
    codes = [WHOLE, *(part.code for part in parts)]
    return MeterInstalled(
        point="P1",
        registers=(Register(code=WHOLE), *parts),
        multiplier=1,
        readings={code: Decimal(0) for code in codes},
        counts=dict.fromkeys(codes, 0),
        on=JAN,
    )


def shows(total: int, day: int, night: int) -> dict[str, Decimal]:
    return {WHOLE: Decimal(total), DAY: Decimal(day), NIGHT: Decimal(night)}


@pytest.fixture
def story() -> Story:
    return Story()


def asked(total: int, day: int, night: int) -> ReadMeter:
    return ReadMeter(meter="M1", readings=shows(total, day, night), on=FEB, source="reader")


@pytest.mark.parametrize(
    ("total", "day", "night", "fits"),
    [
        (100, 60, 40, True),
        (102, 60, 40, True),  # each shows whole kWh: three of them hide up to 3
        (98, 60, 40, True),
        (100, 30, 20, False),
        (100, 100, 40, False),
    ],
)
def test_day_and_night_come_to_the_total(
    story: Story, total: int, day: int, night: int, fits: bool
) -> None:
    story.given(two_rates("day", "night"))
    story.when(asked(total, day, night))
    if fits:
        assert len(story._decided()) == 1
    else:
        story.refused(RegistersDoNotAddUp, register=WHOLE, total=Decimal(total))


def test_parts_that_leave_hours_out_may_come_to_less_and_not_to_more(story: Story) -> None:
    story.given(two_rates("peak", "valley"))
    story.when(asked(100, 30, 20))
    assert len(story._decided()) == 1
    story.when(asked(100, 80, 40))
    story.refused(RegistersDoNotAddUp)


def test_a_corrected_reading_adds_up_as_well(story: Story) -> None:
    counts = {WHOLE: 100_000, DAY: 60_000, NIGHT: 40_000}
    was = MeterRead(
        point="P1", readings=shows(100, 60, 40), counts=counts, on=FEB, source="reader"
    )
    story.given(two_rates("day", "night"), was)
    story.when(
        CorrectReading(meter="M1", readings=shows(100, 90, 40), on=FEB, reason="misread")
    )
    story.refused(RegistersDoNotAddUp, parts={DAY: Decimal(90), NIGHT: Decimal(40)})


def test_a_turn_is_believed_of_an_actual_reading_alone(story: Story) -> None:
    story.given(installed, was_read(99_990, FEB))
    story.when(read(20, MAR, "estimate", rolled_over=True))
    story.refused(RollOverImplausible, on=MAR)
    story.when(read(20, MAR, rolled_over=True))
    (happened,) = story._decided()
    assert isinstance(happened, MeterRead)
    assert happened.counts == counted(100_020)


def test_a_turn_told_beside_a_disproved_estimate_is_none(story: Story) -> None:
    story.given(installed, was_read(9_990, FEB, "estimate"))
    story.when(read(9_950, MAR, rolled_over=True))
    cancelled = MeterEstimateCancelled(point="P1", was=counted(9_990), on=FEB, by=MAR)
    story.then(cancelled, was_read(9_950, MAR))


@pytest.mark.parametrize("error", ["0.51", "5", "10", "-0.91", "-0.99"])
def test_an_error_that_no_meter_has_is_refused(story: Story, error: str) -> None:
    story.given(installed)
    story.when(
        ReportMeterError(meter="M1", error=Decimal(error), since=JAN, reference="test 7")
    )
    story.refused(MeterErrorImplausible, asked=Decimal(error))
