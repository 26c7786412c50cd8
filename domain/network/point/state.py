"""What a service point then is: who took supply there, under which tariffs, by which meters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TypeAlias, assert_never

from domain.kit import InUnit, Kind
from domain.network.point.events import (
    PointCorrected,
    PointEnergised,
    PointEnergisingWithdrawn,
    PointEvent,
    PointMetered,
    PointMeteringWithdrawn,
    PointMoveOutCorrected,
    PointSupplied,
    PointSupplyWithdrawn,
    PointTariffChanged,
    PointTariffChangeWithdrawn,
    PointTermsAgreed,
    PointTermsWithdrawn,
    PointUnmetered,
    PointUnmeteringWithdrawn,
    PointVacated,
)


@dataclass(frozen=True, slots=True)
class Spell:
    """A meter that is at the point for a while, half open; no end while it lasts."""

    what: str
    since: date
    until: date | None = None

    def covers(self, day: date) -> bool:
        """Whether it is there on that day."""
        return self.since <= day and (self.until is None or day < self.until)


@dataclass(frozen=True, slots=True)
class Supply:
    """An account that takes supply for a while, half open, and its tariffs by first day."""

    account: str
    since: date
    tariffs: tuple[tuple[date, str], ...]
    until: date | None = None

    def covers(self, day: date) -> bool:
        """Whether it takes supply on that day."""
        return self.since <= day and (self.until is None or day < self.until)


@dataclass(frozen=True, slots=True)
class Point:
    """Just enough to keep spells apart; no address means not energised."""

    address: str = ""
    energised: date = date.max
    supplies: tuple[Supply, ...] = ()
    terms: Mapping[tuple[date, date], PointTermsAgreed] = field(default_factory=dict)
    meters: tuple[Spell, ...] = ()
    org_unit: str = ""

    def supply_on(self, day: date) -> Supply | None:
        """Who takes supply there on a day."""
        return next((s for s in self.supplies if s.covers(day)), None)

    def terms_on(self, supplied: date, day: date) -> PointTermsAgreed | None:
        """The terms of a supply, named by its first day, that are in force on a day."""
        known = [t for t in self.terms.values() if t.supplied == supplied and t.since <= day]
        return max(known, key=lambda terms: terms.since, default=None)

    @property
    def supplied(self) -> Supply | None:
        """The supply that has no end yet."""
        return next((s for s in self.supplies if s.until is None), None)

    @property
    def metered(self) -> Spell | None:
        """The meter that is installed here now."""
        return next((s for s in self.meters if s.until is None), None)

    def meter_on(self, day: date) -> str | None:
        """The meter that is installed here on a day, if any."""
        return next((s.what for s in self.meters if s.covers(day)), None)


Change: TypeAlias = Callable[[Supply], Supply]


def evolve(point: Point, happened: PointEvent) -> Point:
    """Change the point as the event says."""
    match happened:
        case PointEnergised() as e:
            return replace(point, address=e.address, energised=e.on, org_unit=e.org_unit)
        case PointCorrected():
            return replace(point, address=happened.address, energised=happened.on)
        case PointEnergisingWithdrawn():
            return Point()
        case PointSupplied() as e:
            new = Supply(e.account, e.since, ((e.since, e.tariff),))
            return replace(point, supplies=(*point.supplies, new))
        case PointSupplyWithdrawn() as e:
            left = tuple(s for s in point.supplies if s.since != e.supplied)
            return replace(point, supplies=left)
        case PointTermsAgreed():
            key = happened.supplied, happened.since
            return replace(point, terms={**point.terms, key: happened})
        case PointTermsWithdrawn():
            gone = happened.supplied, happened.since
            kept = {key: terms for key, terms in point.terms.items() if key != gone}
            return replace(point, terms=kept)
        case PointTariffChanged() | PointTariffChangeWithdrawn():
            return _changed(point, happened.supplied, lambda s: _priced(s, happened))
        case PointVacated() | PointMoveOutCorrected():
            return _changed(
                point, happened.supplied, lambda s: replace(s, until=happened.until)
            )
        case _:
            return replace(point, meters=_meters(point.meters, happened))


def _changed(point: Point, supplied: date, change: Change) -> Point:
    found = (change(s) if s.since == supplied else s for s in point.supplies)
    return replace(point, supplies=tuple(found))


def _priced(supply: Supply, e: PointTariffChanged | PointTariffChangeWithdrawn) -> Supply:
    kept = tuple(t for t in supply.tariffs if t[0] != e.since)
    new = ((e.since, e.tariff),) if isinstance(e, PointTariffChanged) else ()
    return replace(supply, tariffs=tuple(sorted(kept + new)))


MeterAtPoint: TypeAlias = (
    PointMetered | PointMeteringWithdrawn | PointUnmetered | PointUnmeteringWithdrawn
)


def _meters(meters: tuple[Spell, ...], happened: MeterAtPoint) -> tuple[Spell, ...]:
    match happened:
        case PointMetered() as e:
            return tuple(sorted((*meters, Spell(e.meter, e.since)), key=lambda s: s.since))
        case PointMeteringWithdrawn() as e:
            return tuple(s for s in meters if (s.what, s.since) != (e.meter, e.since))
        case PointUnmetered() as e:
            ends = (e.meter, None)
            return tuple(
                replace(s, until=e.until) if (s.what, s.until) == ends else s for s in meters
            )
        case PointUnmeteringWithdrawn() as e:
            return tuple(replace(s, until=None) if s.since == e.since else s for s in meters)
        case _:
            assert_never(happened)


def _place(point: Point) -> InUnit | None:
    return InUnit(point.org_unit) if point.address else None


points = Kind("point", Point(), evolve, place=_place)
