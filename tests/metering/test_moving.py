"""Meters: where one was is withdrawn, corrected, or told late as an exchange."""

from __future__ import annotations

import pytest

from domain.kit import To
from domain.metering.meter import (
    AlreadyRead,
    CorrectReading,
    ExchangeMeter,
    InstallMeter,
    MeterAlreadyInstalled,
    MeterInstallationWithdrawn,
    MeterInstalled,
    MeterNotInstalled,
    MeterNotRemoved,
    MeterReadingCorrected,
    MeterReadingWithdrawn,
    MeterRemovalWithdrawn,
    OverlappingInstallation,
    ReadingStandsOnIt,
    SameMeter,
    WithdrawInstallation,
    WithdrawRemoval,
)
from domain.network.point import (
    PointMetered,
    PointMeteringWithdrawn,
    PointUnmetered,
    PointUnmeteringWithdrawn,
)
from tests.metering.given import (
    APR,
    FEB,
    JAN,
    MAR,
    TOTAL,
    counted,
    energised,
    installed,
    metered,
    read,
    removed,
    shown,
    was_read,
)
from tests.story import Story


@pytest.fixture
def story() -> Story:
    return Story()


def _one(story: Story) -> MeterReadingCorrected:
    (happened,) = story._decided()
    assert isinstance(happened, MeterReadingCorrected)
    return happened


# Where it was


def test_a_removed_meter_is_installed_again_and_both_times_are_kept(story: Story) -> None:
    story.given(
        energised, metered, installed, removed(150, FEB), PointUnmetered(meter="M1", until=FEB)
    )
    again = InstallMeter(
        meter="M1", point="P1", registers=(TOTAL,), readings=shown(150), on=FEB
    )
    story.when(again)
    assert len(story._decided()) == 2
    story.when(CorrectReading(meter="M1", readings=shown(149), on=FEB, reason="misread"))
    assert _one(story).last


def test_a_removal_is_withdrawn_if_nothing_came_after(story: Story) -> None:
    story.given(
        energised, metered, installed, removed(150, FEB), PointUnmetered(meter="M1", until=FEB)
    )
    story.when(WithdrawRemoval(meter="M1", point="P1", on=FEB, reason="another one"))
    gone = MeterRemovalWithdrawn(point="P1", installed=JAN, on=FEB, reason="another one")
    story.then(gone, PointUnmeteringWithdrawn(meter="M1", since=JAN, until=FEB))
    story.given(PointMetered(meter="M2", since=FEB))
    story.refused(OverlappingInstallation, meter="M2")
    story.given(gone)
    story.refused(MeterNotRemoved)
    story.when(read(160, MAR))
    story.then(was_read(160, MAR))


def test_an_installation_is_withdrawn_unless_readings_stand_on_it(story: Story) -> None:
    asked = WithdrawInstallation(meter="M1", point="P1", on=JAN, reason="next door")
    story.given(energised, metered)
    story.given_by("bea", installed)
    story.when(asked)
    gone = MeterInstallationWithdrawn(point="P1", installed=JAN, until=None, reason="next door")
    story.then(gone, PointMeteringWithdrawn(meter="M1", since=JAN))
    story.given(was_read(140, FEB))
    story.refused(ReadingStandsOnIt, readings=[FEB])
    story.given(
        MeterReadingWithdrawn(point="P1", was=counted(140), on=FEB, reason="next door"),
        gone,
        PointMeteringWithdrawn(meter="M1", since=JAN),
    )
    story.refused(MeterNotInstalled, point="P1")
    story.when(
        InstallMeter(meter="M1", point="P1", registers=(TOTAL,), readings=shown(100), on=JAN)
    )
    story.then(installed, metered)


# Exchanged


def exchange(**changes: object) -> ExchangeMeter:
    asked: dict[str, object] = {
        "point": "P1",
        "old": "M1",
        "last": shown(150),
        "new": "M2",
        "registers": (TOTAL,),
        "readings": shown(0),
        "on": FEB,
    }
    return ExchangeMeter(**asked | changes)  # type: ignore[arg-type]


def test_an_exchange_found_late_takes_the_readings_over(story: Story) -> None:
    story.given(energised, metered)
    story.given_of("meter-M1", installed, was_read(180, MAR), was_read(190, APR, "estimate"))
    story.given_of("meter-M2")
    story.when(exchange())
    begun = MeterInstalled(
        point="P1",
        registers=(TOTAL,),
        multiplier=1,
        readings=shown(0),
        counts=counted(0),
        on=FEB,
    )
    story.then(
        To(
            "old",
            MeterReadingWithdrawn(point="P1", was=counted(180), on=MAR, reason="read on M2"),
        ),
        To(
            "old",
            MeterReadingWithdrawn(point="P1", was=counted(190), on=APR, reason="read on M2"),
        ),
        To("old", removed(150, FEB)),
        To("new", begun),
        To("new", was_read(180, MAR)),
        PointUnmetered(meter="M1", until=FEB),
        PointMetered(meter="M2", since=FEB),
    )


def test_an_exchange_is_of_two_meters_of_which_one_is_there(story: Story) -> None:
    story.given(energised, metered)
    story.given_of("meter-M1", installed)
    story.given_of("meter-M2")
    story.when(exchange(new="M1"))
    story.refused(SameMeter)
    story.when(exchange(on=JAN))
    story.refused(AlreadyRead)
    story.when(exchange(old="M2", new="M1"))
    story.refused(MeterNotInstalled)
    story.given_of("meter-M3", installed)
    story.when(exchange(new="M3"))
    story.refused(MeterAlreadyInstalled)
