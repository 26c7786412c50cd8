"""The lines of a bill, and why each is its amount."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import TypeAlias

import strawberry

from api.graphql.scalars import Money
from api.graphql.view import View
from api.graphql.why import Derivation
from domain.billing import lines as domain
from domain.billing.bill import Basis
from domain.pricing.rating import Why, explain
from domain.values import Period
from replay.billing.calculation import recalculable

Reason: TypeAlias = Callable[[], Derivation]

EXPLAINED = 50  # what explaining a line costs, in plain fields: see limits.py


@strawberry.enum(description="Where energy stands on the consumption statement.")
class StatementPlace(Enum):
    READ = strawberry.enum_value("read", description="Counted by the meter that is there.")
    EXCHANGED = strawberry.enum_value(
        "exchanged", description="Some was counted by a meter that another one replaced since."
    )
    ADJUSTED = strawberry.enum_value("adjusted", description="Some was added or taken off.")
    LOSS = strawberry.enum_value("loss", description="Some was lost before the meter.")
    SHARED = strawberry.enum_value("shared", description="Some is a share of a common meter.")
    FREE = strawberry.enum_value("free", description="Some is not to be paid.")


@strawberry.type(description="One line of a bill, or of a correction.")
class BillLine:
    point: strawberry.ID = strawberry.field(description="At which service point.")
    code: str = strawberry.field(description="The code of the charge in the tariff.")
    title: str | None = strawberry.field(
        description="What the tariff calls the charge, as a customer reads it."
    )
    kind: str = strawberry.field(
        description="The kind of charge: fixed, energy, demand, reactive, minimum, rider, tax …"
    )
    period: str | None = strawberry.field(
        description="The time-of-use period, where the charge has any."
    )
    tier: int | None = strawberry.field(
        description="The block, from 1, where the charge has any."
    )
    quantity: Decimal = strawberry.field(description="How many units; of a tax its base.")
    unit: str | None = strawberry.field(description="Of what: kWh, kW, day, month …")
    rate: Decimal = strawberry.field(description="The price of a unit, in major units.")
    amount: Money = strawberry.field(description="What it comes to, rounded.")
    since: date = strawberry.field(description="The first day it is for.")
    until: date = strawberry.field(description="The first day it is no longer for.")
    tariff: strawberry.ID = strawberry.field(description="The tariff: ask `tariff(id:)`.")
    version: int = strawberry.field(description="Which version of the tariff.")
    estimated: bool = strawberry.field(
        description="Whether what was measured for it is an estimate, in whole or in part."
    )
    place: StatementPlace | None = strawberry.field(
        description="Where its energy stands on the consumption statement; null for what is no"
        " energy, and on lines of before there were places."
    )
    reason: strawberry.Private[Reason | None] = None

    @strawberry.field(
        description="Why it is that amount; null for a line that is a sum or a difference of"
        " others. Refused as `not-recalculated` for a bill of an earlier edition of the rating"
        " rules. Costs as much as 50 fields.",
        metadata={"cost": EXPLAINED},
    )
    def why(self) -> Derivation | None:
        return None if self.reason is None else self.reason()


def lines_of(
    view: View,
    lines: Sequence[domain.BillLine],
    calculated: tuple[str, Period] | None = None,
    basis: Basis | None = None,
) -> list[BillLine]:
    """Lines as the schema says them; `calculated` and `basis` say why, where anything does."""
    reasons: list[Reason | None] = [None] * len(lines)
    if calculated is not None and basis is not None:
        whys = _whys(view, lines, calculated, basis)
        reasons = [_nth(whys, n) for n in range(len(lines))]
    return [_line(view, each, reason) for each, reason in zip(lines, reasons, strict=True)]


def _nth(whys: Callable[[], Sequence[Derivation]], n: int) -> Reason:
    return lambda: whys()[n]


def _whys(
    view: View,
    lines: Sequence[domain.BillLine],
    calculated: tuple[str, Period],
    basis: Basis,
) -> Callable[[], Sequence[Derivation]]:
    """The derivations of all lines of a bill, grown when the first is asked for."""

    @cache
    def whys() -> list[Derivation]:
        recalculable(basis)
        found: list[Why] = []
        for part in view.calculator.ratings(*calculated, basis.position):
            found += explain(part.versions, part.usage, part.period, part.carry)
        named = {
            id(why): f"the line {each.line.code}"
            for why, each in zip(found, lines, strict=True)
        }
        return [Derivation(why=why, lines=named) for why in found]

    return whys


def _line(view: View, each: domain.BillLine, reason: Reason | None) -> BillLine:
    line = each.line
    return BillLine(
        point=strawberry.ID(each.point),
        code=line.code,
        title=line.title or None,
        kind=line.kind,
        period=line.period or None,
        tier=line.tier or None,
        quantity=line.quantity,
        unit=line.unit or None,
        rate=line.rate,
        amount=view.money(line.amount),
        since=line.since,
        until=line.until,
        tariff=strawberry.ID(line.tariff),
        version=line.version,
        estimated=line.estimated,
        place=None if line.place is None else StatementPlace(line.place),
        reason=reason,
    )
