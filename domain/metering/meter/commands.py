"""What can be asked of a meter."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field

from domain.kit import command
from domain.metering.meter.events import Readings, Register, Source
from domain.values import MeterId, PointId, Price, Text


@command("install-meter")
class InstallMeter:
    """Install a meter at a service point, from a day on, with what its registers show."""

    meter: MeterId
    point: PointId
    registers: Annotated[tuple[Register, ...], Field(min_length=1, max_length=24)]
    multiplier: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    readings: Readings
    on: date


@command("read-meter")
class ReadMeter:
    """Record what the registers show at the start of a day; late readings find their place."""

    meter: MeterId
    readings: Readings
    on: date
    source: Source
    rolled_over: bool = False


@command("correct-reading")
class CorrectReading:
    """Replace what was recorded for a day; the wrong reading stays in history."""

    meter: MeterId
    readings: Readings
    on: date
    reason: Text
    rolled_over: bool = False


@command("report-meter-error")
class ReportMeterError:
    """Record a tested error: "0.06" for 6 % fast, "-0.02" for 2 % slow, from a day on."""

    meter: MeterId
    error: Annotated[Price, Field(gt=-1, le=10)]
    since: date
    until: date | None = None
    reference: Text


@command("remove-meter")
class RemoveMeter:
    """Take a meter down at the start of a day, with what its registers show."""

    meter: MeterId
    point: PointId
    readings: Readings
    on: date
    rolled_over: bool = False
