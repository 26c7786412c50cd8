"""How far a fact reaches: the accounts whose bills it may move, and from which day on."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import chain

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
from projections.kit.table import Tables, Where
from projections.metering import readings
from projections.network import priced_accounts, supplied_points

READING = (MeterRead, MeterReadingCorrected, MeterReadingWithdrawn, MeterEstimateCancelled)
BEFORE = timedelta(days=400)  # a reading is looked for so long before another


def reach(fact: Fact) -> Iterator[tuple[str, str, date]]:
    """
    What it is about (point, account, tariff), its key, and the first day concerned.

    Of readings see `reached`.
    """
    match fact.event:
        case (
            MeterInstalled()
            | MeterRegistersCorrected()
            | MeterRemoved()
            | MeterRemovalWithdrawn()
            | MeterInstallationWithdrawn()
        ) as e:
            yield "point", e.point, date.min
        case MeterFoundInaccurate() | MeterErrorWithdrawn() | MeterMultiplierSet() as e:
            yield "point", e.point, e.since
        case IntervalsRecorded() | IntervalsRevised() | IntervalsWithdrawn() as e:
            yield "point", e.point, e.day
        case (
            PointSupplied()
            | PointTariffChanged()
            | PointTariffChangeWithdrawn()
            | PointTermsAgreed()
            | PointTermsWithdrawn()
        ) as e:
            yield "point", fact.key, e.since
        case PointVacated() as e:
            yield "account", e.account, e.until
        case PointMoveOutCorrected() as e:
            yield "account", e.account, min(e.was, e.until or e.was)
        case PointSupplyWithdrawn() as e:
            yield "account", e.account, e.supplied
        case TariffPublished() | TariffVersionWithdrawn() as e:
            yield "tariff", e.tariff, e.since
        case BillIssued() | BillCancelled() as e:
            yield "account", e.account, e.period.until  # on which later bills stand
        case _:
            return


def reached(tables: Tables, facts: Iterable[Fact]) -> dict[str, date]:
    """By account whose bills the facts may move, the first day concerned."""
    days: dict[tuple[str, str], date] = {}
    told = list(facts)
    for column, key, since in chain(_read(tables, told), *map(reach, told)):
        days[column, key] = min(since, days.get((column, key), since))
    found = {key: since for (column, key), since in days.items() if column == "account"}
    points = [key for column, key in days if column == "point"]
    for row in tables.find(supplied_points, Where("point", "in", points)) if points else ():
        since = days["point", row.point]
        found[row.account] = min(since, found.get(row.account, since))
    tariffs = [key for column, key in days if column == "tariff"]
    for one in tables.find(priced_accounts, Where("tariff", "in", tariffs)) if tariffs else ():
        since = days["tariff", one.tariff]
        found[one.account] = min(since, found.get(one.account, since))
    return found


def _read(tables: Tables, facts: Iterable[Fact]) -> Iterator[tuple[str, str, date]]:
    """A reading moves what is interpolated since the one before it."""
    told = [(f.key, f.event.on, f.event.point) for f in facts if isinstance(f.event, READING)]
    if not told:
        return
    meters, first = {meter for meter, _, _ in told}, min(on for _, on, _ in told)
    read: dict[str, list[date]] = {}
    since = Where("on", ">=", first - min(BEFORE, first - date.min))
    among = Where("meter", "in", meters)
    for row in tables.find(readings, among, since, order=("meter", "on")):
        read.setdefault(row.meter, []).append(row.on)
    for meter, on, point in told:
        days = read.get(meter, [])
        at = bisect_left(days, on)
        yield "point", point, days[at - 1] if at else date.min
