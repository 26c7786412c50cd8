"""
Tariffs: what the utility publishes, version by version.

    ── draft-tariff ──▶ drafted ── approve-tariff ──▶ approved ── publish-tariff ──▶ version n
          (again)  ◀──────┘    (by a second person)            (from any date, for ever)
"""

from domain.tariffs.commands import ApproveTariff, DraftTariff, PublishTariff
from domain.tariffs.document import Rounding, TariffDocument, TariffVersion
from domain.tariffs.events import TariffApproved, TariffDrafted, TariffEvent, TariffPublished
from domain.tariffs.rules import (
    AlreadyApproved,
    ApprovedByDrafter,
    NotApproved,
    NothingDrafted,
    OtherCurrency,
)
from domain.tariffs.state import Tariff, in_force, tariffs, touched

__all__ = [
    "AlreadyApproved",
    "ApproveTariff",
    "ApprovedByDrafter",
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
