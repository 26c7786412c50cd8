"""A meter that counted from 100 kWh on, in kWh and in Wh."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from domain.metering.meter import (
    MeterInstalled,
    MeterRead,
    MeterRemoved,
    ReadMeter,
    Register,
    Source,
)
from domain.network.point import (
    PointEnergised,
    PointMetered,
)

JAN, FEB, MAR, APR = (date(2026, month, 1) for month in (1, 2, 3, 4))
CODE = "1.8.0"
TOTAL = Register(code=CODE)
energised = PointEnergised(address="1 Mill Lane", on=JAN)
metered = PointMetered(meter="M1", since=JAN)


def shown(kwh: int) -> dict[str, Decimal]:
    return {CODE: Decimal(kwh)}


def counted(kwh: int) -> dict[str, int]:
    return {CODE: kwh * 1000}


installed = MeterInstalled(
    point="P1",
    registers=(TOTAL,),
    multiplier=1,
    readings=shown(100),
    counts=counted(100),
    on=JAN,
)


def was_read(kwh: int, on: date, source: Source = "reader", turns: int = 0) -> MeterRead:
    counts = counted(kwh + turns * 100_000)
    return MeterRead(point="P1", readings=shown(kwh), counts=counts, on=on, source=source)


def removed(kwh: int, on: date) -> MeterRemoved:
    return MeterRemoved(
        point="P1", installed=JAN, readings=shown(kwh), counts=counted(kwh), on=on
    )


def read(
    kwh: int, on: date, source: Source = "reader", *, rolled_over: bool = False
) -> ReadMeter:
    return ReadMeter(
        meter="M1", readings=shown(kwh), on=on, source=source, rolled_over=rolled_over
    )
