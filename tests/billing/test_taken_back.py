"""What was recorded wrongly and taken back: bills come to what they had been without it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from domain.billing.bill import BillCorrected, IssueBill
from domain.billing.correcting import CorrectBill
from domain.billing.refusals import NothingSupplied, PeriodNotMeasured
from domain.customers.account import OpenAccount
from domain.metering.meter import (
    CorrectReading,
    ExchangeMeter,
    InstallMeter,
    ReadMeter,
    Register,
    RemoveMeter,
    ReportMeterError,
    SetMultiplier,
    WithdrawInstallation,
    WithdrawMeterError,
    WithdrawReading,
    WithdrawRemoval,
)
from domain.network.point import (
    ChangeTariff,
    CorrectMoveOut,
    EnergisePoint,
    SupplyPoint,
    VacatePoint,
    WithdrawSupply,
    WithdrawTariffChange,
)
from domain.readings.intervals import RecordIntervals, ReviseIntervals, WithdrawIntervals
from projections.billing import bills
from projections.metering import readings
from tests.world import NEW_YEAR, World, document, publish, read, town

FEB, MAR, APR = (date(2026, month, 1) for month in (2, 3, 4))
MIDDLE = date(2026, 1, 16)
LATER = date(2026, 6, 1)
TOTAL = Register(code="1.8.0")
JANUARY, FEBRUARY = "A1-2026-01", "A1-2026-02"


def shown(kwh: int) -> dict[str, Decimal]:
    return {"1.8.0": Decimal(kwh)}


def bill(world: World, since: date, until: date, account: str = "A1") -> None:
    world.ask(IssueBill(account=account, since=since, until=until, on=until))


def january() -> World:
    """300 kWh in January, billed: 12.40 + 75.00 + 4.37."""
    world = town()
    read(world, FEB, 400)
    bill(world, NEW_YEAR, FEB)
    return world


def corrected(world: World, *keys: str) -> list[BillCorrected]:
    found = world.correct("A1", *keys, on=LATER)
    return [fact.event for fact in found if isinstance(fact.event, BillCorrected)]


def day(number: int, wh: int | None = 100) -> RecordIntervals:
    return RecordIntervals(point="P1", day=date(2026, 1, number), minutes=60, wh=(wh,) * 24)


def test_a_withdrawn_reading_moves_the_bills_that_stood_on_it_and_is_their_cause() -> None:
    world = january()
    read(world, MAR, 700)
    bill(world, FEB, MAR)
    (gone,) = world.ask(WithdrawReading(meter="M1", on=FEB, reason="other meter"), by="bea")
    touched = list(world.billing.touched([gone]))
    assert [each.bill.bill for each in touched] == [JANUARY, FEBRUARY]
    notes = corrected(world, JANUARY, FEBRUARY)
    # 600 kWh in 59 days: 315.254 in the first 31; both bills are estimates now
    assert [each.difference for each in touched] == [note.total for note in notes]
    assert all(note.causes[-1].fact == gone.ref for note in notes)
    row = world.tables.get(bills, JANUARY)
    assert row is not None
    assert row.newest.estimated


def test_a_bill_without_supply_comes_to_no_lines() -> None:
    world = january()
    read(world, MAR, 700)
    bill(world, FEB, MAR)
    (left,) = world.ask(VacatePoint(point="P1", until=date(2026, 1, 11)))
    touched = list(world.billing.touched([left]))
    assert [each.bill.bill for each in touched] == [JANUARY, FEBRUARY]
    notes = corrected(world, JANUARY, FEBRUARY)
    assert world.stands(FEBRUARY) == 0
    assert all([cause.fact for cause in note.causes] == [left.ref] for note in notes)
    assert corrected(world, JANUARY, FEBRUARY) == []
    with pytest.raises(NothingSupplied):
        bill(world, MAR, APR)


def test_supply_of_the_wrong_account_is_withdrawn_and_given_to_the_right_one() -> None:
    world = january()
    asked = WithdrawSupply(point="P1", account="A1", since=NEW_YEAR, reason="flat 2")
    (gone,) = world.ask(asked, by="bea")
    assert [each.now for each in world.billing.touched([gone])] == [0]
    corrected(world, JANUARY)
    world.ask(OpenAccount(account="A2", customer="C1", on=NEW_YEAR))
    world.ask(SupplyPoint(point="P1", account="A2", tariff="R1", since=NEW_YEAR))
    bill(world, NEW_YEAR, FEB, "A2")
    assert (world.stands(JANUARY), world.stands("A2-2026-01")) == (0, 9177)


def test_a_move_out_on_another_day_or_never() -> None:
    world = january()
    world.ask(VacatePoint(point="P1", until=MIDDLE))
    corrected(world, JANUARY)
    half = world.stands(JANUARY)
    (moved,) = world.ask(
        CorrectMoveOut(point="P1", account="A1", since=NEW_YEAR, until=None, reason="stayed"),
        by="bea",
    )
    assert [each.now for each in world.billing.touched([moved])] == [9177]
    (note,) = corrected(world, JANUARY)
    assert (world.stands(JANUARY), note.total) == (9177, 9177 - half)
    assert [cause.fact for cause in note.causes] == [moved.ref]


def test_the_tariff_of_a_supply_that_ended_is_changed_and_taken_back() -> None:
    world = january()
    publish(world, NEW_YEAR, document(price="0.50"), tariff="R2")
    world.ask(VacatePoint(point="P1", until=FEB))
    world.ask(ChangeTariff(point="P1", tariff="R2", since=MIDDLE))
    corrected(world, JANUARY)
    assert world.stands(JANUARY) > 9177
    world.ask(WithdrawTariffChange(point="P1", since=MIDDLE, reason="never agreed"), by="bea")
    corrected(world, JANUARY)
    assert world.stands(JANUARY) == 9177


def test_a_change_to_the_tariff_in_force_moves_no_bill() -> None:
    world = january()
    world.ask(ChangeTariff(point="P1", tariff="R1", since=MIDDLE))
    assert corrected(world, JANUARY) == []


def test_a_meter_moved_on_the_day_it_was_taken_down_keeps_both_readings() -> None:
    world = town()
    world.ask(RemoveMeter(meter="M1", point="P1", readings=shown(400), on=FEB))
    world.ask(EnergisePoint(point="P2", address="2 Mill Lane", on=NEW_YEAR))
    world.ask(
        InstallMeter(meter="M1", point="P2", registers=(TOTAL,), readings=shown(5000), on=FEB)
    )
    bill(world, NEW_YEAR, FEB)
    assert world.stands(JANUARY) == 9177
    rows = world.tables.find(readings)
    assert [(row.on, row.last, row.point) for row in rows if row.on == FEB] == [
        (FEB, False, "P2"),
        (FEB, True, "P1"),
    ]
    world.ask(
        CorrectReading(meter="M1", readings=shown(300), on=FEB, reason="misread", point="P1")
    )
    corrected(world, JANUARY)
    assert world.stands(JANUARY) < 9177


def test_an_exchange_found_late_bills_as_if_it_had_been_told_at_once() -> None:
    world = january()
    world.ask(
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
    corrected(world, JANUARY)
    # 150 kWh on the old one, 100 on the new one: 12.40 + 62.50 + 3.75 (half up)
    assert world.stands(JANUARY) == 7865
    row = world.tables.get(readings, ("M2", FEB, False))
    assert row is not None
    assert row.readings == shown(400)


def test_a_multiplier_counts_from_its_day_on() -> None:
    world = town()
    read(world, MIDDLE, 250)
    read(world, FEB, 400)
    bill(world, NEW_YEAR, FEB)
    (told,) = world.ask(SetMultiplier(meter="M1", multiplier=10, since=MIDDLE, reason="CT"))
    (note,) = corrected(world, JANUARY)
    # 150 kWh more by nine: 1350 at 0.25, with tax
    assert note.total == 35438
    assert [cause.fact for cause in note.causes] == [told.ref]


def test_an_error_taken_back_brings_the_bill_back() -> None:
    world = january()
    world.ask(
        ReportMeterError(meter="M1", error=Decimal("0.06"), since=NEW_YEAR, reference="7")
    )
    corrected(world, JANUARY)
    asked = WithdrawMeterError(meter="M1", since=NEW_YEAR, reference="7", reason="bad standard")
    (gone,) = world.ask(asked, by="bea")
    (note,) = corrected(world, JANUARY)
    assert world.stands(JANUARY) == 9177
    assert [cause.fact for cause in note.causes] == [gone.ref]


def test_an_installation_at_the_wrong_point_is_made_good() -> None:
    world = town()
    world.ask(RemoveMeter(meter="M1", point="P1", readings=shown(400), on=FEB))
    world.ask(WithdrawRemoval(meter="M1", point="P1", on=FEB, reason="M2 was meant"), by="bea")
    asked = WithdrawInstallation(meter="M1", point="P1", on=NEW_YEAR, reason="never there")
    world.ask(asked, by="bea")
    world.ask(
        InstallMeter(meter="M2", point="P1", registers=(TOTAL,), readings=shown(0), on=NEW_YEAR)
    )
    world.ask(ReadMeter(meter="M2", readings=shown(300), on=FEB, source="reader"))
    bill(world, NEW_YEAR, FEB)
    assert world.stands(JANUARY) == 9177


def test_a_stray_interval_day_does_not_keep_a_point_from_its_registers() -> None:
    world = january()
    (stray,) = world.ask(day(10))
    read_on = CorrectReading(meter="M1", readings=shown(440), on=FEB, reason="misread")
    world.ask(read_on)
    corrected(world, JANUARY)
    stands = world.stands(JANUARY)
    assert stands > 9177
    world.ask(
        ReviseIntervals(
            point="P1", day=date(2026, 1, 10), minutes=60, wh=(None,) * 24, reason="stray"
        )
    )
    assert corrected(world, JANUARY) == []
    asked = WithdrawIntervals(point="P1", day=date(2026, 1, 10), reason="another point")
    world.ask(asked, by="bea")
    assert corrected(world, JANUARY) == []
    assert stray.name == "intervals.recorded"


def test_registers_and_interval_days_make_one_bill() -> None:
    world = town()
    world.ask(RemoveMeter(meter="M1", point="P1", readings=shown(400), on=MIDDLE))
    world.ask(
        InstallMeter(meter="M2", point="P1", registers=(TOTAL,), readings=shown(0), on=MIDDLE)
    )
    for number in range(16, 32):
        world.ask(day(number))
    bill(world, NEW_YEAR, FEB)
    # 300 kWh by register and 16 days of 2.4 kWh: 338.4 kWh
    assert world.stands(JANUARY) == 10185


def test_what_cannot_be_calculated_is_told_and_stops_no_other_bill() -> None:
    world = january()
    read(world, MAR, 700)
    bill(world, FEB, MAR)
    world.ask(WithdrawReading(meter="M1", on=MAR, reason="other meter"), by="bea")
    (gone,) = world.ask(WithdrawReading(meter="M1", on=FEB, reason="other meter"), by="bea")
    touched = list(world.billing.touched([gone]))
    assert [(each.bill.bill, each.now, each.rule) for each in touched] == [
        (JANUARY, None, "period-not-measured"),
        (FEBRUARY, None, "period-not-measured"),
    ]
    with pytest.raises(PeriodNotMeasured):
        world.ask(CorrectBill(account="A1", bill=FEBRUARY, on=LATER))
    # March is measured again, so that February's registers can be told apart; January too.
    read(world, MAR, 710)
    assert [note.total for note in corrected(world, JANUARY, FEBRUARY)] != []
