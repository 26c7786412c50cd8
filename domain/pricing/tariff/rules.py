"""What we answer."""

from __future__ import annotations

from collections.abc import Iterator

from domain.kit import Actor, Refused, decision, the
from domain.pricing.tariff.commands import (
    ApproveTariff,
    DraftTariff,
    PublishTariff,
    WithdrawTariffVersion,
)
from domain.pricing.tariff.events import (
    TariffApproved,
    TariffDrafted,
    TariffEvent,
    TariffPublished,
    TariffVersionWithdrawn,
)
from domain.pricing.tariff.state import Tariff
from domain.published import AlreadyApproved, NoSuchVersion, NotApproved, NothingDrafted


class OtherCurrency(Refused):
    """A tariff keeps the currency of its first version."""


@decision(refuses=(OtherCurrency,))
def draft_tariff(asked: DraftTariff, tariff: Tariff, actor: Actor) -> Iterator[TariffEvent]:
    """A draft may be replaced, whoever drafted it, and then needs a new approval."""
    held = tariff.every[0].document.currency if tariff.every else None
    if held not in (None, asked.document.currency):
        raise OtherCurrency(kept=held, asked=asked.document.currency)
    yield TariffDrafted(document=asked.document, drafted_by=actor.by)


@decision(refuses=(AlreadyApproved, NothingDrafted), apart_from=(TariffDrafted,))
def approve_tariff(asked: ApproveTariff, tariff: Tariff, actor: Actor) -> Iterator[TariffEvent]:
    """A second person, other than who drafted it."""
    del asked
    tariff.approvable()
    yield TariffApproved(approved_by=actor.by)


@decision(refuses=(NotApproved, NothingDrafted))
def publish_tariff(asked: PublishTariff, tariff: Tariff) -> Iterator[TariffEvent]:
    """The next version, from any date; a date already past is an ordinary fact."""
    yield TariffPublished(
        tariff=asked.tariff,
        version=tariff.next_number,
        since=asked.since,
        document=tariff.publishable(),
    )


@decision(refuses=(NoSuchVersion,), apart_from=(the(TariffPublished, "version"),))
def withdraw_tariff_version(
    asked: WithdrawTariffVersion, tariff: Tariff
) -> Iterator[TariffEvent]:
    """The version prices no day any more; quiet when it is withdrawn already."""
    version = tariff.withdrawable(asked.version)
    if version is not None:
        yield TariffVersionWithdrawn(
            tariff=asked.tariff,
            version=asked.version,
            since=version.since,
            reason=asked.reason,
        )
