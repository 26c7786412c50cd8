"""What a tariff then is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import assert_never

from domain.kit import Kind
from domain.pricing.tariff.document import TariffDocument, TariffVersion
from domain.pricing.tariff.events import (
    TariffApproved,
    TariffDrafted,
    TariffEvent,
    TariffPublished,
)
from domain.values import Period


@dataclass(frozen=True, slots=True)
class Tariff:
    """The draft at hand, and every version ever published, in the order of their numbers."""

    draft: TariffDocument | None = None
    approved: bool = False
    versions: tuple[TariffVersion, ...] = ()


def evolve(tariff: Tariff, happened: TariffEvent) -> Tariff:
    """Change the tariff as the event says."""
    match happened:
        case TariffDrafted(document=document):
            return replace(tariff, draft=document, approved=False)
        case TariffApproved():
            return replace(tariff, approved=True)
        case TariffPublished():
            published = TariffVersion(
                tariff=happened.tariff,
                version=happened.version,
                since=happened.since,
                document=happened.document,
            )
            return Tariff(versions=(*tariff.versions, published))
        case _:
            assert_never(happened)


tariffs = Kind("tariff", Tariff(), evolve)


def in_force(
    versions: Sequence[TariffVersion], period: Period
) -> list[tuple[Period, TariffVersion]]:
    """
    The stretches of a period, each with the version that applies to it.

    Of the versions whose date has come, the latest date applies; of two from one date, the
    higher number.  A back-dated version thus applies from its date until the next date in
    the catalogue. Days before the first version are left out.
    """
    latest: dict[date, TariffVersion] = {}
    for version in sorted(versions, key=lambda one: one.version):
        latest[version.since] = version
    starts = sorted(latest)
    stretches = []
    for since, until in zip(starts, [*starts[1:], None], strict=True):
        if met := period.meet(since, until):
            stretches.append((met, latest[since]))
    return stretches


def touched(versions: Sequence[TariffVersion], published: TariffVersion) -> Period | None:
    """
    The days whose price a version decides; None at once when a higher number hides it.

    Until is 9999-12-31 when no later version ends it.
    """
    everything = Period(since=date.min, until=date.max)
    for stretch, version in in_force((*versions, published), everything):
        if version == published:
            return stretch
    return None
