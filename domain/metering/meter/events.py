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


@event("meter.installed", day="on")
class MeterInstalled:
    point: PointId
    registers: tuple[Register, ...]
    multiplier: int
    readings: dict[str, Decimal]
    counts: dict[str, int]
    on: date


@value
class Recount:
    """What a later reading counts now, because the turns of its registers follow an earlier."""

    on: date
    last: bool  # the one taken as the meter was removed
    counts: dict[str, int]


@event("meter.read", day="on")
class MeterRead:
    """`counts` are Wh since zero, turns included; energy is their difference × multiplier."""

    point: PointId
    readings: dict[str, Decimal]
    counts: dict[str, int]
    on: date
    source: Source
    turned: tuple[str, ...] = ()  # the registers that rolled over since the reading before
    recounts: tuple[Recount, ...] = ()


@event("meter.reading-corrected", day="on")
class MeterReadingCorrected:
    """`source` is None where it is as it was: of a reading at installing or removing."""

    point: PointId
    readings: dict[str, Decimal]
    counts: dict[str, int]
    was: dict[str, int]
    on: date
    reason: Text
    last: bool = False  # the reading taken as the meter was removed
    source: Source | None = None
    turned: tuple[str, ...] = ()
    recounts: tuple[Recount, ...] = ()


@event("meter.reading-withdrawn", day="on")
class MeterReadingWithdrawn:
    """There was no such reading; `was` is what it counted."""

    point: PointId
    was: dict[str, int]
    on: date
    reason: Text
    recounts: tuple[Recount, ...] = ()


@event("meter.estimate-cancelled", day="on")
class MeterEstimateCancelled:
    """An estimate that the actual reading of the day `by` disproves."""

    point: PointId
    was: dict[str, int]
    on: date
    by: date


@event("meter.multiplier-set", day="since")
class MeterMultiplierSet:
    """Each Wh counted stands for `multiplier` Wh, from `since` to the next one set."""

    point: PointId
    installed: date
    multiplier: int
    since: date
    reason: Text


@event("meter.registers-corrected", day="installed")
class MeterRegistersCorrected:
    """What the registers of an installation are; `recounts` is every reading that moves."""

    point: PointId
    installed: date
    registers: tuple[Register, ...]
    reason: Text
    recounts: tuple[Recount, ...]


@event("meter.found-inaccurate", day="since")
class MeterFoundInaccurate:
    """It counted (1 + error) for each Wh that passed, from `since` on, up to `until`."""

    point: PointId
    error: Decimal
    since: date
    until: date | None
    reference: Text


@event("meter.error-withdrawn", day="since")
class MeterErrorWithdrawn:
    """That test found no such error."""

    point: PointId
    error: Decimal
    since: date
    until: date | None
    reference: Text
    reason: Text


@event("meter.removed", day="on")
class MeterRemoved:
    point: PointId
    installed: date
    readings: dict[str, Decimal]
    counts: dict[str, int]
    on: date


@event("meter.removal-withdrawn", day="on")
class MeterRemovalWithdrawn:
    """It was not removed on that day; its last reading goes with the removal."""

    point: PointId
    installed: date
    on: date
    reason: Text


@event("meter.installation-withdrawn", day="installed")
class MeterInstallationWithdrawn:
    """It was never installed there from that day; its reading goes with the installation."""

    point: PointId
    installed: date
    until: date | None
    reason: Text


MeterEvent: TypeAlias = (
    MeterInstalled
    | MeterRead
    | MeterReadingCorrected
    | MeterReadingWithdrawn
    | MeterEstimateCancelled
    | MeterMultiplierSet
    | MeterRegistersCorrected
    | MeterFoundInaccurate
    | MeterErrorWithdrawn
    | MeterRemoved
    | MeterRemovalWithdrawn
    | MeterInstallationWithdrawn
)
