"""What we answer about how a meter counts: tested errors, multiplier, registers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from domain.kit import InTheFuture, Today, decision, the
from domain.metering.meter import counting
from domain.metering.meter.commands import (
    CorrectRegisters,
    ReportMeterError,
    SetMultiplier,
    WithdrawMeterError,
)
from domain.metering.meter.events import (
    MeterErrorWithdrawn,
    MeterFoundInaccurate,
    MeterInstalled,
    MeterMultiplierSet,
    MeterRegistersCorrected,
)
from domain.metering.meter.reading import installed
from domain.metering.meter.refusals import (
    MeterErrorImplausible,
    MeterNotInstalled,
    NoSuchError,
    PeriodEndsBeforeItBegins,
    ReadingOutOfRange,
    RegistersDiffer,
)
from domain.metering.meter.state import Installation, Meter

SLOWEST, FASTEST = Decimal("-0.9"), Decimal("0.5")
"""Beyond these a meter is defective; two phases of three lost are -0.667."""


@decision(
    refuses=(MeterNotInstalled, PeriodEndsBeforeItBegins, MeterErrorImplausible, InTheFuture)
)
def report_error(
    asked: ReportMeterError, meter: Meter, today: Today
) -> Iterator[MeterFoundInaccurate]:
    """The error lies within the time of an installation.  Quiet when it is the last word."""
    today.has_come(asked.since)
    one = _lasting(meter, asked.since)
    if not SLOWEST <= asked.error <= FASTEST:
        raise MeterErrorImplausible(asked=asked.error, slowest=SLOWEST, fastest=FASTEST)
    if asked.until is not None and asked.until <= asked.since:
        raise PeriodEndsBeforeItBegins(since=asked.since, until=asked.until)
    found = MeterFoundInaccurate(
        point=one.point,
        error=asked.error,
        since=asked.since,
        until=asked.until,
        reference=asked.reference,
    )
    if not _holds(one, found):
        yield found


@decision(
    apart_from=(the(MeterFoundInaccurate, "since", "reference"),),
    refuses=(MeterNotInstalled, NoSuchError),
)
def withdraw_error(asked: WithdrawMeterError, meter: Meter) -> Iterator[MeterErrorWithdrawn]:
    """What was tested wrongly is taken back; the test before is the last word again."""
    one = _lasting(meter, asked.since)
    for error in reversed(one.errors):
        if (error.since, error.reference) == (asked.since, asked.reference):
            yield MeterErrorWithdrawn(
                point=error.point,
                error=error.error,
                since=error.since,
                until=error.until,
                reference=error.reference,
                reason=asked.reason,
            )
            return
    raise NoSuchError(since=asked.since, reference=asked.reference)


@decision(refuses=(MeterNotInstalled, InTheFuture))
def set_multiplier(
    asked: SetMultiplier, meter: Meter, today: Today
) -> Iterator[MeterMultiplierSet]:
    """It holds until the next one set.  Quiet when it was set so from that day already."""
    today.has_come(asked.since)
    one = _lasting(meter, asked.since)
    if one.multipliers.get(asked.since) != asked.multiplier:
        yield MeterMultiplierSet(
            point=one.point,
            installed=one.since,
            multiplier=asked.multiplier,
            since=asked.since,
            reason=asked.reason,
        )


@decision(
    apart_from=(MeterInstalled,),
    refuses=(MeterNotInstalled, RegistersDiffer, ReadingOutOfRange),
)
def correct_registers(
    asked: CorrectRegisters, meter: Meter
) -> Iterator[MeterRegistersCorrected]:
    """What was shown stays, what it counts follows.  Quiet when they are so already."""
    one = _lasting(meter, asked.on)
    have = [register.code for register in one.registers]
    if [register.code for register in asked.registers] != have:
        raise RegistersDiffer(has=have)
    if asked.registers != one.registers:
        yield MeterRegistersCorrected(
            point=one.point,
            installed=one.since,
            registers=asked.registers,
            reason=asked.reason,
            recounts=counting.again(one, asked.registers),
        )


def _lasting(meter: Meter, day: date) -> Installation:
    """The installation of a day, its last one not included.  Raises MeterNotInstalled."""
    one = installed(meter, day)
    if one.until == day:
        raise MeterNotInstalled(until=one.until, on=day)
    return one


def _holds(one: Installation, found: MeterFoundInaccurate) -> bool:
    """Whether it is on record and no later test speaks of any of its days."""
    for error in reversed(one.errors):
        if error == found:
            return True
        begins = found.until is None or error.since < found.until
        if begins and (error.until is None or found.since < error.until):
            return False
    return False
