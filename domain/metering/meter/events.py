"""What can happen to a meter, and the registers that it has."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from domain.kit import event, value
from domain.values import PointId, Price, Text

Channel: TypeAlias = Literal["import", "export", "reactive"]
Source: TypeAlias = Literal["reader", "remote", "customer", "estimate"]
RegisterCode: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9.:_-]{1,20}$")]
Readings: TypeAlias = dict[RegisterCode, Price]


@value
class Register:
    """One counter of a meter: an OBIS code (IEC 62056-61), what it counts, its digits."""

    code: RegisterCode
    channel: Channel = "import"
    label: str | None = None  # the time-of-use period it counts; None counts all hours
    digits: Annotated[int, Field(ge=3, le=9)] = 5  # before the decimal point
    decimals: Annotated[int, Field(ge=0, le=3)] = 0  # behind it

    @property
    def turn(self) -> int:
        """How many Wh make the register come round to zero."""
        return int(10 ** (self.digits + 3))


@event("meter.installed")
class MeterInstalled:
    point: PointId
    registers: tuple[Register, ...]
    multiplier: int
    readings: dict[str, Decimal]
    counts: dict[str, int]
    on: date


@event("meter.read")
class MeterRead:
    """`counts` are Wh since zero, turns included; energy is their difference × multiplier."""

    point: PointId
    readings: dict[str, Decimal]
    counts: dict[str, int]
    on: date
    source: Source


@event("meter.reading-corrected")
class MeterReadingCorrected:
    point: PointId
    readings: dict[str, Decimal]
    counts: dict[str, int]
    was: dict[str, int]
    on: date
    reason: Text


@event("meter.found-inaccurate")
class MeterFoundInaccurate:
    """It counted (1 + error) for each Wh that passed, from `since` on, up to `until`."""

    point: PointId
    error: Decimal
    since: date
    until: date | None
    reference: Text


@event("meter.removed")
class MeterRemoved:
    point: PointId
    installed: date
    readings: dict[str, Decimal]
    counts: dict[str, int]
    on: date


MeterEvent: TypeAlias = (
    MeterInstalled | MeterRead | MeterReadingCorrected | MeterFoundInaccurate | MeterRemoved
)
