"""What can happen to a service point."""

from __future__ import annotations

from datetime import date
from typing import Annotated, TypeAlias

from pydantic import Field

from domain.kit import added, event, value
from domain.pricing.calendars import Label
from domain.pricing.charges.kit import Code
from domain.values import AccountId, MeterId, Price, TariffId, Text

Power: TypeAlias = Annotated[int, Field(gt=0, le=10**13)]  # W or VA


@value
class ContractByPeriod:
    """Contract demand of the hours of one time-of-use period."""

    period: Annotated[
        Label, Field(description="The period's name in the tariff.", examples=["peak"])
    ]
    w: Annotated[Power, Field(description="W of contract demand.", examples=[300_000])]


ContractsByPeriod: TypeAlias = Annotated[
    tuple[ContractByPeriod, ...],
    added(
        (),
        "Contract demands of periods that have their own; `contract_w` is for all others.",
        [{"period": "peak", "w": 300_000}],
    ),
]


@event("point.energised", day="on")
class PointEnergised:
    address: Text
    on: date
    org_unit: str = ""  # where it lies; "" is the unit on top


@event("point.energising-withdrawn", day="on")
class PointEnergisingWithdrawn:
    """There is no such service point: it was entered in error."""

    on: date
    reason: Text


@event("point.supplied", day="since")
class PointSupplied:
    account: AccountId
    tariff: TariffId
    since: date


@event("point.tariff-changed", day="since")
class PointTariffChanged:
    account: AccountId
    supplied: date  # the first day of the supply
    tariff: TariffId
    since: date


@event("point.terms-agreed", day="since")
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
    contract_by_period: ContractsByPeriod = ()


@event("point.terms-withdrawn", day="since")
class PointTermsWithdrawn:
    """Nothing was agreed for the supply from that day; the terms before hold on."""

    account: AccountId
    supplied: date
    since: date
    reason: Text


@event("point.vacated", day="until")
class PointVacated:
    account: AccountId
    supplied: date
    until: date


@event("point.metered", day="since")
class PointMetered:
    meter: MeterId
    since: date


@event("point.unmetered", day="until")
class PointUnmetered:
    meter: MeterId
    until: date


@event("point.metering-withdrawn", day="since")
class PointMeteringWithdrawn:
    """The meter was never there from that day."""

    meter: MeterId
    since: date


@event("point.unmetering-withdrawn", day="since")
class PointUnmeteringWithdrawn:
    """The meter that came on `since` did not leave on `until`."""

    meter: MeterId
    since: date
    until: date


@event("point.supply-withdrawn", day="supplied")
class PointSupplyWithdrawn:
    """The account never took supply there from that day."""

    account: AccountId
    supplied: date
    until: date | None
    reason: Text


@event("point.tariff-change-withdrawn", day="since")
class PointTariffChangeWithdrawn:
    """No other tariff priced the supply from that day."""

    account: AccountId
    supplied: date
    tariff: TariffId
    since: date
    reason: Text


@event("point.move-out-corrected", day="supplied")
class PointMoveOutCorrected:
    """The supply ended on another day than `was`, or never: `until` is None."""

    account: AccountId
    supplied: date
    was: date
    until: date | None
    reason: Text


@event("point.corrected", day="on")
class PointCorrected:
    """Where it is, and the day it was energised."""

    address: Text
    on: date
    reason: Text


PointEvent: TypeAlias = (
    PointEnergised
    | PointEnergisingWithdrawn
    | PointCorrected
    | PointSupplied
    | PointSupplyWithdrawn
    | PointTariffChanged
    | PointTariffChangeWithdrawn
    | PointTermsAgreed
    | PointTermsWithdrawn
    | PointVacated
    | PointMoveOutCorrected
    | PointMetered
    | PointMeteringWithdrawn
    | PointUnmetered
    | PointUnmeteringWithdrawn
)
