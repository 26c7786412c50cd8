"""What can be asked of a meter."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field

from domain.kit import command
from domain.metering.meter.events import Readings, Register, Source
from domain.values import MeterId, PointId, Price, Text


@command(
    "install-meter",
    duty="metering",
    example={
        "meter": "M-417",
        "point": "P-7",
        "registers": [{"code": "1.8.0", "digits": 5}],
        "multiplier": 1,
        "readings": {"1.8.0": "12040"},
        "on": "2026-01-01",
    },
)
class InstallMeter:
    """Install a meter at a service point, from a day on, with what its registers show."""

    meter: MeterId
    point: PointId
    registers: Annotated[tuple[Register, ...], Field(min_length=1, max_length=24)]
    multiplier: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    readings: Readings
    on: date


@command(
    "read-meter",
    duty=("metering", "reader"),
    example={
        "meter": "M-417",
        "readings": {"1.8.0": "12345"},
        "on": "2026-02-01",
        "source": "reader",
    },
)
class ReadMeter:
    """Record what the registers show at the start of a day; late readings find their place."""

    meter: MeterId
    readings: Readings
    on: date
    source: Source
    rolled_over: bool = False


@command(
    "correct-reading",
    duty=("metering", "reader"),
    example={
        "meter": "M-417",
        "readings": {"1.8.0": "12354"},
        "on": "2026-02-01",
        "reason": "figures were read in the wrong order",
    },
)
class CorrectReading:
    """
    Replace what was recorded for a day; the wrong reading stays in history.

    An estimate that is corrected is one no longer, unless `source` says so.  The point tells
    which of two installations is meant on the day a meter was moved.
    """

    meter: MeterId
    readings: Readings
    on: date
    reason: Text
    rolled_over: bool = False
    source: Source | None = None
    point: PointId | None = None


@command(
    "withdraw-reading",
    duty="metering",
    example={
        "meter": "M-417",
        "on": "2026-02-01",
        "reason": "it was read on another meter",
    },
)
class WithdrawReading:
    """Take back a reading that was never taken; a second person's matter."""

    meter: MeterId
    on: date
    reason: Text


@command(
    "set-multiplier",
    duty="metering",
    example={
        "meter": "M-417",
        "multiplier": 30,
        "since": "2026-01-15",
        "reason": "150/5 transformers were found",
    },
)
class SetMultiplier:
    """Say by what a count is multiplied from a day on, since it changed or was told wrongly."""

    meter: MeterId
    multiplier: Annotated[int, Field(ge=1, le=1_000_000)]
    since: date
    reason: Text


@command(
    "correct-registers",
    duty="metering",
    example={
        "meter": "M-417",
        "registers": [{"code": "1.8.0", "digits": 6}],
        "on": "2026-01-15",
        "reason": "the register has six digits",
    },
)
class CorrectRegisters:
    """Put right the digits, channels or labels of the registers of an installed meter."""

    meter: MeterId
    registers: Annotated[tuple[Register, ...], Field(min_length=1, max_length=24)]
    on: date  # a day of the installation
    reason: Text


@command(
    "report-meter-error",
    duty="metering",
    example={
        "meter": "M-417",
        "error": "0.06",
        "since": "2026-01-15",
        "reference": "test certificate 2026/118",
    },
)
class ReportMeterError:
    """Record a tested error: "0.06" for 6 % fast, "-0.02" for 2 % slow, from a day on."""

    meter: MeterId
    error: Annotated[Price, Field(gt=-1, le=10)]
    since: date
    until: date | None = None
    reference: Text


@command(
    "withdraw-meter-error",
    duty="metering",
    example={
        "meter": "M-417",
        "since": "2026-01-15",
        "reference": "test certificate 2026/118",
        "reason": "the standard was out of order",
    },
)
class WithdrawMeterError:
    """Take back a tested error."""

    meter: MeterId
    since: date
    reference: Text
    reason: Text


@command(
    "remove-meter",
    duty="metering",
    example={
        "meter": "M-417",
        "point": "P-7",
        "readings": {"1.8.0": "13001"},
        "on": "2026-04-01",
    },
)
class RemoveMeter:
    """Remove a meter at the start of a day, with what its registers show."""

    meter: MeterId
    point: PointId
    readings: Readings
    on: date
    rolled_over: bool = False


@command(
    "withdraw-removal",
    duty="metering",
    example={
        "meter": "M-417",
        "point": "P-7",
        "on": "2026-04-01",
        "reason": "another meter was meant",
    },
)
class WithdrawRemoval:
    """Take back that a meter was removed, with the reading of that day."""

    meter: MeterId
    point: PointId
    on: date
    reason: Text


@command(
    "withdraw-installation",
    duty="metering",
    example={
        "meter": "M-417",
        "point": "P-7",
        "on": "2026-01-01",
        "reason": "it was installed next door",
    },
)
class WithdrawInstallation:
    """Take back that a meter was installed at a point on a day, and its removal with it."""

    meter: MeterId
    point: PointId
    on: date
    reason: Text


@command(
    "correct-crossed-meters",
    duty="metering",
    example={
        "meter": "M-417",
        "point": "P-7",
        "other_meter": "M-418",
        "other_point": "P-8",
        "on": "2026-01-01",
        "reason": "the meters of the two flats were taken for each other",
    },
)
class CorrectCrossedMeters:
    """
    Put two meters right of which each was recorded at the point of the other.

    Their whole installations change places: readings, multipliers and tested errors go with
    the meters.  Interval days belong to the points, and stay.
    """

    meter: MeterId
    point: PointId  # where it was recorded, and was not
    other_meter: MeterId
    other_point: PointId
    on: date  # a day of both installations
    reason: Text


@command(
    "exchange-meter",
    duty="metering",
    example={
        "point": "P-7",
        "old": "M-417",
        "last": {"1.8.0": "13001"},
        "new": "M-918",
        "registers": [{"code": "1.8.0", "digits": 5}],
        "readings": {"1.8.0": "0"},
        "on": "2026-04-01",
    },
)
class ExchangeMeter:
    """
    Remove one meter and install another in its place, at the start of a day.

    What was read on the old one after that day, and what interval days hold, was the new one's.
    """

    point: PointId
    old: MeterId
    last: Readings
    rolled_over: bool = False
    new: MeterId
    registers: Annotated[tuple[Register, ...], Field(min_length=1, max_length=24)]
    multiplier: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    readings: Readings
    on: date
