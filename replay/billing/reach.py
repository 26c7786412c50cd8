"""
How far a fact reaches: where it may move bills, and which earlier facts it takes back.

A fact that takes others back leaves nothing in the basis of what is calculated after it: its
blast radius is that of what it takes back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from domain.billing.bill import BillCancelled, BillIssued
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


def reach(fact: Fact) -> Iterator[tuple[str, str, date]]:
    """The column and key of supplies that it is about, and the first day concerned."""
    match fact.event:
        case (
            MeterInstalled()
            | MeterRead()
            | MeterReadingCorrected()
            | MeterReadingWithdrawn()
            | MeterEstimateCancelled()
            | MeterRegistersCorrected()
            | MeterRemoved()
            | MeterRemovalWithdrawn()
            | MeterInstallationWithdrawn()
        ) as e:
            yield "point", e.point, date.min  # a reading also moves what was interpolated to it
        case MeterFoundInaccurate() | MeterErrorWithdrawn() | MeterMultiplierSet() as e:
            yield "point", e.point, e.since
        case IntervalsRecorded() | IntervalsRevised() | IntervalsWithdrawn() as e:
            yield "point", e.point, e.day
        case (
            PointSupplied() | PointTariffChanged() | PointTermsAgreed() | PointTermsWithdrawn()
        ) as e:
            yield "point", fact.key, e.since
        case PointTariffChangeWithdrawn() as e:
            yield "point", fact.key, e.since
        case PointVacated() as e:
            yield "account", e.account, e.until
        case PointMoveOutCorrected() as e:
            yield "account", e.account, min(e.was, e.until or e.was)
        case PointSupplyWithdrawn() as e:
            yield "account", e.account, e.supplied
        case TariffPublished() | TariffVersionWithdrawn() as e:
            yield "tariff", e.tariff, e.since
        case _:
            yield from _carried(fact.event)


def _carried(event: object) -> Iterator[tuple[str, str, date]]:
    """What later bills carry from a bill."""
    if isinstance(event, BillIssued | BillCancelled):
        yield "account", event.account, event.period.until


def taken_back(fact: Fact, stream: Iterable[Fact]) -> Iterator[str]:
    """The facts of its stream that a fact takes back, in whole or in part, by reference."""
    for earlier in stream:
        if earlier.position < fact.position and _takes_back(fact.event, earlier.event):
            yield earlier.ref


def _takes_back(taker: object, event: object) -> bool:
    match taker:
        case MeterReadingWithdrawn() | MeterEstimateCancelled():
            read = isinstance(event, MeterRead | MeterReadingCorrected)
            return read and event.on == taker.on  # type: ignore[attr-defined]
        case MeterErrorWithdrawn():
            told = isinstance(event, MeterFoundInaccurate)
            return told and event.reference == taker.reference  # type: ignore[attr-defined]
        case MeterRemovalWithdrawn():
            return _removed(event, taker.on)
        case MeterInstallationWithdrawn(installed=since, until=until):
            began = isinstance(event, MeterInstalled) and event.on == since
            corrected = isinstance(event, MeterReadingCorrected) and event.on == since
            return began or corrected or (until is not None and _removed(event, until))
        case IntervalsWithdrawn():
            told = isinstance(event, IntervalsRecorded | IntervalsRevised)
            return told and event.day == taker.day  # type: ignore[attr-defined]
        case BillCancelled():
            return isinstance(event, BillIssued)
        case PointTariffChangeWithdrawn():
            return isinstance(event, PointTariffChanged) and event.since == taker.since
        case PointTermsWithdrawn(supplied=supplied, since=since):
            agreed = isinstance(event, PointTermsAgreed)
            return agreed and (event.supplied, event.since) == (supplied, since)  # type: ignore[attr-defined]
        case PointSupplyWithdrawn() | PointMoveOutCorrected() | PointVacated():
            return _supplied(event) == taker.supplied
        case _:
            return False


def _removed(event: object, on: date) -> bool:
    last = isinstance(event, MeterReadingCorrected) and event.last
    return (last or isinstance(event, MeterRemoved)) and event.on == on  # type: ignore[attr-defined]


def _supplied(event: object) -> date | None:
    match event:
        case PointSupplied():
            return event.since
        case PointTariffChanged() | PointVacated() | PointMoveOutCorrected():
            return event.supplied
        case _:
            return None
