"""Meters: installed, read, corrected, found inaccurate, taken down."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from domain.metering.meter import (
    AlreadyRead,
    CorrectReading,
    InstallMeter,
    MeterAlreadyInstalled,
    MeterFoundInaccurate,
    MeterInstalled,
    MeterNotInstalled,
    MeterRead,
    MeterReadingCorrected,
    MeterRemoved,
    NoSuchRegister,
    NotRead,
    OverlappingInstallation,
    PeriodEndsBeforeItBegins,
    ReadingAheadOfNext,
    ReadingOutOfRange,
    ReadMeter,
    Register,
    RegisterNotRead,
    RegisterTwice,
    RegisterWentBack,
    RemoveMeter,
    ReportMeterError,
)
from domain.network.point import PointEnergised, PointMetered, PointUnknown, PointUnmetered
from tests.story import Story

JAN, FEB, MAR = (date(2026, month, 1) for month in (1, 2, 3))
TOTAL = Register(code="1.8.0")
energised = PointEnergised(address="1 Mill Lane", on=JAN)
metered = PointMetered(meter="M1", since=JAN)


def readings(**shown: str) -> dict[str, Decimal]:
    return {"1.8.0": Decimal(shown.get("total", "100"))}


installed = MeterInstalled(
    point="P1",
    registers=(TOTAL,),
    multiplier=1,
    readings=readings(),
    counts={"1.8.0": 100_000},
    on=JAN,
)


def install(**changes: Any) -> InstallMeter:
    asked: dict[str, Any] = {
        "meter": "M1",
        "point": "P1",
        "registers": (TOTAL,),
        "readings": readings(),
        "on": JAN,
    }
    return InstallMeter(**asked | changes)


def read(total: str, on: date, *, rolled_over: bool = False) -> ReadMeter:
    return ReadMeter(
        meter="M1",
        readings=readings(total=total),
        on=on,
        source="reader",
        rolled_over=rolled_over,
    )


def was_read(total: str, count: int, on: date) -> MeterRead:
    return MeterRead(
        point="P1",
        readings=readings(total=total),
        counts={"1.8.0": count},
        on=on,
        source="reader",
    )


@pytest.fixture
def story() -> Story:
    return Story()


def test_a_meter_is_installed_at_a_point_and_both_know_it(story: Story) -> None:
    story.given(energised)
    story.when(install())
    story.then(installed, metered)


def test_a_meter_is_installed_in_one_place(story: Story) -> None:
    story.given(energised, installed)
    story.when(install(on=FEB))
    story.refused(MeterAlreadyInstalled, point="P1")


def test_installations_at_a_point_do_not_overlap(story: Story) -> None:
    story.given(energised, metered)
    story.when(install(meter="M2", on=FEB))
    story.refused(OverlappingInstallation, meter="M1")


def test_a_meter_may_follow_on_the_day_the_other_came_down(story: Story) -> None:
    story.given(energised, metered, PointUnmetered(meter="M1", until=FEB))
    story.when(install(meter="M2", on=date(2026, 1, 31)))
    story.refused(OverlappingInstallation, meter="M1", until=FEB)
    story.when(install(meter="M2", on=FEB))
    assert len(story._decided()) == 2


def test_a_meter_needs_an_energised_point(story: Story) -> None:
    story.when(install())
    story.refused(PointUnknown, point="P1")


def test_a_register_is_named_once(story: Story) -> None:
    story.given(energised)
    story.when(install(registers=(TOTAL, TOTAL)))
    story.refused(RegisterTwice)


def test_a_reading_counts_in_watt_hours(story: Story) -> None:
    story.given(installed)
    story.when(read("140", FEB))
    story.then(was_read("140", 140_000, FEB))


def test_a_register_never_runs_back(story: Story) -> None:
    story.given(installed)
    story.when(read("90", FEB))
    story.refused(RegisterWentBack, last=Decimal(100), asked=Decimal(90), register="1.8.0")


def test_a_register_that_rolled_over_goes_on_counting(story: Story) -> None:
    story.given(installed, was_read("99980", 99_980_000, FEB))
    story.when(read("35", MAR, rolled_over=True))
    story.then(replace(was_read("35", 100_035_000, MAR), turned=("1.8.0",)))


def test_a_late_reading_fits_between_its_neighbours(story: Story) -> None:
    story.given(installed, was_read("300", 300_000, MAR))
    story.when(read("301", FEB))
    story.refused(ReadingAheadOfNext, next=Decimal(300))
    story.when(read("200", FEB))
    story.then(was_read("200", 200_000, FEB))


def test_the_same_reading_again_is_no_news_and_another_is_refused(story: Story) -> None:
    story.given(installed, was_read("140", 140_000, FEB))
    story.when(read("140", FEB))
    story.quiet()
    story.when(read("141", FEB))
    story.refused(AlreadyRead, on=FEB)


def test_a_reading_is_of_the_registers_the_meter_has(story: Story) -> None:
    story.given(installed)
    story.when(ReadMeter(meter="M1", readings={"2.8.0": Decimal(1)}, on=FEB, source="remote"))
    story.refused(NoSuchRegister, register="2.8.0")
    story.when(ReadMeter(meter="M1", readings={}, on=FEB, source="remote"))
    story.refused(RegisterNotRead, register="1.8.0")


@pytest.mark.parametrize("shown", ["100000", "140.5", "-1"])
def test_a_register_shows_no_more_than_its_digits(story: Story, shown: str) -> None:
    story.given(installed)
    story.when(read(shown, FEB))
    story.refused(ReadingOutOfRange, digits=5, decimals=0)


def test_a_meter_in_stock_is_not_read(story: Story) -> None:
    story.when(read("140", FEB))
    story.refused(MeterNotInstalled)
    story.given(installed)
    story.when(read("140", date(2025, 12, 31)))
    story.refused(MeterNotInstalled, since=JAN)


def test_a_wrong_reading_is_replaced_and_remembered(story: Story) -> None:
    story.given(installed, was_read("140", 140_000, FEB))
    story.when(
        CorrectReading(meter="M1", readings=readings(total="104"), on=FEB, reason="misread")
    )
    story.then(
        MeterReadingCorrected(
            point="P1",
            readings=readings(total="104"),
            counts={"1.8.0": 104_000},
            was={"1.8.0": 140_000},
            on=FEB,
            reason="misread",
            source="reader",
        )
    )
    story.when(
        CorrectReading(meter="M1", readings=readings(total="140"), on=FEB, reason="same")
    )
    story.quiet()
    story.when(CorrectReading(meter="M1", readings=readings(total="99"), on=FEB, reason="less"))
    story.refused(RegisterWentBack)
    story.when(
        CorrectReading(meter="M1", readings=readings(total="104"), on=MAR, reason="none")
    )
    story.refused(NotRead, on=MAR)


def test_a_tested_error_is_put_on_record_once(story: Story) -> None:
    story.given(installed)
    asked = ReportMeterError(meter="M1", error=Decimal("0.06"), since=FEB, reference="test 7")
    found = MeterFoundInaccurate(
        point="P1", error=Decimal("0.06"), since=FEB, until=None, reference="test 7"
    )
    story.when(asked)
    story.then(found)
    story.given(found)
    story.quiet()


def test_an_error_lies_within_the_time_the_meter_is_installed(story: Story) -> None:
    story.given(installed)
    error = Decimal("0.06")
    story.when(ReportMeterError(meter="M1", error=error, since=date(2025, 1, 1), reference="t"))
    story.refused(MeterNotInstalled)
    story.when(ReportMeterError(meter="M1", error=error, since=FEB, until=FEB, reference="t"))
    story.refused(PeriodEndsBeforeItBegins)


def test_a_meter_comes_down_with_a_last_reading(story: Story) -> None:
    story.given(energised, installed, metered)
    story.when(RemoveMeter(meter="M1", point="P1", readings=readings(total="150"), on=FEB))
    story.then(
        MeterRemoved(
            point="P1",
            installed=JAN,
            readings=readings(total="150"),
            counts={"1.8.0": 150_000},
            on=FEB,
        ),
        PointUnmetered(meter="M1", until=FEB),
    )


def test_a_meter_comes_down_where_it_is_and_after_it_was_read(story: Story) -> None:
    story.given(energised, installed, metered, was_read("140", 140_000, MAR))
    story.when(RemoveMeter(meter="M1", point="P2", readings=readings(total="150"), on=MAR))
    story.refused(MeterNotInstalled, point="P2")
    story.when(RemoveMeter(meter="M1", point="P1", readings=readings(total="120"), on=FEB))
    story.refused(AlreadyRead, on=MAR)
