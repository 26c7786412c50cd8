"""What can happen: for each command that can move a bill, one that might be asked now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TypeAlias

from domain.billing.bill import IssueBill
from domain.billing.cancelling import CancelBill
from domain.billing.chain import CorrectChain
from domain.billing.correcting import CorrectBill
from domain.metering.meter import (
    CorrectCrossedMeters,
    CorrectReading,
    CorrectRegisters,
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
    SupplyPoint,
    VacatePoint,
    WithdrawSupply,
    WithdrawTariffChange,
)
from domain.network.terms import AgreeTerms, WithdrawTerms
from domain.pricing.tariff import PublishTariff, WithdrawTariffVersion
from domain.readings.intervals import (
    RecordIntervals,
    ReviseIntervals,
    WithdrawIntervals,
    intervals_in,
)
from domain.receivables.payment import ReceivePayment, ReversePayment
from projections.billing import bills
from projections.metering import installations, meter_errors, readings
from projections.network import supplies, terms
from projections.pricing import tariff_versions
from projections.readings import interval_days
from projections.receivables import payments
from tests.histories.trouble import ACCOUNTS, LATER, MONTHS, TARIFFS, TOTAL, Trouble

Move: TypeAlias = Callable[[Trouble], object | None]

MOVES: dict[type, Move] = {}
"""Command -> what might be asked; None where there is nothing to ask about."""

WHY = "it was wrong"


def proposes(command: type) -> Callable[[Move], Move]:
    def register(move: Move) -> Move:
        MOVES[command] = move
        return move

    return register


# Meters


@proposes(ReadMeter)
def read(it: Trouble) -> object | None:
    row = it.some(installations)
    return row and it.read(row.meter, it.day(row.since))


@proposes(CorrectReading)
def correct_reading(it: Trouble) -> object | None:
    row = it.some(readings)
    if row is None:
        return None
    shown = it.shown(row.on)
    return CorrectReading(
        meter=row.meter, readings=shown, on=row.on, reason=WHY, point=row.point
    )


@proposes(WithdrawReading)
def withdraw_reading(it: Trouble) -> object | None:
    row = it.some(readings)
    return row and WithdrawReading(meter=row.meter, on=row.on, reason=WHY)


@proposes(InstallMeter)
def install(it: Trouble) -> object:
    on = it.day()
    return InstallMeter(
        meter=it.any(("MP1", "MP2", it.fresh("N"))),
        point=it.any(TARIFFS),
        registers=(TOTAL,),
        readings=it.shown(on),
        on=on,
    )


@proposes(RemoveMeter)
def remove(it: Trouble) -> object | None:
    row = it.some(installations)
    if row is None:
        return None
    on = it.day(row.since)
    return RemoveMeter(meter=row.meter, point=row.point, readings=it.shown(on), on=on)


@proposes(ExchangeMeter)
def exchange(it: Trouble) -> object | None:
    row = it.some(installations)
    if row is None:
        return None
    on = it.day(row.since)
    return ExchangeMeter(
        point=row.point,
        old=row.meter,
        last=it.shown(on),
        new=it.fresh("N"),
        registers=(TOTAL,),
        readings=it.shown(on),
        on=on,
    )


@proposes(WithdrawRemoval)
def withdraw_removal(it: Trouble) -> object | None:
    row = it.some(installations)
    if row is None or row.until is None:
        return None
    return WithdrawRemoval(meter=row.meter, point=row.point, on=row.until, reason=WHY)


@proposes(WithdrawInstallation)
def withdraw_installation(it: Trouble) -> object | None:
    row = it.some(installations)
    return row and WithdrawInstallation(
        meter=row.meter, point=row.point, on=row.since, reason=WHY
    )


@proposes(CorrectCrossedMeters)
def crossed(it: Trouble) -> object | None:
    one, two = it.some(installations), it.some(installations)
    return (one and two) and CorrectCrossedMeters(
        meter=one.meter,
        point=one.point,
        other_meter=two.meter,
        other_point=two.point,
        on=max(one.since, two.since),
        reason=WHY,
    )


@proposes(ReportMeterError)
def report_error(it: Trouble) -> object | None:
    row = it.some(installations)
    if row is None:
        return None
    since = it.day(row.since)
    until = it.any((None, since + timedelta(days=20)))
    error = Decimal(it.rng.randrange(-9, 20)) / 100
    return ReportMeterError(
        meter=row.meter, error=error, since=since, until=until, reference=it.any("78")
    )


@proposes(WithdrawMeterError)
def withdraw_error(it: Trouble) -> object | None:
    row = it.some(meter_errors)
    return row and WithdrawMeterError(
        meter=row.meter, since=row.since, reference=row.reference, reason=WHY
    )


@proposes(SetMultiplier)
def multiplier(it: Trouble) -> object | None:
    row = it.some(installations)
    return row and SetMultiplier(
        meter=row.meter,
        multiplier=it.any((1, 2, 10)),
        since=it.any((row.since, it.day(row.since))),
        reason=WHY,
    )


@proposes(CorrectRegisters)
def registers(it: Trouble) -> object | None:
    row = it.some(installations)
    if row is None:
        return None
    made = Register(
        code="1.8.0", digits=it.any((4, 5, 6)), channel=it.any(("import", "export"))
    )
    return CorrectRegisters(meter=row.meter, registers=(made,), on=row.since, reason=WHY)


# Interval days


@proposes(RecordIntervals)
def record_day(it: Trouble) -> object:
    return _day(it, it.any(("P4", "P1")), it.day(), RecordIntervals)


@proposes(ReviseIntervals)
def revise_day(it: Trouble) -> object | None:
    row = it.some(interval_days)
    return row and _day(it, row.point, row.day, ReviseIntervals)


@proposes(WithdrawIntervals)
def withdraw_day(it: Trouble) -> object | None:
    row = it.some(interval_days)
    return row and WithdrawIntervals(point=row.point, day=row.day, reason=WHY)


def _day(
    it: Trouble, point: str, day: date, command: type[RecordIntervals | ReviseIntervals]
) -> object:
    count = intervals_in(day, 60, "Europe/London")
    wh = tuple(it.rng.choices(range(100, 1500, 50), k=count))
    if command is ReviseIntervals:
        return ReviseIntervals(point=point, day=day, minutes=60, wh=wh, reason=WHY)
    return RecordIntervals(point=point, day=day, minutes=60, wh=wh)


# Who takes supply where, at what price


@proposes(SupplyPoint)
def supply(it: Trouble) -> object:
    tariff = it.any(("FLAT", "STEPS"))
    return SupplyPoint(
        point=it.any(TARIFFS), account=it.any(ACCOUNTS), tariff=tariff, since=it.day()
    )


@proposes(WithdrawSupply)
def withdraw_supply(it: Trouble) -> object | None:
    row = it.some(supplies)
    return row and WithdrawSupply(
        point=row.point, account=row.account, since=row.since, reason=WHY
    )


@proposes(VacatePoint)
def vacate(it: Trouble) -> object | None:
    row = it.some(supplies)
    return row and VacatePoint(point=row.point, until=it.day(row.since))


@proposes(CorrectMoveOut)
def correct_move_out(it: Trouble) -> object | None:
    row = it.some(supplies)
    return row and CorrectMoveOut(
        point=row.point,
        account=row.account,
        since=row.since,
        until=it.any((None, it.day(row.since))),
        reason=WHY,
    )


@proposes(ChangeTariff)
def change_tariff(it: Trouble) -> object | None:
    row = it.some(supplies)
    return row and ChangeTariff(
        point=row.point, tariff=it.any(("FLAT", "STEPS")), since=it.day(row.since)
    )


@proposes(WithdrawTariffChange)
def withdraw_tariff_change(it: Trouble) -> object | None:
    row = it.some(supplies)
    if row is None or len(row.tariffs) < 2:
        return None
    return WithdrawTariffChange(point=row.point, since=row.tariffs[-1].since, reason=WHY)


@proposes(AgreeTerms)
def agree(it: Trouble) -> object | None:
    row = it.some(supplies)
    return row and AgreeTerms(
        point=row.point,
        since=it.day(row.since),
        capacity_va=it.any((None, 100_000)),
        exempt=it.any(((), ("vat",), ("standing",))),
    )


@proposes(WithdrawTerms)
def withdraw_terms(it: Trouble) -> object | None:
    row = it.some(terms)
    return row and WithdrawTerms(point=row.point, since=row.since, reason=WHY)


@proposes(PublishTariff)
def publish(it: Trouble) -> object | None:
    tariff = it.any(("FLAT", "STEPS", "WORKS"))
    it.publish(tariff, it.day(), Decimal(it.rng.randrange(10, 40)) / 100)
    return None


@proposes(WithdrawTariffVersion)
def withdraw_version(it: Trouble) -> object | None:
    row = it.some(tariff_versions)
    return row and WithdrawTariffVersion(tariff=row.tariff, version=row.version, reason=WHY)


# Money


@proposes(IssueBill)
def issue(it: Trouble) -> object:
    since, until = it.any(pairwise(MONTHS))
    return IssueBill(account=it.any(ACCOUNTS), since=since, until=until, on=until)


@proposes(CorrectBill)
def correct(it: Trouble) -> object | None:
    row = it.some(bills)
    return row and CorrectBill(account=row.account, bill=row.bill, on=LATER)


@proposes(CancelBill)
def cancel(it: Trouble) -> object | None:
    row = it.some(bills)
    return row and CancelBill(account=row.account, bill=row.bill, on=LATER, reason=WHY)


@proposes(CorrectChain)
def chain(it: Trouble) -> object:
    return CorrectChain(account=it.any(ACCOUNTS), on=LATER)


@proposes(ReceivePayment)
def pay(it: Trouble) -> object:
    return ReceivePayment(
        payment=it.fresh("T"),
        account=it.any(ACCOUNTS),
        amount=it.rng.randrange(1, 20_000),
        method="cash",
        on=LATER,
    )


@proposes(ReversePayment)
def reverse(it: Trouble) -> object | None:
    row = it.some(payments)
    return row and ReversePayment(
        payment=row.payment, account=row.account, reason=WHY, on=LATER
    )
