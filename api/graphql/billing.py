"""Bills as corrected and as they would be now, what each stands on, and what a fact moves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import strawberry

from api.graphql.catalogue import MODELS
from api.graphql.lines import BillLine, lines_of
from api.graphql.models import computed, restated
from api.graphql.roots import root
from api.graphql.scalars import Money, Position
from api.graphql.view import View
from api.system import review
from domain.billing import bill as domain
from domain.billing.lines import added
from domain.kit import Refused, Stream, code_of
from domain.references import unpacked
from domain.values import Period
from projections import billing as rows
from replay.billing.office import Billing

if TYPE_CHECKING:
    Bill: TypeAlias = Any
else:
    Bill = MODELS[rows.bills].type

CALCULATED = 50  # what calculating a bill costs, in plain fields: see limits.py


@strawberry.type(description="What a bill stands on.")
class Basis:
    position: Position = strawberry.field(
        description="The position of history that it was calculated at."
    )
    tariffs: list[str] = strawberry.field(description="The tariff versions: HOME@2.")
    facts: list[strawberry.ID] = strawberry.field(
        description="The facts: who took supply, what was measured, which prices: meter-M1@4."
    )
    estimated: bool = strawberry.field(
        description="Whether some of the usage is interpolated or estimated."
    )
    edition: int = strawberry.field(
        description="By which edition of the rating rules. A bill of an earlier edition than"
        " today's stands as it was issued, and is not calculated again."
    )


@strawberry.type(description="A fact that came after the basis of a bill and moved it.")
class Cause:
    fact: strawberry.ID = strawberry.field(description="The fact: meter-M1@5.")
    name: str = strawberry.field(description="Its name: meter.found-inaccurate.")
    position: Position = strawberry.field(description="Its place in history.")


@strawberry.enum(description="Where a bill stands with its customer.")
class BillStatus(Enum):
    OPEN = strawberry.enum_value("open", description="Something is to be paid, and not late.")
    OVERDUE = strawberry.enum_value(
        "overdue",
        description="Something is to be paid, and its day was before `asOf`, or today.",
    )
    CANCELLED = strawberry.enum_value(
        "cancelled", description="It should not exist; its days may be billed anew."
    )
    PAID = strawberry.enum_value("paid", description="Nothing is to be paid.")


@strawberry.type(
    description="A bill calculated again, from what is known where the query stands."
)
class WouldBe:
    total: Money | None = strawberry.field(description="What it would come to.", default=None)
    difference: Money | None = strawberry.field(
        description="That minus its current total: what a correction issued now would add.",
        default=None,
    )
    lines: list[BillLine] = strawberry.field(description="Its lines.", default_factory=list)
    basis: Basis | None = strawberry.field(description="What it would stand on.", default=None)
    not_calculated: str | None = strawberry.field(
        description="Why it cannot be calculated now: a rule, like `period-not-measured`; at a"
        " moment before the rating rules of today were adopted `not-recalculated`.",
        default=None,
    )


def basis_of(basis: domain.Basis) -> Basis:
    """A basis as the schema says it."""
    return Basis(
        position=Position(basis.position),
        tariffs=list(basis.tariffs),
        facts=[strawberry.ID(fact) for fact in unpacked(basis.facts)],
        estimated=basis.estimated,
        edition=basis.edition,
    )


@restated(rows.bills, "outstanding")
def outstanding(view: View, found: Sequence[rows.Bill]) -> list[int]:
    """What is open after the facts dated by then."""
    accounts = view.settled(row.account for row in found)
    return [one.owed.get(row.bill, 0) for one, row in zip(accounts, found, strict=True)]


@restated(rows.bills, "cancelled")
def cancelled(view: View, found: Sequence[rows.Bill]) -> list[date | None]:
    """The days of those dated by then."""
    day = view.as_of
    return [
        row.cancelled if row.cancelled and day and row.cancelled <= day else None
        for row in found
    ]


@computed(rows.bills)
def status(view: View, found: Sequence[rows.Bill]) -> list[BillStatus]:
    """Whether it is paid, open, overdue or cancelled."""
    owed = (
        [row.outstanding for row in found] if view.as_of is None else outstanding(view, found)
    )
    return [
        BillStatus.CANCELLED
        if row.cancelled is not None and row.cancelled <= view.day
        else BillStatus.PAID
        if open_ <= 0
        else BillStatus.OVERDUE
        if row.due < view.day
        else BillStatus.OPEN
        for row, open_ in zip(found, owed, strict=True)
    ]


@computed(rows.bills)
def current_total(view: View, found: Sequence[rows.Bill]) -> list[Money]:
    """Its total with all corrections. `asOf`: with those issued on or before it."""
    return [view.money(total) for total in _totals(view, found)]


@computed(rows.bills)
def lines(view: View, found: Sequence[rows.Bill]) -> list[list[BillLine]]:
    """Its lines as issued; their amounts sum to `total`."""
    return [lines_of(view, row.lines, _calculated(row), row.basis) for row in found]


@computed(rows.bills)
def current_lines(view: View, found: Sequence[rows.Bill]) -> list[list[BillLine]]:
    """
    Its lines with all corrections added; they sum to `currentTotal`.

    `asOf`: with the corrections issued on or before it.
    """
    notes = _notes(view, found)
    answers = []
    for row in found:
        current = row.lines
        for note in notes[row.bill]:
            current = added(current, note.lines)
        answers.append(lines_of(view, current))
    return answers


@computed(rows.bills)
def basis(view: View, found: Sequence[rows.Bill]) -> list[Basis]:  # noqa: ARG001
    """What it stood on when it was issued."""
    return [basis_of(row.basis) for row in found]


@computed(rows.bills, cost=CALCULATED)
def would_be(view: View, found: Sequence[rows.Bill]) -> list[WouldBe]:
    """
    Calculated again from what is known, by `knownAt` or now.

    Changes nothing. Costs as much as 50 fields.
    """
    totals = _totals(view, found)
    return [_would_be(view, row, total) for row, total in zip(found, totals, strict=True)]


def _would_be(view: View, row: rows.Bill, total: int) -> WouldBe:
    if row.cancelled is not None:
        return WouldBe(not_calculated=code_of(domain.BillWasCancelled))
    try:
        now = view.calculator.calculate(*_calculated(row), view.position)
    except Refused as no:
        return WouldBe(not_calculated=no.code)
    return WouldBe(
        total=view.money(now.total),
        difference=view.money(now.total - total),
        lines=lines_of(view, now.lines, _calculated(row), now.basis),
        basis=basis_of(now.basis),
    )


def _calculated(row: rows.Bill) -> tuple[str, Period]:
    """What a bill is a function of, besides history."""
    return row.account, Period(since=row.since, until=row.until)


def _notes(view: View, found: Sequence[rows.Bill]) -> dict[str, list[rows.Correction]]:
    notes: dict[str, list[rows.Correction]] = {row.bill: [] for row in found}
    for note in view.among(rows.corrections, "bill", notes, *view.there(rows.corrections)):
        notes[note.bill].append(note)
    return notes


def _totals(view: View, found: Sequence[rows.Bill]) -> list[int]:
    """Minor units of `currentTotal`."""
    if view.as_of is None:
        return [row.issued + row.corrected for row in found]
    notes = _notes(view, found)
    return [row.issued + sum(note.total for note in notes[row.bill]) for row in found]


# Corrections


def _correction_lines(view: View, found: Sequence[rows.Correction]) -> list[list[BillLine]]:
    """The differences, line by line."""
    return [lines_of(view, row.lines) for row in found]


def _correction_basis(view: View, found: Sequence[rows.Correction]) -> list[Basis]:  # noqa: ARG001
    """What the corrected bill stands on."""
    return [basis_of(row.basis) for row in found]


_correction_lines.__name__, _correction_basis.__name__ = "lines", "basis"
computed(rows.corrections)(_correction_lines)
computed(rows.corrections)(_correction_basis)


@computed(rows.corrections)
def causes(view: View, found: Sequence[rows.Correction]) -> list[list[Cause]]:  # noqa: ARG001
    """The facts that made the difference, in the order recorded."""
    return [_told(row.causes) for row in found]


# What a fact moves


@strawberry.type(description="A bill that would be another without a fact.")
class Touched:
    bill: Bill = strawberry.field(description="The bill.")
    current_total: Money = strawberry.field(description="Its total, corrections included.")
    now: Money | None = strawberry.field(description="What it would be.")
    difference: Money | None = strawberry.field(description="What a correction would add.")
    not_calculated: str | None = strawberry.field(
        description="Why it cannot be calculated now: a rule, like `period-not-measured`."
    )


@root(cost=20 * CALCULATED)
def touched(
    view: View,
    fact: Annotated[
        strawberry.ID, strawberry.argument(description="The fact: meter-M000120@5.")
    ],
) -> list[Touched]:
    """
    The blast radius of a fact: every bill that would be another without it.

    With what a correction would add. Costs as much as 1000 fields.
    """
    billing = Billing(view.system.history, view.tables, lambda: view.position)
    found = [
        each
        for each in billing.touched([view.fact(fact)])
        if all(where.holds(each.bill) for where in view.there(rows.bills))
        and view.sight.stream(Stream(f"account-{each.bill.account}"))
    ]
    moved = [each.bill for each in found]
    bills = MODELS[rows.bills].nodes(view, moved)
    return [
        Touched(
            bill=bill,
            current_total=view.money(total),
            now=None if each.now is None else view.money(each.now),
            difference=None if each.now is None else view.money(each.now - total),
            not_calculated=each.rule,
        )
        for bill, each, total in zip(bills, found, _totals(view, moved), strict=True)
    ]


# What is wrong now


@strawberry.type(description="A bill that would be another if it were calculated now.")
class WrongBill:
    bill: Bill = strawberry.field(description="The bill.")
    current_total: Money = strawberry.field(description="Its total, corrections included.")
    now: Money | None = strawberry.field(description="What it would be.")
    difference: Money | None = strawberry.field(description="What a correction would add.")
    not_calculated: str | None = strawberry.field(
        description="Why it cannot be calculated now: a rule, like `period-not-measured`."
    )
    causes: list[Cause] = strawberry.field(description="The facts that moved it.")


@strawberry.type(description="The bills that would be others if they were calculated now.")
class WrongBills:
    position: Position = strawberry.field(
        description="Up to which position of history the list goes, whatever the moment."
    )
    total_count: int = strawberry.field(description="How many bills are in the list.")
    bills: list[WrongBill] = strawberry.field(description="Some of them, by number.")


@root(cost=CALCULATED)
def wrong_bills(
    view: View,
    first: Annotated[int, strawberry.argument(description="How many at most, up to 100.")] = 20,
    after: Annotated[str, strawberry.argument(description="Those behind this number.")] = "",
) -> WrongBills:
    """
    The bills that are not what they should be, with amounts and causes: a list that is kept.

    It follows history by itself; `position` says how far it is.
    """
    keeper = review(view.system)
    keeper.follow_up(view.system.history.head())
    found = keeper.read(min(max(first, 0), 100), after)
    among = view.among(rows.bills, "bill", [each.bill for each in found.bills])
    nodes = dict(
        zip((r.bill for r in among), MODELS[rows.bills].nodes(view, among), strict=True)
    )
    return WrongBills(
        position=Position(found.position),
        total_count=found.count,
        bills=[
            WrongBill(
                bill=nodes[each.bill],
                current_total=view.money(each.stands),
                now=None if each.now is None else view.money(each.now),
                difference=None if each.difference is None else view.money(each.difference),
                not_calculated=each.rule,
                causes=_told(each.causes),
            )
            for each in found.bills
            if each.bill in nodes
        ],
    )


def _told(causes: Sequence[domain.Cause]) -> list[Cause]:
    return [
        Cause(fact=strawberry.ID(c.fact), name=c.name, position=Position(c.position))
        for c in causes
    ]
