"""What we answer about where a meter is: installed, removed, exchanged, and taken back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from domain.kit import InTheFuture, To, Today, decision, the
from domain.metering.meter import counting
from domain.metering.meter.commands import (
    ExchangeMeter,
    InstallMeter,
    RemoveMeter,
    WithdrawInstallation,
    WithdrawRemoval,
)
from domain.metering.meter.events import (
    MeterEstimateCancelled,
    MeterInstallationWithdrawn,
    MeterInstalled,
    MeterRead,
    MeterReadingWithdrawn,
    MeterRemovalWithdrawn,
    MeterRemoved,
)
from domain.metering.meter.reading import ESTIMATE, FITS, cancelled
from domain.metering.meter.refusals import (
    AlreadyRead,
    MeterAlreadyInstalled,
    MeterNotInstalled,
    MeterNotRemoved,
    NoSuchRegister,
    OverlappingInstallation,
    ReadingOutOfRange,
    ReadingStandsOnIt,
    RegisterNotRead,
    RegisterTwice,
    SameMeter,
)
from domain.metering.meter.state import Installation, Meter, Taken
from domain.network.point import (
    Point,
    PointMetered,
    PointMeteringWithdrawn,
    PointUnknown,
    PointUnmetered,
    PointUnmeteringWithdrawn,
)

BEGINS = (
    MeterAlreadyInstalled,
    PointUnknown,
    OverlappingInstallation,
    RegisterTwice,
    NoSuchRegister,
    RegisterNotRead,
    ReadingOutOfRange,
    InTheFuture,
)


@decision(refuses=BEGINS)
def install(
    asked: InstallMeter, meter: Meter, point: Point, today: Today
) -> Iterator[MeterInstalled | PointMetered]:
    """A meter is installed in one place, and one meter at a point."""
    today.has_come(asked.on)
    _free(asked.meter, meter, asked.on)
    if not point.address or asked.on < point.energised:
        raise PointUnknown(point=asked.point)
    for spell in point.meters:
        if spell.until is None or asked.on < spell.until:
            raise OverlappingInstallation(
                meter=spell.what, since=spell.since, until=spell.until
            )
    yield _begun(asked)
    yield PointMetered(meter=asked.meter, since=asked.on)


@decision(refuses=(*FITS, AlreadyRead))
def remove(
    asked: RemoveMeter, meter: Meter, point: Point, today: Today
) -> Iterator[MeterEstimateCancelled | MeterRemoved | PointUnmetered]:
    """The last reading is taken as it comes down; nothing was read after it."""
    today.has_come(asked.on)
    one = _here(meter, asked.meter, point, asked)
    later = [day for day in one.taken if day > asked.on]
    if later or asked.on == one.since:
        raise AlreadyRead(on=max(later, default=one.since))
    yield from _ended(one, asked.on, asked)
    yield PointUnmetered(meter=asked.meter, until=asked.on)


@decision(
    refuses=(*BEGINS, *FITS, AlreadyRead, SameMeter),
)
def exchange(
    asked: ExchangeMeter, old: Meter, new: Meter, point: Point, today: Today
) -> Iterator[object]:
    """Whatever was read after the day goes over to the new meter, where it must fit."""
    today.has_come(asked.on)
    if asked.old == asked.new:
        raise SameMeter(meter=asked.old)
    one = _here(old, asked.old, point, asked)
    if asked.on == one.since:
        raise AlreadyRead(on=asked.on)
    _free(asked.new, new, asked.on)
    later = sorted(day for day in one.taken if day > asked.on)
    kept = {day: taken for day, taken in one.taken.items() if day <= asked.on}
    for day in later:
        yield To("old", _gone_over(one, day, asked.new))
    for ended in _ended(replace(one, taken=kept), asked.on, asked):
        yield To("old", ended)
    begun = _begun(asked)
    yield To("new", begun)
    for read in _come_over(one, later, begun):
        yield To("new", read)
    yield PointUnmetered(meter=asked.old, until=asked.on)
    yield PointMetered(meter=asked.new, since=asked.on)


@decision(
    apart_from=(the(MeterRemoved, "on", "point"),),
    refuses=(MeterNotRemoved, MeterAlreadyInstalled, OverlappingInstallation),
)
def withdraw_removal(
    asked: WithdrawRemoval, meter: Meter, point: Point
) -> Iterator[MeterRemovalWithdrawn | PointUnmeteringWithdrawn]:
    """It was there all the time, if neither it nor its place was used otherwise since."""
    one = next(
        (o for o in meter.installations if (o.point, o.until) == (asked.point, asked.on)), None
    )
    if one is None:
        raise MeterNotRemoved(meter=asked.meter, point=asked.point, on=asked.on)
    for other in meter.installations:
        if other.since >= asked.on:
            raise MeterAlreadyInstalled(meter=asked.meter, point=other.point, since=other.since)
    for spell in point.meters:
        if spell.since >= asked.on:
            raise OverlappingInstallation(
                meter=spell.what, since=spell.since, until=spell.until
            )
    yield MeterRemovalWithdrawn(
        point=one.point, installed=one.since, on=asked.on, reason=asked.reason
    )
    yield PointUnmeteringWithdrawn(meter=asked.meter, since=one.since, until=asked.on)


@decision(
    apart_from=(the(MeterInstalled, "on", "point"),),
    refuses=(MeterNotInstalled, ReadingStandsOnIt),
)
def withdraw_installation(
    asked: WithdrawInstallation, meter: Meter, point: Point
) -> Iterator[MeterInstallationWithdrawn | PointMeteringWithdrawn]:
    """Nothing was read on it in between: that is corrected or withdrawn first."""
    one = next(
        (o for o in meter.installations if (o.point, o.since) == (asked.point, asked.on)), None
    )
    if one is None or point.meter_on(asked.on) != asked.meter:
        raise MeterNotInstalled(meter=asked.meter, point=asked.point, on=asked.on)
    between = sorted(day for day in one.taken if day not in (one.since, one.until))
    if between:
        raise ReadingStandsOnIt(readings=between)
    yield MeterInstallationWithdrawn(
        point=one.point, installed=one.since, until=one.until, reason=asked.reason
    )
    yield PointMeteringWithdrawn(meter=asked.meter, since=one.since)


def _free(key: str, meter: Meter, on: date) -> None:
    if meter.now:
        raise MeterAlreadyInstalled(meter=key, point=meter.now.point)
    if on < meter.free:
        raise MeterAlreadyInstalled(meter=key, until=meter.free, asked=on)


def _here(
    meter: Meter, key: str, point: Point, asked: RemoveMeter | ExchangeMeter
) -> Installation:
    """The installation that lasts, at this point."""
    one, here = meter.now, point.metered
    if one is None or here is None or one.point != asked.point or asked.on < one.since:
        since = one.since if one else None
        raise MeterNotInstalled(meter=key, point=asked.point, on=asked.on, since=since)
    return one


def _begun(asked: InstallMeter | ExchangeMeter) -> MeterInstalled:
    codes = [register.code for register in asked.registers]
    if len(set(codes)) < len(codes):
        raise RegisterTwice(registers=codes)
    return MeterInstalled(
        point=asked.point,
        registers=asked.registers,
        multiplier=asked.multiplier,
        readings=asked.readings,
        counts=counting.first(asked.registers, asked.readings),
        on=asked.on,
    )


def _ended(
    one: Installation, on: date, asked: RemoveMeter | ExchangeMeter
) -> Iterator[MeterEstimateCancelled | MeterRemoved]:
    readings = asked.last if isinstance(asked, ExchangeMeter) else asked.readings
    found = counting.placed(one, on, readings, rolled_over=asked.rolled_over, actual=True)
    yield from cancelled(one, on, found)
    yield MeterRemoved(
        point=one.point,
        installed=one.since,
        readings=readings,
        counts=found.counts,
        on=on,
    )


def _gone_over(one: Installation, day: date, new: str) -> MeterReadingWithdrawn:
    return MeterReadingWithdrawn(
        point=one.point,
        was=dict(one.taken[day].counts),
        on=day,
        reason=f"read on {new}",
    )


def _come_over(
    one: Installation, days: list[date], begun: MeterInstalled
) -> Iterator[MeterRead]:
    """The readings of these days on the new meter; what was estimated is left out."""
    there = Installation(
        point=begun.point,
        since=begun.on,
        registers=begun.registers,
        multipliers={begun.on: begun.multiplier},
        taken={begun.on: Taken(begun.counts, "install")},
    )
    for day in days:
        taken = one.taken[day]
        if taken.source == ESTIMATE:
            continue
        shown = counting.readings_of(one, day)
        found = counting.placed(there, day, shown, rolled_over=False, actual=True)
        there = replace(there, taken={**there.taken, day: Taken(found.counts, taken.source)})
        yield MeterRead(
            point=begun.point,
            readings=shown,
            counts=found.counts,
            on=day,
            source=taken.source,  # type: ignore[arg-type]
        )
