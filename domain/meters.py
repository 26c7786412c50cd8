"""
Meters: the instruments that hang at service points and count.

    in stock ── install ──▶ installed ── remove ──▶ in stock
                            └ read · correct a reading · report an error ┘

A dial is what the register shows, in kWh (kvarh), as a decimal string.  A *count* is the same
in Wh (varh) since the register was zero, its full turns included, before the multiplier: counts
never go back, and the energy between any two readings is (later − earlier) × multiplier.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, TypeAlias, assert_never

from pydantic import Field

from domain.kit import Kind, Refused, command, decision, event, value
from domain.points import Point, PointMetered, PointUnknown, PointUnmetered
from domain.values import MeterId, PointId, Price, Text

Channel: TypeAlias = Literal["import", "export", "reactive"]
Source: TypeAlias = Literal["reader", "remote", "customer", "estimate"]
RegisterCode: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9.:_-]{1,20}$")]
Dials: TypeAlias = dict[RegisterCode, Price]


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


# What can happen


@event("meter.installed")
class MeterInstalled:
    point: PointId
    registers: tuple[Register, ...]
    multiplier: int
    dials: dict[str, Decimal]
    counts: dict[str, int]
    on: date


@event("meter.read")
class MeterRead:
    """`counts` are Wh since zero, turns included; energy is their difference × multiplier."""

    point: PointId
    dials: dict[str, Decimal]
    counts: dict[str, int]
    on: date
    source: Source


@event("meter.reading-corrected")
class MeterReadingCorrected:
    point: PointId
    dials: dict[str, Decimal]
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
    dials: dict[str, Decimal]
    counts: dict[str, int]
    on: date


MeterEvent: TypeAlias = (
    MeterInstalled | MeterRead | MeterReadingCorrected | MeterFoundInaccurate | MeterRemoved
)


# What it then is


@dataclass(frozen=True, slots=True)
class Meter:
    """Just enough to judge a reading with: the counts by day, since it was hung here."""

    point: str = ""
    registers: tuple[Register, ...] = ()
    multiplier: int = 1
    since: date = date.min
    last: date = date.min  # the last day of its former place
    counts: Mapping[date, Mapping[str, int]] = field(default_factory=dict)
    errors: tuple[MeterFoundInaccurate, ...] = ()


def evolve(meter: Meter, happened: MeterEvent) -> Meter:
    """Change the meter as the event says."""
    match happened:
        case MeterInstalled():
            return Meter(
                point=happened.point,
                registers=happened.registers,
                multiplier=happened.multiplier,
                since=happened.on,
                counts={happened.on: happened.counts},
            )
        case MeterRead() | MeterReadingCorrected():
            return replace(meter, counts={**meter.counts, happened.on: happened.counts})
        case MeterFoundInaccurate():
            return replace(meter, errors=(*meter.errors, happened))
        case MeterRemoved():
            return Meter(last=happened.on)
        case _:
            assert_never(happened)


meters = Kind("meter", Meter(), evolve)


# What can be asked


@command("install-meter")
class InstallMeter:
    """Hang a meter at a service point, at the start of a day, with what its dials show."""

    meter: MeterId
    point: PointId
    registers: Annotated[tuple[Register, ...], Field(min_length=1, max_length=24)]
    multiplier: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    dials: Dials
    on: date


@command("read-meter")
class ReadMeter:
    """Record what the dials show at the start of a day; late readings find their place."""

    meter: MeterId
    dials: Dials
    on: date
    source: Source
    rolled_over: bool = False


@command("correct-reading")
class CorrectReading:
    """Replace what was recorded for a day; the wrong reading stays in history."""

    meter: MeterId
    dials: Dials
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
    """Take a meter down at the start of a day, with what its dials show."""

    meter: MeterId
    point: PointId
    dials: Dials
    on: date
    rolled_over: bool = False


# What we answer


class MeterAlreadyInstalled(Refused):
    """The meter already hangs at a service point."""


class OverlappingInstallation(Refused):
    """Another meter hangs at this service point on that day."""


class MeterNotInstalled(Refused):
    """The meter hangs nowhere, or not at this point, on that day."""


class RegisterTwice(Refused):
    """A register is named twice."""


class NoSuchRegister(Refused):
    """The meter has no such register."""


class RegisterNotRead(Refused):
    """A reading names every register of the meter."""


class DialOutOfRange(Refused):
    """The register has not that many digits."""


class DialWentBack(Refused):
    """The dial shows less than at the reading before, and no roll-over was reported."""


class DialAheadOfNext(Refused):
    """The dial shows more than at the reading after."""


class AlreadyRead(Refused):
    """The meter was read for that day already; correct the reading instead."""


class NotRead(Refused):
    """There is no reading of that day to correct."""


class PeriodEndsBeforeItBegins(Refused):
    """A period ends after it begins."""


@decision
def install(asked: InstallMeter, meter: Meter, point: Point) -> Iterator[object]:
    """A meter hangs in one place, and one meter at a point."""
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
        dials=asked.dials,
        counts=_counts(new, asked.dials, {}, {}, rolled_over=False),
        on=asked.on,
    )
    yield PointMetered(meter=asked.meter, since=asked.on)


@decision
def read(asked: ReadMeter, meter: Meter) -> Iterator[MeterEvent]:
    """A late reading must fit between its neighbours.  Quiet when it is known already."""
    _hangs(meter, asked.on)
    counts = _between(meter, asked.on, asked.dials, asked.rolled_over)
    if meter.counts.get(asked.on) == counts:
        return
    if asked.on in meter.counts:
        raise AlreadyRead(on=asked.on)
    yield MeterRead(
        point=meter.point,
        dials=asked.dials,
        counts=counts,
        on=asked.on,
        source=asked.source,
    )


@decision
def correct(asked: CorrectReading, meter: Meter) -> Iterator[MeterEvent]:
    """The new reading obeys the same rules as the old one did.  Quiet when it is the same."""
    _hangs(meter, asked.on)
    if asked.on not in meter.counts:
        raise NotRead(on=asked.on)
    counts = _between(meter, asked.on, asked.dials, asked.rolled_over)
    if counts != meter.counts[asked.on]:
        yield MeterReadingCorrected(
            point=meter.point,
            dials=asked.dials,
            counts=counts,
            was=dict(meter.counts[asked.on]),
            on=asked.on,
            reason=asked.reason,
        )


@decision
def report_error(asked: ReportMeterError, meter: Meter) -> Iterator[MeterEvent]:
    """The error lies within the time the meter hangs here.  Quiet when it is on record."""
    _hangs(meter, asked.since)
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


@decision
def remove(asked: RemoveMeter, meter: Meter, point: Point) -> Iterator[object]:
    """The last reading is taken as it comes down; nothing was read after it."""
    _hangs(meter, asked.on)
    if meter.point != asked.point or point.metered is None:
        raise MeterNotInstalled(meter=asked.meter, point=asked.point, on=asked.on)
    later = [day for day in meter.counts if day > asked.on]
    if later or asked.on == meter.since:
        raise AlreadyRead(on=max(later, default=meter.since))
    counts = _between(meter, asked.on, asked.dials, asked.rolled_over)
    yield MeterRemoved(
        point=meter.point,
        installed=meter.since,
        dials=asked.dials,
        counts=counts,
        on=asked.on,
    )
    yield PointUnmetered(meter=asked.meter, until=asked.on)


def _hangs(meter: Meter, day: date) -> None:
    if not meter.point or day < meter.since:
        raise MeterNotInstalled(since=meter.since if meter.point else None, on=day)


def _between(meter: Meter, on: date, dials: Dials, rolled_over: bool) -> dict[str, int]:
    """Counts of a reading on a day, judged by the readings before and after it."""
    before = max((day for day in meter.counts if day < on), default=None)
    after = min((day for day in meter.counts if day > on), default=None)
    low = meter.counts[before] if before else {}
    high = meter.counts[after] if after else {}
    return _counts(meter, dials, low, high, rolled_over=rolled_over)


def _counts(
    meter: Meter,
    dials: Dials,
    low: Mapping[str, int],
    high: Mapping[str, int],
    *,
    rolled_over: bool,
) -> dict[str, int]:
    registers = {register.code: register for register in meter.registers}
    for code in dials:
        if code not in registers:
            raise NoSuchRegister(register=code, has=sorted(registers))
    counts: dict[str, int] = {}
    for code, register in registers.items():
        if code not in dials:
            raise RegisterNotRead(register=code)
        count = _shown(register, dials[code])
        floor = low.get(code, 0)
        count += floor - floor % register.turn
        if count < floor:
            if not rolled_over:
                raise DialWentBack(
                    register=code, last=_dial(floor, register), asked=dials[code]
                )
            count += register.turn
        if code in high and count > high[code]:
            raise DialAheadOfNext(
                register=code, next=_dial(high[code], register), asked=dials[code]
            )
        counts[code] = count
    return counts


def _shown(register: Register, dial: Decimal) -> int:
    count = dial * 1000
    steps = dial.scaleb(register.decimals)
    if not 0 <= count < register.turn or steps != steps.to_integral_value():
        raise DialOutOfRange(
            register=register.code,
            digits=register.digits,
            decimals=register.decimals,
            asked=dial,
        )
    return int(count)


def _dial(count: int, register: Register) -> Decimal:
    return Decimal(count % register.turn) / 1000
