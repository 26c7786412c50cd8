"""What we answer."""

from __future__ import annotations

from collections.abc import Iterator

from domain.kit import Actor, Refused, decision
from domain.pricing.tariff.commands import ApproveTariff, DraftTariff, PublishTariff
from domain.pricing.tariff.events import (
    TariffApproved,
    TariffDrafted,
    TariffEvent,
    TariffPublished,
)
from domain.pricing.tariff.state import Tariff


class NothingDrafted(Refused):
    """There is no draft of this tariff at hand."""


class AlreadyApproved(Refused):
    """The draft of this tariff has already been approved."""


class NotApproved(Refused):
    """The draft of this tariff has not been approved by a second person."""


class OtherCurrency(Refused):
    """A tariff keeps the currency of its first version."""


@decision(refuses=(OtherCurrency,))
def draft_tariff(asked: DraftTariff, tariff: Tariff, actor: Actor) -> Iterator[TariffEvent]:
    """A draft may be replaced, whoever drafted it, and then needs a new approval."""
    held = tariff.versions[0].document.currency if tariff.versions else None
    if held not in (None, asked.document.currency):
        raise OtherCurrency(kept=held, asked=asked.document.currency)
    yield TariffDrafted(document=asked.document, drafted_by=actor.by)


@decision(
    refuses=(
        AlreadyApproved,
        NothingDrafted,
    ),
    apart_from=(TariffDrafted,),
)
def approve_tariff(asked: ApproveTariff, tariff: Tariff, actor: Actor) -> Iterator[TariffEvent]:
    """A second person, other than who drafted it."""
    if tariff.draft is None:
        raise NothingDrafted(tariff=asked.tariff)
    if tariff.approved:
        raise AlreadyApproved(tariff=asked.tariff)
    yield TariffApproved(approved_by=actor.by)


@decision(
    refuses=(
        NotApproved,
        NothingDrafted,
    )
)
def publish_tariff(asked: PublishTariff, tariff: Tariff) -> Iterator[TariffEvent]:
    """The next version, from any date; a date already past is an ordinary fact."""
    if tariff.draft is None:
        raise NothingDrafted(tariff=asked.tariff)
    if not tariff.approved:
        raise NotApproved(tariff=asked.tariff)
    yield TariffPublished(
        tariff=asked.tariff,
        version=len(tariff.versions) + 1,
        since=asked.since,
        document=tariff.draft,
    )
