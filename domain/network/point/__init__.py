"""
Service points: where the network ends and a customer begins.

    unknown ── energise ──▶ energised ── supply ──▶ supplied ── vacate ──▶ energised
                                                     └ change tariff ┘
    independently:           unmetered ── metered ──▶ metered ── unmetered ──▶ unmetered
"""

from domain.network.point import rules
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
    ContractByPeriod,
    ContractsByPeriod,
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
    Power,
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
from domain.network.point.rules import supply_on
from domain.network.point.state import (
    Point,
    Spell,
    Supply,
    points,
)

__all__ = [
    "ChangeTariff",
    "ContractByPeriod",
    "ContractsByPeriod",
    "CorrectMoveOut",
    "CorrectPoint",
    "EnergisePoint",
    "OverlappingSupply",
    "Point",
    "PointAlreadyEnergised",
    "PointCorrected",
    "PointEnergised",
    "PointEnergisingWithdrawn",
    "PointEvent",
    "PointInUse",
    "PointMetered",
    "PointMeteringWithdrawn",
    "PointMoveOutCorrected",
    "PointNotSupplied",
    "PointNotYetEnergised",
    "PointSupplied",
    "PointSupplyWithdrawn",
    "PointTariffChangeWithdrawn",
    "PointTariffChanged",
    "PointTermsAgreed",
    "PointTermsWithdrawn",
    "PointUnknown",
    "PointUnmetered",
    "PointUnmeteringWithdrawn",
    "PointVacated",
    "Power",
    "Spell",
    "Supply",
    "SupplyNotEnded",
    "SupplyPoint",
    "TariffNotChanged",
    "TariffNotPublished",
    "TariffNotYetInForce",
    "VacatePoint",
    "WithdrawPoint",
    "WithdrawSupply",
    "WithdrawTariffChange",
    "points",
    "rules",
    "supply_on",
]
