"""What can be asked of a tariff."""

from __future__ import annotations

from datetime import date

from domain.kit import command
from domain.pricing.tariff.document import TariffDocument
from domain.values import TariffId


@command("draft-tariff")
class DraftTariff:
    """Lay a tariff document on the table; it takes the place of the draft before."""

    tariff: TariffId
    document: TariffDocument


@command("approve-tariff")
class ApproveTariff:
    """Agree to the draft, as someone other than who drafted it."""

    tariff: TariffId


@command("publish-tariff")
class PublishTariff:
    """Put the approved draft in force from a day on, which may have passed already."""

    tariff: TariffId
    since: date
