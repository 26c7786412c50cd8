"""What can be asked of a tariff."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field

from domain.kit import command
from domain.pricing.tariff.document import TariffDocument, check_charges
from domain.values import TariffId, Text


@command(
    "draft-tariff",
    duty="analyst",
    example={
        "tariff": "R1",
        "document": {
            "name": "Domestic, one rate",
            "currency": "GBP",
            "charges": [
                {"kind": "fixed", "code": "standing", "price": "0.6097", "per": "day"},
                {"kind": "energy", "code": "units", "rates": [{"price": "0.2350"}]},
                {"kind": "tax", "code": "VAT", "rate": "0.05"},
            ],
        },
    },
)
class DraftTariff:
    """Draft a tariff document; it takes the place of the draft before."""

    tariff: TariffId
    document: TariffDocument

    def __post_init__(self) -> None:
        check_charges(self.document)


@command(
    "approve-tariff",
    duty="supervisor",
    example={"tariff": "R1"},
)
class ApproveTariff:
    """Agree to the draft, as someone other than who drafted it."""

    tariff: TariffId


@command(
    "publish-tariff",
    duty="supervisor",
    example={"tariff": "R1", "since": "2026-01-01"},
)
class PublishTariff:
    """Put the approved draft in force from a day on, which may have passed already."""

    tariff: TariffId
    since: date


@command(
    "withdraw-tariff-version",
    duty="supervisor",
    example={"tariff": "R1", "version": 1, "reason": "a price was mistyped"},
)
class WithdrawTariffVersion:
    """Take back a published version, as someone other than who published the last one."""

    tariff: TariffId
    version: Annotated[int, Field(ge=1)]
    reason: Text
