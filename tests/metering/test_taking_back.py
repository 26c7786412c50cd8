"""Meters: what was recorded wrongly is withdrawn, or put right, and refused where it cannot."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from domain.kit import InTheFuture, SamePerson
from domain.metering.meter import (
    CorrectReading,
    CorrectRegisters,
    MeterErrorWithdrawn,
    MeterEstimateCancelled,
    MeterFoundInaccurate,
    MeterInstalled,
    MeterMultiplierSet,
    MeterNotInstalled,
    MeterRead,
    MeterReadingCorrected,
    MeterReadingWithdrawn,
    MeterRegistersCorrected,
    NoSuchError,
    NotRead,
    ReadingAheadOfNext,
    ReadingOfInstallation,
    ReadingStandsOnIt,
    Recount,
    Register,
    RegistersDiffer,
    ReportMeterError,
    RollOverImplausible,
    SetMultiplier,
    WithdrawMeterError,
    WithdrawReading,
)
from tests.metering.given import (
    APR,
    CODE,
    FEB,
    JAN,
    MAR,
    TOTAL,
    counted,
    energised,
    installed,
    read,
    removed,
    shown,
    was_read,
)
from tests.story import Story


@pytest.fixture
def story() -> Story:
    return Story()


# Readings


def test_a_reading_is_withdrawn_by_a_second_person_and_can_be_taken_again(story: Story) -> None:
    story.given(installed)
    story.given_by("bea", was_read(140, FEB))
    asked = WithdrawReading(meter="M1", on=FEB, reason="another meter")
    story.when(asked)
    gone = MeterReadingWithdrawn(point="P1", was=counted(140), on=FEB, reason="another meter")
    story.then(gone)
    story.by("bea")
    story.refused(SamePerson)
    story.by("ann")
    story.given(gone)
    story.refused(NotRead, on=FEB)
    story.when(read(150, FEB))
    story.then(was_read(150, FEB))


def test_a_reading_of_installing_goes_with_the_installation_alone(story: Story) -> None:
    story.given(installed, removed(150, FEB))
    for day in (JAN, FEB):
        story.when(WithdrawReading(meter="M1", on=day, reason="wrong"))
        story.refused(ReadingOfInstallation, on=day)


def test_the_turns_of_later_readings_follow(story: Story) -> None:
    story.given(installed, was_read(99_990, FEB), was_read(20, MAR, turns=1))
    story.given(was_read(80, APR, turns=1))
    story.when(
        CorrectReading(
            meter="M1", readings=shown(10), on=FEB, reason="misread", rolled_over=True
        )
    )
    story.refused(RollOverImplausible, register=CODE)  # 100 to 10 is nearly the whole way round
    story.when(WithdrawReading(meter="M1", on=FEB, reason="misread"))
    story.refused(ReadingStandsOnIt, on=MAR)  # 100 to 20 as well
    story.when(CorrectReading(meter="M1", readings=shown(120), on=FEB, reason="misread"))
    story.refused(ReadingAheadOfNext, on=MAR)


def test_a_turn_told_wrongly_is_taken_out_of_all_that_follows(story: Story) -> None:
    story.given(installed, was_read(60_000, FEB), was_read(30_000, MAR, turns=1))
    story.given(was_read(31_000, APR, turns=1))
    story.when(CorrectReading(meter="M1", readings=shown(29_000), on=FEB, reason="misread"))
    story.then(
        MeterReadingCorrected(
            point="P1",
            readings=shown(29_000),
            counts=counted(29_000),
            was=counted(60_000),
            on=FEB,
            reason="misread",
            source="reader",
            recounts=(
                Recount(on=MAR, last=False, counts=counted(30_000)),
                Recount(on=APR, last=False, counts=counted(31_000)),
            ),
        )
    )


def test_a_turn_that_was_forgotten_is_put_into_all_that_follows(story: Story) -> None:
    story.given(installed, was_read(30_000, FEB), was_read(31_000, MAR))
    story.when(CorrectReading(meter="M1", readings=shown(60_000), on=FEB, reason="misread"))
    assert [each.counts for each in _one(story).recounts] == [counted(131_000)]


def _one(story: Story) -> MeterReadingCorrected:
    (happened,) = story._decided()
    assert isinstance(happened, MeterReadingCorrected)
    return happened


def test_a_turn_is_not_believed_where_no_register_went_back(story: Story) -> None:
    story.given(installed)
    story.when(read(300, FEB, rolled_over=True))
    story.refused(RollOverImplausible, on=FEB)


def test_an_actual_reading_cancels_the_estimates_that_do_not_fit(story: Story) -> None:
    story.given(installed, was_read(9_990, FEB, "estimate"))
    story.when(read(9_950, MAR, rolled_over=True))
    cancelled = MeterEstimateCancelled(point="P1", was=counted(9_990), on=FEB, by=MAR)
    story.then(cancelled, was_read(9_950, MAR))
    story.given(cancelled, was_read(9_950, MAR))
    story.when(CorrectReading(meter="M1", readings=shown(9_000), on=FEB, reason="late"))
    story.refused(NotRead)


def test_an_actual_reading_confirms_or_replaces_an_estimate_of_its_day(story: Story) -> None:
    story.given(installed, was_read(140, FEB, "estimate"))
    story.when(read(140, FEB))
    story.then(was_read(140, FEB))
    story.when(read(150, FEB))
    cancelled = MeterEstimateCancelled(point="P1", was=counted(140), on=FEB, by=FEB)
    story.then(cancelled, was_read(150, FEB))
    story.given(was_read(140, FEB))
    story.when(read(140, FEB))
    story.quiet()


def test_a_corrected_estimate_is_one_no_longer(story: Story) -> None:
    story.given(installed, was_read(140, FEB, "estimate"))
    story.when(CorrectReading(meter="M1", readings=shown(140), on=FEB, reason="was read"))
    assert _one(story).source == "reader"
    story.when(
        CorrectReading(
            meter="M1", readings=shown(140), on=FEB, reason="same", source="estimate"
        )
    )
    story.quiet()


def test_the_last_reading_of_a_removed_meter_is_corrected(story: Story) -> None:
    story.given(installed, removed(190, FEB))
    story.when(CorrectReading(meter="M1", readings=shown(150), on=FEB, reason="misread"))
    assert _one(story).last
    assert _one(story).source is None


def test_of_two_places_on_one_day_the_point_says_which(story: Story) -> None:
    elsewhere = MeterInstalled(
        point="P2",
        registers=(TOTAL,),
        multiplier=1,
        readings=shown(500),
        counts=counted(500),
        on=FEB,
    )
    story.given(installed, removed(190, FEB), elsewhere)
    story.when(
        CorrectReading(meter="M1", readings=shown(150), on=FEB, reason="misread", point="P1")
    )
    assert (_one(story).point, _one(story).was) == ("P1", counted(190))
    story.when(CorrectReading(meter="M1", readings=shown(501), on=FEB, reason="misread"))
    assert (_one(story).point, _one(story).was) == ("P2", counted(500))


@pytest.mark.parametrize("day", [date(2027, 1, 1), date(9999, 12, 31)])
def test_nothing_is_read_installed_or_tested_in_the_future(story: Story, day: date) -> None:
    story.given(energised, installed)
    for asked in (
        read(140, day),
        CorrectReading(meter="M1", readings=shown(1), on=day, reason="late"),
        SetMultiplier(meter="M1", multiplier=2, since=day, reason="late"),
        ReportMeterError(meter="M1", error=Decimal("0.1"), since=day, reference="t"),
    ):
        story.when(asked)
        story.refused(InTheFuture, on=day)


# Errors, multipliers, registers


def test_a_tested_error_of_a_removed_meter_is_put_on_record_and_withdrawn(story: Story) -> None:
    found = MeterFoundInaccurate(
        point="P1", error=Decimal("0.06"), since=JAN, until=None, reference="test 7"
    )
    story.given(installed, removed(190, FEB))
    story.when(ReportMeterError(meter="M1", error=found.error, since=JAN, reference="test 7"))
    story.then(found)
    story.given_by("bea", found)
    story.when(
        WithdrawMeterError(meter="M1", since=JAN, reference="test 7", reason="bad standard")
    )
    gone = MeterErrorWithdrawn(
        point="P1",
        error=found.error,
        since=JAN,
        until=None,
        reference="test 7",
        reason="bad standard",
    )
    story.then(gone)
    story.given(gone)
    story.refused(NoSuchError, reference="test 7")
    story.when(ReportMeterError(meter="M1", error=found.error, since=JAN, reference="test 7"))
    story.then(found)


def test_an_error_is_told_again_after_another_one_replaced_it(story: Story) -> None:
    def told(error: str) -> MeterFoundInaccurate:
        return MeterFoundInaccurate(
            point="P1", error=Decimal(error), since=FEB, until=None, reference="test 7"
        )

    story.given(installed, told("0.06"), told("0"))
    story.when(
        ReportMeterError(meter="M1", error=Decimal("0.06"), since=FEB, reference="test 7")
    )
    story.then(told("0.06"))


def test_a_multiplier_is_set_from_a_day_on(story: Story) -> None:
    story.given(installed)
    story.when(SetMultiplier(meter="M1", multiplier=30, since=FEB, reason="found"))
    done = MeterMultiplierSet(
        point="P1", installed=JAN, multiplier=30, since=FEB, reason="found"
    )
    story.then(done)
    story.given(done)
    story.quiet()
    story.when(SetMultiplier(meter="M1", multiplier=30, since=date(2025, 1, 1), reason="found"))
    story.refused(MeterNotInstalled)


def test_digits_put_right_move_the_turns(story: Story) -> None:
    five = (Register(code=CODE, digits=5),)
    four = (Register(code=CODE, digits=4),)
    story.given(
        MeterInstalled(
            point="P1",
            registers=four,
            multiplier=1,
            readings=shown(9_000),
            counts=counted(9_000),
            on=JAN,
        ),
        MeterRead(
            point="P1", readings=shown(100), counts=counted(10_100), on=FEB, source="reader"
        ),
    )
    story.when(CorrectRegisters(meter="M1", registers=five, on=FEB, reason="five digits"))
    story.then(
        MeterRegistersCorrected(
            point="P1",
            installed=JAN,
            registers=five,
            reason="five digits",
            recounts=(Recount(on=FEB, last=False, counts=counted(100_100)),),
        )
    )
    story.when(CorrectRegisters(meter="M1", registers=four, on=FEB, reason="same"))
    story.quiet()
    other = (Register(code="2.8.0"),)
    story.when(CorrectRegisters(meter="M1", registers=other, on=FEB, reason="other"))
    story.refused(RegistersDiffer)
