"""What we answer about readings: taken, corrected, withdrawn."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from domain.kit import InTheFuture, Today, decision, the
from domain.metering.meter import counting
from domain.metering.meter.commands import CorrectReading, ReadMeter, WithdrawReading
from domain.metering.meter.events import (
    MeterEstimateCancelled,
    MeterRead,
    MeterReadingCorrected,
    MeterReadingWithdrawn,
)
from domain.metering.meter.refusals import (
    AlreadyRead,
    MeterNotInstalled,
    NoSuchRegister,
    NotRead,
    ReadingAheadOfNext,
    ReadingOfInstallation,
    ReadingOutOfRange,
    ReadingStandsOnIt,
    RegisterNotRead,
    RegistersDoNotAddUp,
    RegisterWentBack,
    RollOverImplausible,
)
from domain.metering.meter.state import Installation, Meter

FITS = (
    MeterNotInstalled,
    NoSuchRegister,
    RegisterNotRead,
    ReadingOutOfRange,
    RegisterWentBack,
    RollOverImplausible,
    RegistersDoNotAddUp,
    ReadingAheadOfNext,
    InTheFuture,
)
ESTIMATE = "estimate"


@decision(refuses=(*FITS, AlreadyRead))
def read(
    asked: ReadMeter, meter: Meter, today: Today
) -> Iterator[MeterRead | MeterEstimateCancelled]:
    """
    A late reading must fit between its neighbours, an actual one before any estimate.

    Quiet when it is known already, which an estimate of the day is not.
    """
    today.has_come(asked.on)
    one = installed(meter, asked.on)
    actual = asked.source != ESTIMATE
    known = one.taken.get(asked.on)
    guessed = known is not None and known.source == ESTIMATE
    found = counting.placed(
        one, asked.on, asked.readings, rolled_over=asked.rolled_over, actual=actual
    )
    if known is not None and not (guessed and actual):
        if known.counts == found.counts:
            return
        raise AlreadyRead(on=asked.on)
    yield from cancelled(one, asked.on, found)
    if known is not None and known.counts != found.counts:
        yield _cancellation(one, asked.on, asked.on)
    yield MeterRead(
        point=one.point,
        readings=asked.readings,
        counts=found.counts,
        on=asked.on,
        source=asked.source,
        turned=found.turned,
        recounts=found.recounts,
    )


@decision(refuses=(*FITS, NotRead))
def correct(
    asked: CorrectReading, meter: Meter, today: Today
) -> Iterator[MeterReadingCorrected | MeterEstimateCancelled]:
    """The new reading obeys the same rules as the old one did.  Quiet when it is the same."""
    today.has_come(asked.on)
    one = installed(meter, asked.on, asked.point)
    known = one.taken.get(asked.on)
    if known is None:
        raise NotRead(on=asked.on)
    ends = asked.on in (one.since, one.until)
    source = None if ends else asked.source or _no_estimate(known.source)
    found = counting.placed(
        one,
        asked.on,
        asked.readings,
        rolled_over=asked.rolled_over,
        actual=source != ESTIMATE,
    )
    if found.counts == known.counts and source in (None, known.source):
        return
    yield from cancelled(one, asked.on, found)
    yield MeterReadingCorrected(
        point=one.point,
        readings=asked.readings,
        counts=found.counts,
        was=dict(known.counts),
        on=asked.on,
        reason=asked.reason,
        last=asked.on == one.until,
        source=source,  # type: ignore[arg-type]
        turned=found.turned,
        recounts=found.recounts,
    )


@decision(
    apart_from=(the(MeterRead, "on"),),
    refuses=(MeterNotInstalled, NotRead, ReadingOfInstallation, ReadingStandsOnIt),
)
def withdraw(asked: WithdrawReading, meter: Meter) -> Iterator[MeterReadingWithdrawn]:
    """A reading that nothing stands on is taken back; the turns of later ones follow."""
    one = installed(meter, asked.on)
    if asked.on not in one.taken:
        raise NotRead(on=asked.on)
    if asked.on in (one.since, one.until):
        raise ReadingOfInstallation(on=asked.on, installed=one.since, removed=one.until)
    yield MeterReadingWithdrawn(
        point=one.point,
        was=dict(one.taken[asked.on].counts),
        on=asked.on,
        reason=asked.reason,
        recounts=counting.withdrawn(one, asked.on),
    )


def installed(meter: Meter, day: date, point: str | None = None) -> Installation:
    """The installation that is read on a day.  Raises MeterNotInstalled."""
    one = meter.at(day, point)
    if one is None:
        now = meter.now
        raise MeterNotInstalled(since=now.since if now else None, on=day)
    return one


def _no_estimate(source: str) -> str:
    return "reader" if source == ESTIMATE else source


def cancelled(
    one: Installation, on: date, found: counting.Placed
) -> Iterator[MeterEstimateCancelled]:
    """The estimates that a reading of a day disproves are taken back with it."""
    for day, _ in found.disproved:
        yield _cancellation(one, day, on)


def _cancellation(one: Installation, day: date, by: date) -> MeterEstimateCancelled:
    was = dict(one.taken[day].counts)
    return MeterEstimateCancelled(point=one.point, was=was, on=day, by=by)
