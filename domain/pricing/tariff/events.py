"""What can happen to a tariff."""

from __future__ import annotations

from datetime import date
from typing import TypeAlias

from domain.kit import event
from domain.pricing.tariff.document import TariffDocument
from domain.values import TariffId, Text


@event("tariff.drafted")
class TariffDrafted:
    document: TariffDocument
    drafted_by: Text


@event("tariff.approved")
class TariffApproved:
    approved_by: Text


@event("tariff.published", day="since")
class TariffPublished:
    tariff: TariffId
    version: int
    since: date
    document: TariffDocument


@event("tariff.version-withdrawn", day="since")
class TariffVersionWithdrawn:
    tariff: TariffId
    version: int
    since: date  # from which the version was in force
    reason: Text


TariffEvent: TypeAlias = (
    TariffDrafted | TariffApproved | TariffPublished | TariffVersionWithdrawn
)
