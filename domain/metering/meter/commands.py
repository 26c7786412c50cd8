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
    """Replace what was recorded for a day; the wrong reading stays in history."""

    meter: MeterId
    readings: Readings
    on: date
    reason: Text
    rolled_over: bool = False


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
    """Take a meter down at the start of a day, with what its registers show."""

    meter: MeterId
    point: PointId
    readings: Readings
    on: date
    rolled_over: bool = False
