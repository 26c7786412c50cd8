"""
Which facts name which: what remains of a stream when some of its facts had not been recorded.

A fact makes things (a reading of a day, an installation, a supply), needs things that others
made, and takes things away.  Without the fact that made a thing, each later one that names it
could not have been recorded either, unless another made it again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from domain.billing.bill import BillCancelled, BillCorrected, BillIssued
from domain.kit import Fact
from domain.metering.meter import (
    MeterErrorWithdrawn,
    MeterEstimateCancelled,
    MeterFoundInaccurate,
    MeterInstallationWithdrawn,
    MeterInstalled,
    MeterMultiplierSet,
    MeterRead,
    MeterReadingCorrected,
    MeterReadingWithdrawn,
    MeterRegistersCorrected,
    MeterRemovalWithdrawn,
    MeterRemoved,
)
from domain.network.point import (
    PointMoveOutCorrected,
    PointSupplied,
    PointSupplyWithdrawn,
    PointTariffChanged,
    PointTariffChangeWithdrawn,
    PointTermsAgreed,
    PointTermsWithdrawn,
    PointVacated,
)
from domain.pricing.tariff import TariffPublished, TariffVersionWithdrawn
from domain.readings.intervals import IntervalsRecorded, IntervalsRevised, IntervalsWithdrawn

Thing: TypeAlias = tuple[Any, ...]
"""What facts of one stream name each other by: ("reading", 2026-02-01, False)."""


@dataclass(frozen=True, slots=True)
class Names:
    """What a fact makes, what it needs to be there, what it takes away."""

    makes: tuple[Thing, ...] = ()
    needs: tuple[Thing, ...] = ()
    takes: tuple[Thing, ...] = ()

    @property
    def any(self) -> bool:
        """Whether it is about anything that a bill may stand on."""
        return bool(self.makes or self.needs)


def names(event: object) -> Names:
    """What an event makes, needs and takes away, within its stream."""
    for told in (_of_readings, _of_meters, _of_points, _of_others):
        if (found := told(event)) is not None:
            return found
    return Names()


def _of_readings(event: object) -> Names | None:
    match event:
        case MeterRead(on=on):
            return Names(makes=(_read(on),))
        case MeterReadingCorrected(on=on, last=last):
            return Names(needs=(_read(on, last),))
        case MeterReadingWithdrawn(on=on) | MeterEstimateCancelled(on=on):
            return Names(needs=(_read(on),), takes=(_read(on),))
    return None


def _of_meters(event: object) -> Names | None:
    match event:
        case MeterInstalled(on=on):
            return Names(makes=(_installed(on), _read(on)))
        case MeterMultiplierSet(installed=on) | MeterRegistersCorrected(installed=on):
            return Names(needs=(_installed(on),))
        case MeterRemoved(installed=since, on=on):
            return Names(makes=(_removed(on), _read(on, True)), needs=(_installed(since),))
        case MeterRemovalWithdrawn(on=on):
            return Names(needs=(_removed(on),), takes=(_removed(on), _read(on, True)))
        case MeterInstallationWithdrawn(installed=on, until=until):
            ends = () if until is None else (_removed(until), _read(until, True))
            gone = (_installed(on), _read(on), *ends)
            return Names(needs=gone, takes=gone)
        case MeterFoundInaccurate() as e:
            return Names(makes=(_told(e),))
        case MeterErrorWithdrawn() as e:
            return Names(needs=(_told(e),), takes=(_told(e),))
    return None


def _of_points(event: object) -> Names | None:
    match event:
        case PointSupplied(since=since):
            return Names(makes=(_supplied(since),))
        case PointTariffChanged(supplied=day, since=since):
            return Names(makes=(("tariff", day, since),), needs=(_supplied(day),))
        case PointTariffChangeWithdrawn(supplied=day, since=since):
            spell = ("tariff", day, since)
            return Names(needs=(_supplied(day), spell), takes=(spell,))
        case PointTermsAgreed(supplied=day, since=since):
            return Names(makes=(("terms", day, since),), needs=(_supplied(day),))
        case PointTermsWithdrawn(supplied=day, since=since):
            agreed = ("terms", day, since)
            return Names(needs=(_supplied(day), agreed), takes=(agreed,))
        case PointVacated(supplied=day):
            return Names(makes=(("end", day),), needs=(_supplied(day),))
        case PointMoveOutCorrected(supplied=day, until=until):
            gone = () if until else (("end", day),)
            return Names(needs=(_supplied(day), ("end", day)), takes=gone)
        case PointSupplyWithdrawn(supplied=day, until=until):
            ends = () if until is None else (("end", day),)
            return Names(needs=(_supplied(day), *ends), takes=(_supplied(day), *ends))
    return None


def _of_others(event: object) -> Names | None:
    match event:
        case IntervalsRecorded(channel=channel, day=day):
            return Names(makes=(("day", channel, day),))
        case IntervalsRevised(channel=channel, day=day):
            return Names(needs=(("day", channel, day),))
        case IntervalsWithdrawn(channel=channel, day=day):
            return Names(needs=(("day", channel, day),), takes=(("day", channel, day),))
        case TariffPublished(version=version):
            return Names(makes=(("version", version),))
        case TariffVersionWithdrawn(version=version):
            return Names(needs=(("version", version),), takes=(("version", version),))
        case BillIssued():
            return Names(makes=(("bill",),))
        case BillCorrected():
            return Names(needs=(("bill",),))
        case BillCancelled():
            return Names(needs=(("bill",),), takes=(("bill",),))
    return None


def without(facts: Iterable[Fact], left_out: Collection[str]) -> Iterator[Fact]:
    """
    A stream without some facts, and without each later one that names what is then not there.

    A later fact that counts readings anew counts only those that are there.
    """
    there: set[Thing] = set()
    for fact in facts:
        said = names(fact.event)
        if fact.ref in left_out or not there.issuperset(said.needs):
            continue
        there.difference_update(said.takes)
        there.update(said.makes)
        yield _recounting(fact, there) if getattr(fact.event, "recounts", ()) else fact


def _recounting(fact: Fact, there: Collection[Thing]) -> Fact:
    kept = tuple(each for each in fact.event.recounts if _read(each.on, each.last) in there)
    if len(kept) == len(fact.event.recounts):
        return fact
    return replace(fact, event=replace(fact.event, recounts=kept))


def _installed(on: object) -> Thing:
    return "installation", on


def _removed(on: object) -> Thing:
    return "removal", on


def _read(on: object, last: bool = False) -> Thing:
    return "reading", on, last


def _told(e: MeterFoundInaccurate | MeterErrorWithdrawn) -> Thing:
    return "error", e.error, e.since, e.until, e.reference


def _supplied(since: object) -> Thing:
    return "supply", since
