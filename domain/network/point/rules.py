"""What we answer about service points."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from domain.customers.account import Account, AccountIsClosed, AccountUnknown
from domain.kit import Actor, BeforeItBegan, InTheFuture, Today, decision, the
from domain.network.point.commands import (
    ChangeTariff,
    CorrectMoveOut,
    CorrectPoint,
    EnergisePoint,
    SupplyPoint,
    VacatePoint,
    WithdrawPoint,
    WithdrawSupply,
    WithdrawTariffChange,
)
from domain.network.point.events import (
    PointCorrected,
    PointEnergised,
    PointEnergisingWithdrawn,
    PointMoveOutCorrected,
    PointSupplied,
    PointSupplyWithdrawn,
    PointTariffChanged,
    PointTariffChangeWithdrawn,
    PointTermsWithdrawn,
    PointVacated,
)
from domain.network.point.refusals import (
    OverlappingSupply,
    PointAlreadyEnergised,
    PointInUse,
    PointNotSupplied,
    PointNotYetEnergised,
    PointUnknown,
    SupplyNotEnded,
    TariffNotChanged,
    TariffNotPublished,
    TariffNotYetInForce,
)
from domain.network.point.state import Point, Supply
from domain.pricing.tariff import Tariff

IN_USE = (PointUnknown, PointNotYetEnergised, PointNotSupplied)


@decision(refuses=(PointAlreadyEnergised,))
def energise(asked: EnergisePoint, point: Point, actor: Actor) -> Iterator[PointEnergised]:
    """A number names one place."""
    if point.address:
        raise PointAlreadyEnergised(point=asked.point, on=point.energised)
    unit = asked.org_unit or actor.org_unit
    yield PointEnergised(address=asked.address, on=asked.on, org_unit=unit)


@decision(apart_from=(PointEnergised,), refuses=(PointUnknown, PointInUse))
def correct_point(asked: CorrectPoint, point: Point) -> Iterator[PointCorrected]:
    """It was energised before supply and meters began.  Quiet when nothing changes."""
    if not point.address:
        raise PointUnknown(point=asked.point)
    address, on = asked.address or point.address, asked.on or point.energised
    began = [s.since for s in point.supplies] + [s.since for s in point.meters]
    if on > min(began, default=on):
        raise PointInUse(point=asked.point, since=min(began), asked=on)
    if (address, on) != (point.address, point.energised):
        yield PointCorrected(address=address, on=on, reason=asked.reason)


@decision(apart_from=(PointEnergised,), refuses=(PointUnknown, PointInUse))
def withdraw_point(asked: WithdrawPoint, point: Point) -> Iterator[PointEnergisingWithdrawn]:
    """Nobody took supply there and no meter was installed: that is taken back first."""
    if not point.address:
        raise PointUnknown(point=asked.point)
    accounts = [s.account for s in point.supplies]
    meters = [s.what for s in point.meters]
    if accounts or meters:
        raise PointInUse(point=asked.point, accounts=accounts, meters=meters)
    yield PointEnergisingWithdrawn(on=point.energised, reason=asked.reason)


@decision(
    refuses=(
        PointUnknown,
        PointNotYetEnergised,
        AccountUnknown,
        AccountIsClosed,
        BeforeItBegan,
        TariffNotPublished,
        TariffNotYetInForce,
        OverlappingSupply,
    )
)
def supply(
    asked: SupplyPoint, point: Point, account: Account, tariff: Tariff
) -> Iterator[PointSupplied]:
    """One account at a time; it exists, and so does the tariff."""
    _energised(point, asked.point, asked.since)
    if not account.customer:
        raise AccountUnknown(account=asked.account)
    if account.closed is not None:
        raise AccountIsClosed(account=asked.account, on=account.closed)
    if asked.since < account.opened:
        raise BeforeItBegan(account=asked.account, on=account.opened, asked=asked.since)
    _in_force(asked.tariff, tariff, asked.since)
    _alone(point, asked.since, None)
    yield PointSupplied(account=asked.account, tariff=asked.tariff, since=asked.since)


@decision(
    apart_from=(the(PointSupplied, "account", "since"),),
    refuses=IN_USE,
)
def withdraw_supply(
    asked: WithdrawSupply, point: Point
) -> Iterator[PointTermsWithdrawn | PointSupplyWithdrawn]:
    """Bills that stand on it come to nothing when they are corrected; its terms go with it."""
    one = _of(point, asked.point, asked.account, asked.since)
    for supplied, since in sorted(point.terms):
        if supplied == one.since:
            yield PointTermsWithdrawn(
                account=one.account, supplied=supplied, since=since, reason=asked.reason
            )
    yield PointSupplyWithdrawn(
        account=one.account, supplied=one.since, until=one.until, reason=asked.reason
    )


@decision(refuses=(*IN_USE, TariffNotPublished, TariffNotYetInForce))
def change_tariff(
    asked: ChangeTariff, point: Point, tariff: Tariff
) -> Iterator[PointTariffChanged]:
    """It may be back-dated, of a supply that ended too; it holds until the next one."""
    one = supply_on(point, asked.point, asked.since)
    _in_force(asked.tariff, tariff, asked.since)
    if (asked.since, asked.tariff) not in one.tariffs:
        yield PointTariffChanged(
            account=one.account, supplied=one.since, tariff=asked.tariff, since=asked.since
        )


@decision(apart_from=(the(PointTariffChanged, "since"),), refuses=(*IN_USE, TariffNotChanged))
def withdraw_tariff_change(
    asked: WithdrawTariffChange, point: Point
) -> Iterator[PointTariffChangeWithdrawn]:
    """The tariff before holds on."""
    one = supply_on(point, asked.point, asked.since)
    tariff = dict(one.tariffs).get(asked.since)
    if tariff is None or asked.since == one.since:
        raise TariffNotChanged(point=asked.point, since=asked.since)
    yield PointTariffChangeWithdrawn(
        account=one.account,
        supplied=one.since,
        tariff=tariff,
        since=asked.since,
        reason=asked.reason,
    )


@decision(refuses=IN_USE)
def vacate(asked: VacatePoint, point: Point) -> Iterator[PointVacated]:
    """A supply ends after it began."""
    _energised(point, asked.point, asked.until)
    one = point.supplied
    if one is None or asked.until <= one.since:
        raise PointNotSupplied(point=asked.point, on=asked.until)
    yield PointVacated(account=one.account, supplied=one.since, until=asked.until)


@decision(
    apart_from=(the(PointVacated, "account", supplied="since"),),
    refuses=(*IN_USE, SupplyNotEnded, OverlappingSupply, BeforeItBegan, InTheFuture),
)
def correct_move_out(
    asked: CorrectMoveOut, point: Point, today: Today
) -> Iterator[PointMoveOutCorrected]:
    """Another day, or none, if nobody followed by then.  Quiet when it is that day already."""
    one = _of(point, asked.point, asked.account, asked.since)
    if one.until is None:
        raise SupplyNotEnded(point=asked.point, since=one.since)
    if asked.until is not None:
        today.has_come(asked.until)
        if asked.until <= one.since:
            raise BeforeItBegan(point=asked.point, since=one.since, until=asked.until)
    _alone(point, one.since, asked.until, apart=one)
    if asked.until != one.until:
        yield PointMoveOutCorrected(
            account=one.account,
            supplied=one.since,
            was=one.until,
            until=asked.until,
            reason=asked.reason,
        )


def _alone(point: Point, since: date, until: date | None, apart: Supply | None = None) -> None:
    """Nobody else takes supply in these days.  Raises OverlappingSupply."""
    for other in point.supplies:
        begins = until is None or other.since < until
        ends = other.until is not None and other.until <= since
        if other is not apart and begins and not ends:
            raise OverlappingSupply(account=other.account, since=other.since, until=other.until)


def _in_force(key: str, tariff: Tariff, day: date) -> None:
    """Some version prices that day.  Raises TariffNotPublished, TariffNotYetInForce."""
    if not tariff.versions:
        raise TariffNotPublished(tariff=key)
    first = min(version.since for version in tariff.versions)
    if day < first:
        raise TariffNotYetInForce(tariff=key, since=first, asked=day)


def _energised(point: Point, key: str, day: date) -> None:
    if not point.address:
        raise PointUnknown(point=key)
    if day < point.energised:
        raise PointNotYetEnergised(point=key, on=point.energised, asked=day)


def supply_on(point: Point, key: str, day: date) -> Supply:
    """The supply that covers a day, ended or not.  Raises PointNotSupplied and its kin."""
    _energised(point, key, day)
    one = point.supply_on(day)
    if one is None:
        raise PointNotSupplied(point=key, on=day)
    return one


def _of(point: Point, key: str, account: str, since: date) -> Supply:
    one = supply_on(point, key, since)
    if (one.account, one.since) != (account, since):
        raise PointNotSupplied(point=key, account=account, since=since)
    return one
