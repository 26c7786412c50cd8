"""What can be asked of a service point."""

from __future__ import annotations

from datetime import date

from domain.kit import command
from domain.values import AccountId, PointId, TariffId, Text, UnitId


@command(
    "energise-point",
    duty="clerk",
    example={"point": "P-7", "address": "7 Mill Lane, Whitby", "on": "2026-01-01"},
)
class EnergisePoint:
    """Energise a service point."""

    point: PointId
    address: Text
    on: date
    org_unit: UnitId | None = None  # where it lies; not said: where whoever asks has their duty


@command(
    "supply-point",
    duty="clerk",
    example={"point": "P-7", "account": "000120", "tariff": "R1", "since": "2026-01-01"},
)
class SupplyPoint:
    """Let an account take supply at a point, under a tariff, from the start of a day."""

    point: PointId
    account: AccountId
    tariff: TariffId
    since: date


@command(
    "change-tariff",
    duty="clerk",
    example={"point": "P-7", "tariff": "R2", "since": "2026-04-01"},
)
class ChangeTariff:
    """Price a supply by another tariff from the start of a day."""

    point: PointId
    tariff: TariffId
    since: date


@command(
    "vacate-point",
    duty="clerk",
    example={"point": "P-7", "until": "2026-12-01"},
)
class VacatePoint:
    """End the supply of an account; the first day without it is `until`."""

    point: PointId
    until: date


@command(
    "correct-point",
    duty="clerk",
    example={
        "point": "P-7",
        "address": "7 Mill Lane, Whitby",
        "on": "2025-12-01",
        "reason": "it was energised a month before",
    },
)
class CorrectPoint:
    """Put right where a service point is, or the day it was energised."""

    point: PointId
    address: Text | None = None
    on: date | None = None
    reason: Text


@command(
    "withdraw-point",
    duty="clerk",
    example={"point": "P-7", "reason": "it was entered twice"},
)
class WithdrawPoint:
    """Take back that a service point was energised at all."""

    point: PointId
    reason: Text


@command(
    "withdraw-supply",
    duty="clerk",
    example={
        "point": "P-7",
        "account": "000120",
        "since": "2026-01-01",
        "reason": "the flat next door was meant",
    },
)
class WithdrawSupply:
    """Take back that an account took supply at a point from a day, and what followed of it."""

    point: PointId
    account: AccountId
    since: date
    reason: Text


@command(
    "withdraw-tariff-change",
    duty="clerk",
    example={
        "point": "P-7",
        "since": "2026-04-01",
        "reason": "it was never agreed",
    },
)
class WithdrawTariffChange:
    """Take back that another tariff priced a supply from a day; the one before holds on."""

    point: PointId
    since: date
    reason: Text


@command(
    "correct-move-out",
    duty="clerk",
    example={
        "point": "P-7",
        "account": "000120",
        "since": "2026-01-01",
        "until": "2026-11-01",
        "reason": "the keys were handed over a month before",
    },
)
class CorrectMoveOut:
    """Put right the day a supply ended; without one it never did."""

    point: PointId
    account: AccountId
    since: date  # the first day of the supply
    until: date | None = None
    reason: Text
