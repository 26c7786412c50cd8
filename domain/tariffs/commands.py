"""What can be asked of a tariff."""

from __future__ import annotations

from datetime import date

from domain.kit import command
from domain.tariffs.document import TariffDocument
from domain.values import TariffId


@command("draft-tariff")
class DraftTariff:
    tariff: TariffId
    document: TariffDocument


@command("approve-tariff")
class ApproveTariff:
    tariff: TariffId


@command("publish-tariff")
class PublishTariff:
    tariff: TariffId
    since: date
