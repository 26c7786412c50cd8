"""What a tariff then is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from domain.kit import Kind
from domain.pricing.tariff.document import TariffDocument, TariffVersion
from domain.pricing.tariff.events import (
    TariffApproved,
    TariffDrafted,
    TariffEvent,
    TariffPublished,
    TariffVersionWithdrawn,
)
from domain.published import Published


@dataclass(frozen=True, slots=True)
class Tariff(Published[TariffDocument, TariffVersion]):
    """A published document: prices and how they are applied."""


def evolve(tariff: Tariff, happened: TariffEvent) -> Tariff:
    """Change the tariff as the event says."""
    match happened:
        case TariffDrafted(document=document):
            return tariff.drafted(document)
        case TariffApproved():
            return tariff.agreed()
        case TariffPublished():
            published = TariffVersion(
                tariff=happened.tariff,
                version=happened.version,
                since=happened.since,
                document=happened.document,
            )
            return tariff.issued(published)
        case TariffVersionWithdrawn(version=number):
            return tariff.without(number)
        case _:
            assert_never(happened)


tariffs = Kind("tariff", Tariff(), evolve)
