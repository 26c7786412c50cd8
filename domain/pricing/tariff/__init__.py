"""
Tariffs: what the utility publishes, version by version.

    ── draft-tariff ──▶ drafted ── approve-tariff ──▶ approved ── publish-tariff ──▶ version n
          (again)  ◀──────┘    (by a second person)            (from any date)
    version n ── withdraw-tariff-version ──▶ withdrawn  (by a second person)
"""

from domain.pricing.tariff.commands import (
    ApproveTariff,
    DraftTariff,
    PublishTariff,
    WithdrawTariffVersion,
)
from domain.pricing.tariff.document import (
    TariffDocument,
    TariffVersion,
    check_charges,
)
from domain.pricing.tariff.events import (
    TariffApproved,
    TariffDrafted,
    TariffEvent,
    TariffPublished,
    TariffVersionWithdrawn,
)
from domain.pricing.tariff.rounding import Rounding
from domain.pricing.tariff.rules import OtherCurrency
from domain.pricing.tariff.state import Tariff, tariffs

__all__ = [
    "ApproveTariff",
    "DraftTariff",
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
    "TariffVersionWithdrawn",
    "WithdrawTariffVersion",
    "check_charges",
    "tariffs",
]
