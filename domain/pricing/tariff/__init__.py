"""
Tariffs: what the utility publishes, version by version.

    ── draft-tariff ──▶ drafted ── approve-tariff ──▶ approved ── publish-tariff ──▶ version n
          (again)  ◀──────┘    (by a second person)            (from any date, for ever)
"""

from domain.pricing.tariff.commands import ApproveTariff, DraftTariff, PublishTariff
from domain.pricing.tariff.document import Rounding, TariffDocument, TariffVersion
from domain.pricing.tariff.events import (
    TariffApproved,
    TariffDrafted,
    TariffEvent,
    TariffPublished,
)
from domain.pricing.tariff.rules import (
    AlreadyApproved,
    NotApproved,
    NothingDrafted,
    OtherCurrency,
)
from domain.pricing.tariff.state import Tariff, in_force, tariffs, touched

__all__ = [
    "AlreadyApproved",
    "ApproveTariff",
    "DraftTariff",
    "NotApproved",
    "NothingDrafted",
    "OtherCurrency",
    "PublishTariff",
    "Rounding",
    "Tariff",
    "TariffApproved",
    "TariffDocument",
    "TariffDrafted",
    "TariffEvent",
    "TariffPublished",
    "TariffVersion",
    "in_force",
    "tariffs",
    "touched",
]
