"""
Service points: where the network ends and a customer begins.

    unknown ── energise ──▶ energised ── supply ──▶ supplied ── vacate ──▶ energised
                                                     └ change tariff ┘
    independently:           unmetered ── metered ──▶ metered ── unmetered ──▶ unmetered
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Annotated, TypeAlias, assert_never

from pydantic import Field

from domain.customers.account import Account, AccountUnknown
from domain.kit import Kind, Refused, command, decision, event
from domain.pricing.charges.kit import Code
from domain.pricing.tariff import Tariff
from domain.values import AccountId, MeterId, PointId, Price, TariffId, Text

Power: TypeAlias = Annotated[int, Field(gt=0, le=10**13)]  # W or VA

# What can happen


@event("point.energised")
class PointEnergised:
    address: Text
    on: date


@event("point.supplied")
class PointSupplied:
    account: AccountId
    tariff: TariffId
    since: date


@event("point.tariff-changed")
class PointTariffChanged:
    account: AccountId
    supplied: date  # the first day of the supply
    tariff: TariffId
    since: date


@event("point.terms-agreed")
class PointTermsAgreed:
    """What was agreed for a supply from a day on, until the next terms of that supply."""

    account: AccountId
    supplied: date  # the first day of the supply
    since: date
    contract: Text | None = None
    capacity_va: Power | None = None
    contract_w: Power | None = None
    power_factor: Price | None = None
    persons: int = 1
    exempt: tuple[Code, ...] = ()


@event("point.vacated")
class PointVacated:
    account: AccountId
    supplied: date
    until: date


@event("point.metered")
class PointMetered:
    meter: MeterId
    since: date


@event("point.unmetered")
class PointUnmetered:
    meter: MeterId
    until: date


PointEvent: TypeAlias = (
    PointEnergised
    | PointSupplied
    | PointTariffChanged
    | PointTermsAgreed
    | PointVacated
    | PointMetered
    | PointUnmetered
)


# What it then is


@dataclass(frozen=True, slots=True)
class Spell:
    """Something that is at the point for a while, half open; no end while it lasts."""

    what: str
    since: date
    until: date | None = None

    def covers(self, day: date) -> bool:
        """Whether it is there on that day."""
        return self.since <= day and (self.until is None or day < self.until)


@dataclass(frozen=True, slots=True)
class Point:
    """Just enough to keep spells apart; no address means not energised."""

    address: str = ""
    energised: date = date.max
    supplies: tuple[Spell, ...] = ()  # what = the account
    tariffs: tuple[tuple[date, str], ...] = ()  # of the supply that lasts, by their first day
    terms: Mapping[tuple[date, date], PointTermsAgreed] = field(default_factory=dict)
    meters: tuple[Spell, ...] = ()  # what = the meter

    @property
    def supplied(self) -> Spell | None:
        """The supply that has no end yet."""
        return next((s for s in self.supplies if s.until is None), None)

    @property
    def metered(self) -> Spell | None:
        """The meter that is installed here now."""
        return next((s for s in self.meters if s.until is None), None)

    def tariff_on(self, day: date) -> str | None:
        """The tariff of the lasting supply on a day."""
        return next((t for since, t in reversed(self.tariffs) if since <= day), None)

    def terms_on(self, supplied: date, day: date) -> PointTermsAgreed | None:
        """The terms of a supply, named by its first day, that are in force on a day."""
        known = [t for t in self.terms.values() if t.supplied == supplied and t.since <= day]
        return max(known, key=lambda terms: terms.since, default=None)

    def meter_on(self, day: date) -> str | None:
        """The meter that is installed here on a day, if any."""
        return next((s.what for s in self.meters if s.covers(day)), None)


def evolve(point: Point, happened: PointEvent) -> Point:
    """Change the point as the event says."""
    match happened:
        case PointEnergised():
            return replace(point, address=happened.address, energised=happened.on)
        case PointSupplied():
            supplies = (*point.supplies, Spell(happened.account, happened.since))
            return replace(
                point, supplies=supplies, tariffs=((happened.since, happened.tariff),)
            )
        case PointTariffChanged():
            kept = (t for t in point.tariffs if t[0] != happened.since)
            changed = (*kept, (happened.since, happened.tariff))
            return replace(point, tariffs=tuple(sorted(changed)))
        case PointTermsAgreed():
            key = happened.supplied, happened.since
            return replace(point, terms={**point.terms, key: happened})
        case PointVacated():
            return replace(point, supplies=_ended(point.supplies, happened.until), tariffs=())
        case PointMetered():
            meters = (*point.meters, Spell(happened.meter, happened.since))
            return replace(point, meters=meters)
        case PointUnmetered():
            return replace(point, meters=_ended(point.meters, happened.until))
        case _:
            assert_never(happened)


def _ended(spells: tuple[Spell, ...], until: date) -> tuple[Spell, ...]:
    return tuple(replace(s, until=until) if s.until is None else s for s in spells)


points = Kind("point", Point(), evolve)


# What can be asked


@command(
    "energise-point",
    duty="clerk",
    example={"point": "P-7", "address": "7 Mill Lane, Whitby", "on": "2026-01-01"},
)
class EnergisePoint:
    """Energise a service point."""

    point: PointId
    address: Text
    on: date


@command(
    "supply-point",
    duty="clerk",
    example={"point": "P-7", "account": "000120", "tariff": "R1", "since": "2026-01-01"},
)
class SupplyPoint:
    """Let an account take supply at a point, under a tariff, from the start of a day."""

    point: PointId
    account: AccountId
    tariff: TariffId
    since: date


@command(
    "change-tariff",
    duty="clerk",
    example={"point": "P-7", "tariff": "R2", "since": "2026-04-01"},
)
class ChangeTariff:
    """Price a supply by another tariff from the start of a day."""

    point: PointId
    tariff: TariffId
    since: date


@command(
    "vacate-point",
    duty="clerk",
    example={"point": "P-7", "until": "2026-12-01"},
)
class VacatePoint:
    """End the supply of an account; the first day without it is `until`."""

    point: PointId
    until: date


# What we answer


class PointAlreadyEnergised(Refused):
    """The service point is energised already."""


class PointUnknown(Refused):
    """No service point is energised under this number."""


class PointNotYetEnergised(Refused):
    """The service point is energised only after that day."""


class OverlappingSupply(Refused):
    """Another account takes supply at this point on that day."""


class TariffNotPublished(Refused):
    """No version of this tariff is published."""


class PointNotSupplied(Refused):
    """No account takes supply at this point on that day."""


@decision(refuses=(PointAlreadyEnergised,))
def energise(asked: EnergisePoint, point: Point) -> Iterator[PointEvent]:
    """A number names one place."""
    if point.address:
        raise PointAlreadyEnergised(point=asked.point, on=point.energised)
    yield PointEnergised(address=asked.address, on=asked.on)


@decision(
    refuses=(
        AccountUnknown,
        OverlappingSupply,
        PointNotYetEnergised,
        PointUnknown,
        TariffNotPublished,
    )
)
def supply(
    asked: SupplyPoint, point: Point, account: Account, tariff: Tariff
) -> Iterator[PointEvent]:
    """One account at a time; it exists, and so does the tariff."""
    _energised(point, asked.point, asked.since)
    if not account.customer:
        raise AccountUnknown(account=asked.account)
    if not tariff.versions:
        raise TariffNotPublished(tariff=asked.tariff)
    for spell in point.supplies:
        if spell.until is None or asked.since < spell.until:
            raise OverlappingSupply(account=spell.what, since=spell.since, until=spell.until)
    yield PointSupplied(account=asked.account, tariff=asked.tariff, since=asked.since)


@decision(
    refuses=(
        PointNotSupplied,
        PointNotYetEnergised,
        PointUnknown,
        TariffNotPublished,
    )
)
def change_tariff(asked: ChangeTariff, point: Point, tariff: Tariff) -> Iterator[PointEvent]:
    """A change may be back-dated; it holds until the next one.  Quiet when nothing changes."""
    now = _supplied(point, asked.point, asked.since)
    if not tariff.versions:
        raise TariffNotPublished(tariff=asked.tariff)
    if asked.tariff != point.tariff_on(asked.since):
        yield PointTariffChanged(
            account=now.what, supplied=now.since, tariff=asked.tariff, since=asked.since
        )


@decision(
    refuses=(
        PointNotSupplied,
        PointNotYetEnergised,
        PointUnknown,
    )
)
def vacate(asked: VacatePoint, point: Point) -> Iterator[PointEvent]:
    """A supply ends after it began."""
    now = _supplied(point, asked.point, asked.until)
    if asked.until == now.since:
        raise PointNotSupplied(point=asked.point, on=asked.until)
    yield PointVacated(account=now.what, supplied=now.since, until=asked.until)


def _energised(point: Point, key: str, day: date) -> None:
    if not point.address:
        raise PointUnknown(point=key)
    if day < point.energised:
        raise PointNotYetEnergised(point=key, on=point.energised, asked=day)


def _supplied(point: Point, key: str, day: date) -> Spell:
    _energised(point, key, day)
    if point.supplied is None or day < point.supplied.since:
        raise PointNotSupplied(point=key, on=day)
    return point.supplied


def supply_on(point: Point, key: str, day: date) -> Spell:
    """The supply that covers a day, ended or not.  Raises PointNotSupplied and its kin."""
    _energised(point, key, day)
    for spell in point.supplies:
        if spell.covers(day):
            return spell
    raise PointNotSupplied(point=key, on=day)
