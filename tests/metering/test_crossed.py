"""Meters: two that were recorded each at the point of the other change places."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from domain.kit import SamePerson
from domain.metering.meter import (
    CorrectCrossedMeters,
    InstallMeter,
    MeterNotInstalled,
    OverlappingInstallation,
    ReadMeter,
    RemoveMeter,
    ReportMeterError,
    SameMeter,
    SetMultiplier,
    WithdrawInstallation,
)
from domain.network.point import EnergisePoint, PointUnknown
from projections import metering
from projections.metering import installations, meter_errors, readings
from tests.metering.given import FEB, MAR, TOTAL, shown
from tests.world import NEW_YEAR, World, town

CROSSED = CorrectCrossedMeters(
    meter="M1",
    point="P1",
    other_meter="M2",
    other_point="P2",
    on=FEB,
    reason="taken for each other",
)


def two_flats(first: str = "M1", second: str = "M2") -> World:
    """Two points, a meter at each from New Year: M1 showed 100, M2 500; read, tested."""
    world = town()
    world.ask(EnergisePoint(point="P2", address="2 Mill Lane", on=NEW_YEAR))
    here = {first: "P1", second: "P2"}
    if first == "M2":  # in the world of `town` M1 is at P1: it never was
        world = _without_meter(world)
    else:
        here.pop("M1")
    for meter, point in sorted(here.items()):
        shows = shown(100 if meter == "M1" else 500)
        world.ask(
            InstallMeter(
                meter=meter, point=point, registers=(TOTAL,), readings=shows, on=NEW_YEAR
            )
        )
    for meter, kwh in (("M1", 300), ("M2", 900)):
        world.ask(ReadMeter(meter=meter, readings=shown(kwh), on=FEB, source="reader"))
    world.ask(SetMultiplier(meter="M1", multiplier=2, since=FEB, reason="CT"))
    world.ask(
        ReportMeterError(meter="M2", error=Decimal("0.02"), since=FEB, reference="test 7")
    )
    return world


def _without_meter(world: World) -> World:
    gone = WithdrawInstallation(meter="M1", point="P1", on=NEW_YEAR, reason="never there")
    world.ask(gone, by="bea")
    return world


def seen(world: World) -> tuple[object, ...]:
    """What tables say of the meters, without the facts that say so."""
    spells = [
        (row.meter, row.point, row.since, row.until, row.multiplier)
        for row in world.tables.find(installations)
    ]
    shows = [
        (row.meter, row.point, row.on, row.readings, row.counts, row.source)
        for row in world.tables.find(readings)
    ]
    errors = [
        (row.meter, row.point, row.error, row.since)
        for row in metering.tested(world.tables.find(meter_errors))
    ]
    return sorted(spells), sorted(shows, key=str), errors


def test_crossed_meters_are_put_right_with_all_that_was_read_and_tested() -> None:
    world = two_flats()
    with pytest.raises(SamePerson):
        world.ask(CROSSED)
    world.ask(CROSSED, by="bea")
    assert seen(world) == seen(two_flats("M2", "M1"))


def test_what_was_put_right_wrongly_is_put_back_by_the_same_command() -> None:
    world = two_flats()
    before = seen(world)
    world.ask(CROSSED, by="bea")
    with pytest.raises(MeterNotInstalled):
        world.ask(CROSSED, by="cid")
    back = CorrectCrossedMeters(
        meter="M1",
        point="P2",
        other_meter="M2",
        other_point="P1",
        on=FEB,
        reason="they were right",
    )
    world.ask(back, by="cid")
    assert seen(world) == before


def test_a_meter_that_came_down_since_keeps_its_last_day() -> None:
    world = two_flats()
    world.ask(RemoveMeter(meter="M1", point="P1", readings=shown(350), on=MAR))
    world.ask(
        InstallMeter(meter="M3", point="P1", registers=(TOTAL,), readings=shown(0), on=MAR)
    )
    asked = CROSSED
    with pytest.raises(OverlappingInstallation):  # M2 would stay at P1 when M3 comes
        world.ask(asked, by="bea")
    world.ask(RemoveMeter(meter="M2", point="P2", readings=shown(950), on=MAR))
    world.ask(asked, by="bea")
    spells = {(row.meter, row.point, row.until) for row in world.tables.find(installations)}
    assert spells == {("M1", "P2", MAR), ("M2", "P1", MAR), ("M3", "P1", None)}


def test_crossed_meters_are_two_and_where_they_are_said_to_be() -> None:
    world = two_flats()
    same = CorrectCrossedMeters(
        meter="M1", point="P1", other_meter="M1", other_point="P2", on=FEB, reason="x"
    )
    with pytest.raises(SameMeter):
        world.ask(same, by="bea")
    early = CorrectCrossedMeters(
        meter="M1",
        point="P1",
        other_meter="M2",
        other_point="P2",
        on=date(2025, 1, 1),
        reason="x",
    )
    with pytest.raises(MeterNotInstalled):
        world.ask(early, by="bea")


def test_a_point_was_energised_before_a_meter_goes_there() -> None:
    world = town()
    world.ask(EnergisePoint(point="P2", address="2 Mill Lane", on=FEB))
    world.ask(
        InstallMeter(meter="M2", point="P2", registers=(TOTAL,), readings=shown(0), on=FEB)
    )
    with pytest.raises(PointUnknown):
        world.ask(CROSSED, by="bea")
