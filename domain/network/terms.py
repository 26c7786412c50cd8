"""
Terms of a supply: the quantities that were agreed for a service point, from a day on.

    supplied ── agree terms ──▶ terms agreed ── agree others, from another day or the same ──┐
                                     ▲─────────────────────────────────────────────────────┘
                        terms agreed ── withdraw terms ──▶ those before, or none

Terms hold until the next ones, or until the supply ends.  They may be agreed back-dated; bills
that they move are corrected like any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from domain.kit import Refused, command, decision, the
from domain.network.point import (
    ContractsByPeriod,
    Point,
    PointEvent,
    PointNotSupplied,
    PointNotYetEnergised,
    PointTermsAgreed,
    PointTermsWithdrawn,
    PointUnknown,
    Power,
    supply_on,
)
from domain.pricing.charges.kit import Code
from domain.values import PointId, Price, Text

# What can be asked


@command(
    "agree-terms",
    duty="clerk",
    example={
        "point": "P-7",
        "since": "2026-04-01",
        "capacity_va": 500_000,
        "contract_w": 300_000,
        "power_factor": "0.92",
    },
)
class AgreeTerms:
    """Agree on the terms of a supply from the start of a day: capacity, demand and more."""

    point: PointId
    since: date
    contract: Text | None = None  # the document in which they were agreed
    capacity_va: Power | None = None  # VA of transformers and high-voltage motors
    contract_w: Power | None = None  # W of contract demand
    power_factor: Annotated[Price, Field(gt=0, le=1)] | None = None  # where it is not measured
    persons: Annotated[int, Field(ge=1, le=99)] = 1  # in the household
    exempt: tuple[Code, ...] = ()  # charges that are not for this supply
    contract_by_period: ContractsByPeriod = ()

    def __post_init__(self) -> None:
        periods = [one.period for one in self.contract_by_period]
        if len(periods) != len(set(periods)):
            raise ValueError("contract_by_period: a period has one contract demand")


@command(
    "withdraw-terms",
    duty="clerk",
    example={"point": "P-7", "since": "2026-04-01", "reason": "never signed"},
)
class WithdrawTerms:
    """Take back the terms that were agreed from a day on; those before hold on."""

    point: PointId
    since: date
    reason: Text


# What we answer


class PowerFactorTooFine(Refused):
    """A power factor has at most four decimals."""


class TermsNotAgreed(Refused):
    """No terms were agreed for this supply from that day."""


@decision(
    apart_from=(the(PointTermsAgreed, "since"),),
    refuses=(PointNotSupplied, PointNotYetEnergised, PointUnknown, TermsNotAgreed),
)
def withdraw_terms(asked: WithdrawTerms, point: Point) -> Iterator[PointTermsWithdrawn]:
    """The terms before hold on, if there were any."""
    supply = supply_on(point, asked.point, asked.since)
    if (supply.since, asked.since) not in point.terms:
        raise TermsNotAgreed(point=asked.point, since=asked.since)
    yield PointTermsWithdrawn(
        account=supply.account, supplied=supply.since, since=asked.since, reason=asked.reason
    )


@decision(
    refuses=(PointNotSupplied, PointNotYetEnergised, PointUnknown, PowerFactorTooFine),
)
def agree(asked: AgreeTerms, point: Point) -> Iterator[PointEvent]:
    """Terms are those of the supply on that day.  Quiet when they are in force from then on."""
    supply = supply_on(point, asked.point, asked.since)
    if asked.power_factor is not None and asked.power_factor % Decimal("0.0001"):
        raise PowerFactorTooFine(asked=asked.power_factor)
    agreed = PointTermsAgreed(
        account=supply.account,
        supplied=supply.since,
        since=asked.since,
        contract=asked.contract,
        capacity_va=asked.capacity_va,
        contract_w=asked.contract_w,
        power_factor=asked.power_factor,
        persons=asked.persons,
        exempt=tuple(sorted(set(asked.exempt))),
        contract_by_period=tuple(sorted(asked.contract_by_period, key=lambda one: one.period)),
    )
    before = point.terms_on(supply.since, asked.since)
    if before is None or replace(before, since=asked.since) != agreed:
        yield agreed
