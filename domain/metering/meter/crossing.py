"""What we answer when two meters were recorded each at the point of the other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from domain.kit import To, decision
from domain.metering.meter import counting
from domain.metering.meter.commands import CorrectCrossedMeters
from domain.metering.meter.events import (
    MeterErrorWithdrawn,
    MeterFoundInaccurate,
    MeterInstallationWithdrawn,
    MeterInstalled,
    MeterMultiplierSet,
    MeterRead,
    MeterReadingWithdrawn,
    MeterRemoved,
)
from domain.metering.meter.refusals import (
    MeterNotInstalled,
    OverlappingInstallation,
    SameMeter,
)
from domain.metering.meter.state import Installation, Meter
from domain.network.point import (
    Point,
    PointMetered,
    PointMeteringWithdrawn,
    PointUnknown,
    PointUnmetered,
)


@decision(
    keys={"here": "point", "there": "other_point"},
    apart_from=(MeterInstalled,),
    refuses=(SameMeter, MeterNotInstalled, PointUnknown, OverlappingInstallation),
)
def correct_crossed(
    asked: CorrectCrossedMeters, meter: Meter, other_meter: Meter, here: Point, there: Point
) -> Iterator[object]:
    """Each goes to the other point, if nothing else was there in those days."""
    if asked.meter == asked.other_meter:
        raise SameMeter(meter=asked.meter)
    one = _recorded(meter, asked.meter, asked.point, asked.on)
    two = _recorded(other_meter, asked.other_meter, asked.other_point, asked.on)
    _fits(one, asked.other_point, there, two)
    _fits(two, asked.point, here, one)
    for name, spell, point in (
        ("meter", one, asked.other_point),
        ("other_meter", two, asked.point),
    ):
        for event in (*_taken_down(spell, asked.reason), *_put_up(spell, point, asked.reason)):
            yield To(name, event)
    yield To("here", PointMeteringWithdrawn(meter=asked.meter, since=one.since))
    yield To("there", PointMeteringWithdrawn(meter=asked.other_meter, since=two.since))
    for name, spell, key in (("there", one, asked.meter), ("here", two, asked.other_meter)):
        yield To(name, PointMetered(meter=key, since=spell.since))
        if spell.until is not None:
            yield To(name, PointUnmetered(meter=key, until=spell.until))


def _recorded(meter: Meter, key: str, point: str, on: date) -> Installation:
    one = meter.at(on, point)
    if one is None:
        raise MeterNotInstalled(meter=key, point=point, on=on)
    return one


def _fits(spell: Installation, key: str, point: Point, apart: Installation) -> None:
    """Raises PointUnknown, OverlappingInstallation."""
    if not point.address or spell.since < point.energised:
        raise PointUnknown(point=key)
    for other in point.meters:
        begins = spell.until is None or other.since < spell.until
        ends = other.until is not None and other.until <= spell.since
        if other.since != apart.since and begins and not ends:
            raise OverlappingInstallation(
                meter=other.what, since=other.since, until=other.until
            )


def _between(one: Installation) -> list[date]:
    return sorted(day for day in one.taken if day not in (one.since, one.until))


def _taken_down(one: Installation, reason: str) -> Iterator[object]:
    for day in reversed(_between(one)):
        was = dict(one.taken[day].counts)
        yield MeterReadingWithdrawn(point=one.point, was=was, on=day, reason=reason)
    for error in reversed(one.errors):
        yield MeterErrorWithdrawn(
            point=one.point,
            error=error.error,
            since=error.since,
            until=error.until,
            reference=error.reference,
            reason=reason,
        )
    yield MeterInstallationWithdrawn(
        point=one.point, installed=one.since, until=one.until, reason=reason
    )


def _put_up(one: Installation, point: str, reason: str) -> Iterator[object]:
    yield MeterInstalled(
        point=point,
        registers=one.registers,
        multiplier=one.multipliers[one.since],
        readings=counting.readings_of(one, one.since),
        counts=dict(one.taken[one.since].counts),
        on=one.since,
    )
    for day in _between(one):
        yield MeterRead(
            point=point,
            readings=counting.readings_of(one, day),
            counts=dict(one.taken[day].counts),
            on=day,
            source=one.taken[day].source,  # type: ignore[arg-type]
        )
    yield from _counting_so(one, point, reason)
    if one.until is not None:
        yield MeterRemoved(
            point=point,
            installed=one.since,
            readings=counting.readings_of(one, one.until),
            counts=dict(one.taken[one.until].counts),
            on=one.until,
        )


def _counting_so(one: Installation, point: str, reason: str) -> Iterator[object]:
    """Its multipliers since, and its tested errors."""
    for since in sorted(one.multipliers)[1:]:
        yield MeterMultiplierSet(
            point=point,
            installed=one.since,
            multiplier=one.multipliers[since],
            since=since,
            reason=reason,
        )
    for error in one.errors:
        yield MeterFoundInaccurate(
            point=point,
            error=error.error,
            since=error.since,
            until=error.until,
            reference=error.reference,
        )
