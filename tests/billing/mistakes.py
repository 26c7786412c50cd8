"""Mistakes of a utility: what was recorded, what should have been, and how it is put right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from domain.customers.account import OpenAccount
from domain.customers.customer import ChangeContact
from domain.customers.holding import (
    CloseAccount,
    CorrectAccount,
    MergeCustomers,
    ReopenAccount,
    WithdrawAccount,
    WithdrawMerger,
)
from domain.metering.meter import (
    CorrectCrossedMeters,
    CorrectReading,
    ExchangeMeter,
    InstallMeter,
    ReadMeter,
    Register,
    RemoveMeter,
    ReportMeterError,
    SetMultiplier,
    Source,
    WithdrawInstallation,
    WithdrawMeterError,
    WithdrawReading,
    WithdrawRemoval,
)
from domain.network.point import (
    ChangeTariff,
    CorrectMoveOut,
    CorrectPoint,
    EnergisePoint,
    SupplyPoint,
    VacatePoint,
    WithdrawPoint,
    WithdrawSupply,
    WithdrawTariffChange,
)
from domain.network.terms import AgreeTerms, WithdrawTerms
from domain.pricing.tariff import WithdrawTariffVersion
from domain.readings.intervals import RecordIntervals, WithdrawIntervals
from tests.world import NEW_YEAR, World, document, publish

FEB, MAR, APR = (date(2026, month, 1) for month in (2, 3, 4))
MIDDLE = date(2026, 1, 16)
MONTHS = ((NEW_YEAR, FEB), (FEB, MAR), (MAR, APR))
TOTAL = Register(code="1.8.0")
WHY = "found a year later"

Act = Callable[[World], object]


def shown(kwh: int) -> dict[str, Decimal]:
    return {"1.8.0": Decimal(kwh)}


def asks(*asked: object) -> Act:
    """All of them, in order, by Ann; what takes back is asked by Bea."""
    return lambda world: [world.ask(each) for each in asked]


def found(*asked: object) -> Act:
    return lambda world: [world.ask(each, by="bea") for each in asked]


def nothing(world: World) -> None:
    del world


def read(meter: str, on: date, kwh: int, source: Source = "reader") -> ReadMeter:
    return ReadMeter(meter=meter, readings=shown(kwh), on=on, source=source)


def supply(account: str, since: date = NEW_YEAR) -> SupplyPoint:
    return SupplyPoint(point="P1", account=account, tariff="R1", since=since)


def install(meter: str, point: str, kwh: int = 0, on: date = NEW_YEAR) -> InstallMeter:
    return InstallMeter(
        meter=meter, point=point, registers=(TOTAL,), readings=shown(kwh), on=on
    )


def exchange(on: date) -> ExchangeMeter:
    return ExchangeMeter(
        point="P1",
        old="M1",
        last=shown(250),
        new="M3",
        registers=(TOTAL,),
        readings=shown(300),
        on=on,
    )


def redated(world: World) -> None:
    """A version is withdrawn, and published anew from the right day."""
    world.ask(WithdrawTariffVersion(tariff="R1", version=2, reason=WHY), by="bea")
    publish(world, MAR, HALF)


FAST = ReportMeterError(meter="M1", error=Decimal("0.06"), since=NEW_YEAR, reference="7")
HALF = document(price="0.50")


@dataclass(frozen=True)
class Mistake:
    """What was recorded and what should have been; how it is put right."""

    name: str
    wrong: Act
    put_right: Act
    right: Act = nothing
    supplied: bool = True  # whether A1 is supplied at P1 before
    read: bool = True  # whether M1 is read before


MISTAKES = (
    Mistake(
        "a reading of another meter",
        asks(read("M1", date(2026, 2, 10), 690)),
        found(WithdrawReading(meter="M1", on=date(2026, 2, 10), reason=WHY)),
    ),
    Mistake(
        "a misread register",
        asks(read("M1", FEB, 450), read("M1", MAR, 700), read("M1", APR, 1000)),
        found(CorrectReading(meter="M1", readings=shown(400), on=FEB, reason=WHY)),
        asks(read("M1", FEB, 400), read("M1", MAR, 700), read("M1", APR, 1000)),
        read=False,
    ),
    Mistake(
        "an estimate",
        asks(read("M1", FEB, 500, "estimate"), read("M1", MAR, 700), read("M1", APR, 1000)),
        found(read("M1", FEB, 400)),
        asks(read("M1", FEB, 400), read("M1", MAR, 700), read("M1", APR, 1000)),
        read=False,
    ),
    Mistake(
        "an exchange that nobody told", nothing, found(exchange(MIDDLE)), asks(exchange(MIDDLE))
    ),
    Mistake(
        "a multiplier that nobody told",
        nothing,
        found(SetMultiplier(meter="M1", multiplier=10, since=FEB, reason=WHY)),
        asks(SetMultiplier(meter="M1", multiplier=10, since=FEB, reason=WHY)),
    ),
    Mistake(
        "a tested error that there was not",
        asks(FAST),
        found(WithdrawMeterError(meter="M1", since=NEW_YEAR, reference="7", reason=WHY)),
    ),
    Mistake(
        "a tested error of a meter that was removed",
        asks(RemoveMeter(meter="M1", point="P1", readings=shown(1000), on=APR)),
        found(FAST),
        asks(RemoveMeter(meter="M1", point="P1", readings=shown(1000), on=APR), FAST),
        read=True,
    ),
    Mistake(
        "a removal of another meter",
        asks(RemoveMeter(meter="M2", point="P2", readings=shown(0), on=FEB)),
        found(WithdrawRemoval(meter="M2", point="P2", on=FEB, reason=WHY)),
    ),
    Mistake(
        "an installation at the wrong point",
        asks(install("M4", "P3")),
        found(
            WithdrawInstallation(meter="M4", point="P3", on=NEW_YEAR, reason=WHY),
            install("M4", "P4"),
        ),
        asks(install("M4", "P4")),
    ),
    Mistake(
        "crossed meters of two flats",
        asks(install("M5", "P3", 100), install("M6", "P4", 500), read("M5", FEB, 400)),
        found(
            CorrectCrossedMeters(
                meter="M5", point="P3", other_meter="M6", other_point="P4", on=FEB, reason=WHY
            )
        ),
        asks(install("M5", "P4", 100), install("M6", "P3", 500), read("M5", FEB, 400)),
    ),
    Mistake(
        "supply to the wrong account",
        asks(supply("A2")),
        found(
            WithdrawSupply(point="P1", account="A2", since=NEW_YEAR, reason=WHY), supply("A1")
        ),
        asks(supply("A1")),
        supplied=False,
    ),
    Mistake(
        "supply from the wrong day",
        asks(supply("A1", FEB)),
        found(WithdrawSupply(point="P1", account="A1", since=FEB, reason=WHY), supply("A1")),
        asks(supply("A1")),
        supplied=False,
    ),
    Mistake(
        "supply that never was, with terms",
        asks(AgreeTerms(point="P1", since=FEB, contract_w=1000)),
        found(WithdrawSupply(point="P1", account="A1", since=NEW_YEAR, reason=WHY)),
        lambda world: world.ask(
            WithdrawSupply(point="P1", account="A1", since=NEW_YEAR, reason=WHY), by="bea"
        ),
    ),
    Mistake(
        "a move-out on the wrong day",
        asks(VacatePoint(point="P1", until=MAR)),
        found(
            CorrectMoveOut(point="P1", account="A1", since=NEW_YEAR, until=MIDDLE, reason=WHY)
        ),
        asks(VacatePoint(point="P1", until=MIDDLE)),
    ),
    Mistake(
        "a move-out that never was",
        asks(VacatePoint(point="P1", until=FEB)),
        found(CorrectMoveOut(point="P1", account="A1", since=NEW_YEAR, reason=WHY)),
    ),
    Mistake(
        "a tariff of a supply that has ended",
        asks(
            ChangeTariff(point="P1", tariff="R2", since=FEB), VacatePoint(point="P1", until=APR)
        ),
        found(WithdrawTariffChange(point="P1", since=FEB, reason=WHY)),
        asks(VacatePoint(point="P1", until=APR)),
    ),
    Mistake(
        "terms that were never agreed",
        asks(AgreeTerms(point="P1", since=FEB, exempt=("energy",))),
        found(WithdrawTerms(point="P1", since=FEB, reason=WHY)),
    ),
    Mistake(
        "a tariff version with another price",
        lambda world: publish(world, FEB, HALF),
        found(WithdrawTariffVersion(tariff="R1", version=2, reason=WHY)),
    ),
    Mistake(
        "a tariff version from the wrong day",
        lambda world: publish(world, FEB, HALF),
        redated,
        lambda world: publish(world, MAR, HALF),
    ),
    Mistake(
        "an interval day of another point",
        asks(RecordIntervals(point="P1", day=MIDDLE, minutes=60, wh=(100,) * 24)),
        found(WithdrawIntervals(point="P1", day=MIDDLE, reason=WHY)),
    ),
    Mistake(
        "an account of another customer",
        asks(OpenAccount(account="A3", customer="C2", on=NEW_YEAR)),
        found(CorrectAccount(account="A3", customer="C1", reason=WHY)),
        asks(OpenAccount(account="A3", customer="C1", on=NEW_YEAR)),
    ),
    Mistake(
        "an account opened in error",
        asks(OpenAccount(account="A3", customer="C2", on=NEW_YEAR)),
        found(WithdrawAccount(account="A3", reason=WHY)),
    ),
    Mistake(
        "an account that was closed",
        asks(CloseAccount(account="A2", on=APR)),
        found(ReopenAccount(account="A2", reason=WHY)),
    ),
    Mistake(
        "two customers who are not one",
        lambda world: world.ask(
            MergeCustomers(customer="C1", into="C2", reason="one"), by="bea"
        ),
        asks(WithdrawMerger(customer="C1", reason=WHY)),
    ),
    Mistake(
        "a contact of somebody else",
        asks(ChangeContact(customer="C1", contact="eve@example.org")),
        found(ChangeContact(customer="C1")),
    ),
    Mistake(
        "a point that was energised before",
        nothing,
        found(CorrectPoint(point="P2", on=date(2025, 12, 1), reason=WHY)),
        found(CorrectPoint(point="P2", on=date(2025, 12, 1), reason=WHY)),
    ),
    Mistake(
        "a point entered twice",
        asks(EnergisePoint(point="P5", address="2 Mill Lane", on=NEW_YEAR)),
        found(WithdrawPoint(point="P5", reason=WHY)),
    ),
)
