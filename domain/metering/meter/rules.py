"""What we answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal

from domain.kit import Refused, decision
from domain.metering.meter.commands import (
    CorrectReading,
    InstallMeter,
    ReadMeter,
    RemoveMeter,
    ReportMeterError,
)
from domain.metering.meter.events import (
    MeterEvent,
    MeterFoundInaccurate,
    MeterInstalled,
    MeterRead,
    MeterReadingCorrected,
    MeterRemoved,
    Readings,
    Register,
)
from domain.metering.meter.state import Meter
from domain.network.point import Point, PointMetered, PointUnknown, PointUnmetered


class MeterAlreadyInstalled(Refused):
    """The meter is installed at a service point already."""


class OverlappingInstallation(Refused):
    """Another meter is installed at this service point on that day."""


class MeterNotInstalled(Refused):
    """The meter is not installed, or not at this point, on that day."""


class RegisterTwice(Refused):
    """A register is named twice."""


class NoSuchRegister(Refused):
    """The meter has no such register."""


class RegisterNotRead(Refused):
    """A reading names every register of the meter."""


class ReadingOutOfRange(Refused):
    """The register has not that many digits."""


class RegisterWentBack(Refused):
    """The register shows less than at the reading before, and no roll-over was reported."""


class ReadingAheadOfNext(Refused):
    """The register shows more than at the reading after."""


class AlreadyRead(Refused):
    """The meter was read for that day already; correct the reading instead."""


class NotRead(Refused):
    """There is no reading of that day to correct."""


class PeriodEndsBeforeItBegins(Refused):
    """A period ends after it begins."""


@decision(
    refuses=(
        ReadingAheadOfNext,
        ReadingOutOfRange,
        RegisterWentBack,
        MeterAlreadyInstalled,
        NoSuchRegister,
        OverlappingInstallation,
        PointUnknown,
        RegisterNotRead,
        RegisterTwice,
    )
)
def install(asked: InstallMeter, meter: Meter, point: Point) -> Iterator[object]:
    """A meter is installed in one place, and one meter at a point."""
    if meter.point:
        raise MeterAlreadyInstalled(meter=asked.meter, point=meter.point)
    if asked.on < meter.last:
        raise MeterAlreadyInstalled(meter=asked.meter, until=meter.last, asked=asked.on)
    if not point.address or asked.on < point.energised:
        raise PointUnknown(point=asked.point)
    for spell in point.meters:
        if spell.until is None or asked.on < spell.until:
            raise OverlappingInstallation(
                meter=spell.what, since=spell.since, until=spell.until
            )
    codes = [register.code for register in asked.registers]
    if len(set(codes)) < len(codes):
        raise RegisterTwice(registers=codes)
    new = Meter(point=asked.point, registers=asked.registers)
    yield MeterInstalled(
        point=asked.point,
        registers=asked.registers,
        multiplier=asked.multiplier,
        readings=asked.readings,
        counts=_counts(new, asked.readings, {}, {}, rolled_over=False),
        on=asked.on,
    )
    yield PointMetered(meter=asked.meter, since=asked.on)


@decision(
    refuses=(
        AlreadyRead,
        ReadingAheadOfNext,
        ReadingOutOfRange,
        RegisterWentBack,
        MeterNotInstalled,
        NoSuchRegister,
        RegisterNotRead,
    )
)
def read(asked: ReadMeter, meter: Meter) -> Iterator[MeterEvent]:
    """A late reading must fit between its neighbours.  Quiet when it is known already."""
    _installed_on(meter, asked.on)
    counts = _between(meter, asked.on, asked.readings, asked.rolled_over)
    if meter.counts.get(asked.on) == counts:
        return
    if asked.on in meter.counts:
        raise AlreadyRead(on=asked.on)
    yield MeterRead(
        point=meter.point,
        readings=asked.readings,
        counts=counts,
        on=asked.on,
        source=asked.source,
    )


@decision(
    refuses=(
        ReadingAheadOfNext,
        ReadingOutOfRange,
        RegisterWentBack,
        MeterNotInstalled,
        NoSuchRegister,
        NotRead,
        RegisterNotRead,
    )
)
def correct(asked: CorrectReading, meter: Meter) -> Iterator[MeterEvent]:
    """The new reading obeys the same rules as the old one did.  Quiet when it is the same."""
    _installed_on(meter, asked.on)
    if asked.on not in meter.counts:
        raise NotRead(on=asked.on)
    counts = _between(meter, asked.on, asked.readings, asked.rolled_over)
    if counts != meter.counts[asked.on]:
        yield MeterReadingCorrected(
            point=meter.point,
            readings=asked.readings,
            counts=counts,
            was=dict(meter.counts[asked.on]),
            on=asked.on,
            reason=asked.reason,
        )


@decision(
    refuses=(
        MeterNotInstalled,
        PeriodEndsBeforeItBegins,
    )
)
def report_error(asked: ReportMeterError, meter: Meter) -> Iterator[MeterEvent]:
    """The error lies within the time of the installation.  Quiet when it is on record."""
    _installed_on(meter, asked.since)
    if asked.until is not None and asked.until <= asked.since:
        raise PeriodEndsBeforeItBegins(since=asked.since, until=asked.until)
    found = MeterFoundInaccurate(
        point=meter.point,
        error=asked.error,
        since=asked.since,
        until=asked.until,
        reference=asked.reference,
    )
    if found not in meter.errors:
        yield found


@decision(
    refuses=(
        AlreadyRead,
        ReadingAheadOfNext,
        ReadingOutOfRange,
        RegisterWentBack,
        MeterNotInstalled,
        NoSuchRegister,
        RegisterNotRead,
    )
)
def remove(asked: RemoveMeter, meter: Meter, point: Point) -> Iterator[object]:
    """The last reading is taken as it comes down; nothing was read after it."""
    _installed_on(meter, asked.on)
    if meter.point != asked.point or point.metered is None:
        raise MeterNotInstalled(meter=asked.meter, point=asked.point, on=asked.on)
    later = [day for day in meter.counts if day > asked.on]
    if later or asked.on == meter.since:
        raise AlreadyRead(on=max(later, default=meter.since))
    counts = _between(meter, asked.on, asked.readings, asked.rolled_over)
    yield MeterRemoved(
        point=meter.point,
        installed=meter.since,
        readings=asked.readings,
        counts=counts,
        on=asked.on,
    )
    yield PointUnmetered(meter=asked.meter, until=asked.on)


def _installed_on(meter: Meter, day: date) -> None:
    if not meter.point or day < meter.since:
        raise MeterNotInstalled(since=meter.since if meter.point else None, on=day)


def _between(meter: Meter, on: date, readings: Readings, rolled_over: bool) -> dict[str, int]:
    """Counts of a reading on a day, judged by the readings before and after it."""
    before = max((day for day in meter.counts if day < on), default=None)
    after = min((day for day in meter.counts if day > on), default=None)
    low = meter.counts[before] if before else {}
    high = meter.counts[after] if after else {}
    return _counts(meter, readings, low, high, rolled_over=rolled_over)


def _counts(
    meter: Meter,
    readings: Readings,
    low: Mapping[str, int],
    high: Mapping[str, int],
    *,
    rolled_over: bool,
) -> dict[str, int]:
    registers = {register.code: register for register in meter.registers}
    for code in readings:
        if code not in registers:
            raise NoSuchRegister(register=code, has=sorted(registers))
    counts: dict[str, int] = {}
    for code, register in registers.items():
        if code not in readings:
            raise RegisterNotRead(register=code)
        count = _shown(register, readings[code])
        floor = low.get(code, 0)
        count += floor - floor % register.turn
        if count < floor:
            if not rolled_over:
                raise RegisterWentBack(
                    register=code, last=_as_shown(floor, register), asked=readings[code]
                )
            count += register.turn
        if code in high and count > high[code]:
            raise ReadingAheadOfNext(
                register=code, next=_as_shown(high[code], register), asked=readings[code]
            )
        counts[code] = count
    return counts


def _shown(register: Register, reading: Decimal) -> int:
    count = reading * 1000
    steps = reading.scaleb(register.decimals)
    if not 0 <= count < register.turn or steps != steps.to_integral_value():
        raise ReadingOutOfRange(
            register=register.code,
            digits=register.digits,
            decimals=register.decimals,
            asked=reading,
        )
    return int(count)


def _as_shown(count: int, register: Register) -> Decimal:
    return Decimal(count % register.turn) / 1000
