"""Causes: exactly the later facts without which the bill would be another."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from domain.billing.bill import BillCorrected, IssueBill
from domain.billing.refusals import TariffNotInForce
from domain.metering.meter import (
    CorrectCrossedMeters,
    CorrectReading,
    ExchangeMeter,
    InstallMeter,
    Register,
    RemoveMeter,
    ReportMeterError,
    WithdrawReading,
)
from domain.network.point import ChangeTariff, EnergisePoint, SupplyPoint, VacatePoint
from domain.pricing.charges import Block, Energy, Rate
from domain.pricing.tariff import TariffDocument, WithdrawTariffVersion
from tests.world import NEW_YEAR, World, document, publish, read, town

FEB, MAR, APR = (date(2026, month, 1) for month in (2, 3, 4))
MIDDLE = date(2026, 1, 16)
LATER = date(2026, 6, 1)
TOTAL = Register(code="1.8.0")
JANUARY, FEBRUARY, MARCH = "A1-2026-01", "A1-2026-02", "A1-2026-03"


def shown(kwh: int) -> dict[str, Decimal]:
    return {"1.8.0": Decimal(kwh)}


def bill(world: World, since: date, until: date) -> None:
    world.ask(IssueBill(account="A1", since=since, until=until, on=until))


def two_bills() -> World:
    """300 kWh in January, 300 in February."""
    world = town()
    for since, until, reading in ((NEW_YEAR, FEB, 400), (FEB, MAR, 700)):
        read(world, until, reading)
        bill(world, since, until)
    return world


def steps(world: World) -> None:
    """The first 500 kWh of a year at 0.10, then 0.30, from New Year on."""
    blocks = (Block(upto=Decimal(500), price=Decimal("0.10")), Block(price=Decimal("0.30")))
    ladder = Energy(code="energy", rates=(Rate(blocks=blocks),), blocks_per="year-to-date")
    made = TariffDocument(name="Steps", currency="GBP", charges=(ladder,))
    publish(world, NEW_YEAR, made, tariff="R2")
    world.ask(ChangeTariff(point="P1", tariff="R2", since=NEW_YEAR))


def causes(world: World, key: str) -> list[str]:
    """Correct a bill; the facts that its note says moved it."""
    notes = [fact.event for fact in world.correct("A1", key, on=LATER)]
    return [c.fact for note in notes if isinstance(note, BillCorrected) for c in note.causes]


def test_the_move_out_of_one_of_two_points_is_the_cause() -> None:
    world = town()
    world.ask(EnergisePoint(point="P2", address="2 Mill Lane", on=NEW_YEAR))
    world.ask(SupplyPoint(point="P2", account="A1", tariff="R1", since=NEW_YEAR))
    install = InstallMeter(
        meter="M2", point="P2", registers=(TOTAL,), readings=shown(0), on=NEW_YEAR
    )
    world.ask(install)
    read(world, FEB, 400)
    world.ask(RemoveMeter(meter="M2", point="P2", readings=shown(300), on=FEB))
    bill(world, NEW_YEAR, FEB)
    (left, *_) = world.ask(VacatePoint(point="P2", until=NEW_YEAR.replace(day=2)))
    assert causes(world, JANUARY) == [left.ref]


def test_what_moved_nothing_is_no_cause() -> None:
    world = two_bills()
    late = CorrectReading(meter="M1", readings=shown(390), on=FEB, reason="misread")
    (told,) = world.ask(late)
    removed = world.ask(RemoveMeter(meter="M1", point="P1", readings=shown(900), on=APR))
    assert removed[0].name == "meter.removed"
    read_later = InstallMeter(
        meter="M3", point="P1", registers=(TOTAL,), readings=shown(5), on=APR
    )
    world.ask(read_later)
    assert causes(world, JANUARY) == [told.ref]
    assert causes(world, FEBRUARY) == [told.ref]


def test_what_is_carried_forward_names_the_fact_that_moved_it() -> None:
    world = town()
    steps(world)
    for since, until, reading in ((NEW_YEAR, FEB, 400), (FEB, MAR, 700), (MAR, APR, 1000)):
        read(world, until, reading)
        bill(world, since, until)
    late = ReportMeterError(
        meter="M1", error=Decimal("0.5"), since=NEW_YEAR, until=MIDDLE, reference="7"
    )
    (found,) = world.ask(late)
    assert [causes(world, key) for key in (JANUARY, FEBRUARY, MARCH)] == [
        [found.ref],
        [found.ref],  # it has more of the year's cheap block now
        [],
    ]


def test_an_earlier_bill_issued_after_a_later_one_is_a_cause_of_its_correction() -> None:
    world = town()
    steps(world)
    read(world, FEB, 400)
    read(world, MAR, 700)
    bill(world, FEB, MAR)
    bill(world, NEW_YEAR, FEB)
    issued = world.of(world.facts[-2].stream)[-1]
    assert (issued.name, issued.key) == ("bill.issued", JANUARY)
    assert causes(world, FEBRUARY) == [issued.ref]


def test_two_facts_of_which_either_would_do_are_told_together() -> None:
    world = two_bills()
    since = NEW_YEAR
    told = [
        world.ask(
            ReportMeterError(meter="M1", error=Decimal("0.06"), since=since, reference=each)
        )[0].ref
        for each in ("7", "8")
    ]
    assert causes(world, JANUARY) == told


def test_of_a_reading_taken_back_and_taken_again_the_new_one_is_the_cause() -> None:
    world = two_bills()
    withdraw = WithdrawReading(meter="M1", on=FEB, reason="other meter")
    world.ask(withdraw, by="bea")
    read(world, FEB, 410)
    again = world.facts[-1].ref
    assert causes(world, JANUARY) == [again]


def test_an_exchange_told_late_is_the_cause_with_all_it_consists_of() -> None:
    world = two_bills()
    told = world.ask(
        ExchangeMeter(
            point="P1",
            old="M1",
            last=shown(250),
            new="M2",
            registers=(TOTAL,),
            readings=shown(300),
            on=MIDDLE,
        )
    )
    found = causes(world, JANUARY)
    assert set(found) <= {fact.ref for fact in told}
    assert {ref.partition("@")[0] for ref in found} == {"meter-M1", "meter-M2"}


def test_a_version_taken_back_is_a_cause_and_one_hidden_by_another_is_none() -> None:
    world = two_bills()
    publish(world, NEW_YEAR, document(price="0.90"))
    publish(world, NEW_YEAR, document(price="0.30"))
    shown_one = world.facts[-1]
    assert causes(world, JANUARY) == [shown_one.ref]
    asked = WithdrawTariffVersion(tariff="R1", version=3, reason="mistyped")
    (gone,) = world.ask(asked, by="cleo")
    assert causes(world, JANUARY) == [gone.ref]


def test_a_tariff_of_which_no_version_is_left_prices_nothing() -> None:
    world = two_bills()
    asked = WithdrawTariffVersion(tariff="R1", version=1, reason="mistyped")
    world.ask(asked, by="cleo")
    with pytest.raises(TariffNotInForce):
        world.correct("A1", JANUARY, on=LATER)


def test_crossed_meters_are_put_right_though_one_was_removed_before_its_error_began() -> None:
    world = two_bills()
    world.ask(EnergisePoint(point="P2", address="2 Mill Lane", on=NEW_YEAR))
    other = InstallMeter(
        meter="M2", point="P2", registers=(TOTAL,), readings=shown(0), on=NEW_YEAR
    )
    world.ask(other)
    late = date(2026, 3, 21)
    error = ReportMeterError(meter="M1", error=Decimal("0.05"), since=late, reference="8")
    world.ask(error)
    world.ask(RemoveMeter(meter="M1", point="P1", readings=shown(710), on=MAR.replace(day=5)))
    asked = CorrectCrossedMeters(
        meter="M1",
        point="P1",
        other_meter="M2",
        other_point="P2",
        on=NEW_YEAR,
        reason="crossed",
    )
    assert world.ask(asked, by="bea")
    again = InstallMeter(
        meter="M1", point="P1", registers=(TOTAL,), readings=shown(710), on=APR
    )
    world.ask(RemoveMeter(meter="M2", point="P1", readings=shown(5), on=APR))
    assert world.ask(again)[0].name == "meter.installed"
