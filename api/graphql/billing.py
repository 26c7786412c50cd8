"""Bills: as issued, as corrected, and as they would be now; and what each stands on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated

import strawberry

from api.graphql import customers as people
from api.graphql import receivables as payments
from api.graphql.across import AnAccount, ASettlement
from api.graphql.lines import BillLine, lines_of
from api.graphql.paging import (
    After,
    Connection,
    First,
    Order,
    Page,
    Reverse,
    linked,
    listed,
    page_of,
)
from api.graphql.scalars import Money, Position
from api.graphql.view import BatchLoader, Info, KnownAt, MinPosition, View, equal, on
from domain.billing import bill as domain
from domain.billing.lines import added
from domain.kit import Refused
from domain.references import unpacked
from domain.values import Period
from projections import billing as rows
from projections import customers as settled
from projections.customers import accounts
from replay.billing.office import Billing

BILLS = Order(rows.bills, ("since",))
NOTES = Order(rows.corrections)
SETTLED = Order(settled.settlements)
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


@strawberry.type(description="A fact that came after the basis of a bill and moved it.")
class Cause:
    fact: strawberry.ID = strawberry.field(description="The fact: meter-M1@5.")
    name: str = strawberry.field(description="Its name: meter.found-inaccurate.")
    position: Position = strawberry.field(description="Its place in history.")


@strawberry.type(description="A note that brings an issued bill to what became known later.")
class Correction:
    id: strawberry.ID = strawberry.field(
        description="The number of the note: 000120-2026-01-c1."
    )
    on: date = strawberry.field(description="The day it was issued.")
    due: date = strawberry.field(description="By when a debit is to be paid.")
    total: Money = strawberry.field(
        description="What the bill is more, or less, than it stood."
    )
    lines: list[BillLine] = strawberry.field(description="The differences, line by line.")
    causes: list[Cause] = strawberry.field(
        description="The facts that made the difference, in the order recorded."
    )
    basis: Basis = strawberry.field(description="What the corrected bill stands on.")
    fact: strawberry.ID = strawberry.field(description="The fact that issued the note.")
    row: strawberry.Private[rows.Correction]


@strawberry.type(
    description="A bill calculated again, from what is known where the query stands."
)
class WouldBe:
    total: Money | None = strawberry.field(description="What it would come to.", default=None)
    difference: Money | None = strawberry.field(
        description="That minus what it stands at: what a correction issued now would add.",
        default=None,
    )
    lines: list[BillLine] = strawberry.field(description="Its lines.", default_factory=list)
    basis: Basis | None = strawberry.field(description="What it would stand on.", default=None)
    not_calculated: str | None = strawberry.field(
        description="Why it cannot be calculated now: a rule, like `period-not-measured`.",
        default=None,
    )


@strawberry.type(description="What an account owes for a period. An issued bill never changes.")
class Bill:
    id: strawberry.ID = strawberry.field(description="Its number: 000120-2026-03.")
    since: date = strawberry.field(description="The first day it is for.")
    until: date = strawberry.field(description="The first day it is no longer for.")
    on: date = strawberry.field(description="The day it was issued.")
    due: date = strawberry.field(description="By when it is to be paid.")
    issued: Money = strawberry.field(description="Its total as issued.")
    fact: strawberry.ID = strawberry.field(description="The fact that issued it.")
    row: strawberry.Private[rows.Bill]
    group: strawberry.Private[BatchLoader[rows.Bill]]

    @strawberry.field(description="Whose it is.")
    def account(self) -> AnAccount | None:
        key = self.row.account
        return linked(self.group, "account", key, accounts, people.accounts_of)

    @strawberry.field(description="Its lines as issued; their amounts sum to `issued`.")
    def lines(self) -> list[BillLine]:
        view = self.group.view
        return lines_of(view, self.row.lines, self.account_and_period, self.row.basis)

    @strawberry.field(
        description="Its lines with all corrections added; they sum to `stands`. `asOf`: with"
        " the corrections issued on or before it."
    )
    def corrected_lines(self) -> list[BillLine]:
        stand = self.row.lines
        for note in self._notes():
            stand = added(stand, note.row.lines)
        return lines_of(self.group.view, stand)

    @strawberry.field(
        description="The notes that corrected it, in order. `asOf`: those issued on or before"
        " it."
    )
    def corrections(self) -> list[Correction]:
        return self._notes()

    @strawberry.field(
        description="Its total with all corrections. `asOf`: with those issued on or before it."
    )
    def stands(self) -> Money:
        return self.group.view.money(self.standing_total())

    @strawberry.field(
        description="What of it is not paid yet. `asOf`: after all that is dated on or before"
        " it."
    )
    def outstanding(self) -> Money:
        view, row = self.group.view, self.row
        if view.as_of is None:
            return view.money(row.outstanding)
        return view.money(view.settled(row.account).owed.get(row.bill, 0))

    @strawberry.field(
        description="What settled it, in the order recorded: payments, and credits of other"
        " bills; negative where a payment was returned. `asOf`: on or before it."
    )
    def settled(self) -> list[ASettlement]:
        where = self.group.view.dated("on")
        return listed(
            self.group, self.id, SETTLED, payments.settlements_of, "item", where, of="bill"
        )

    @strawberry.field(description="What it stood on when it was issued.")
    def basis(self) -> Basis:
        return basis_of(self.row.basis)

    @strawberry.field(
        description="Calculated again from what is known where the query stands, by `knownAt`"
        " or now. Changes nothing. Costs as much as 50 fields.",
        metadata={"cost": CALCULATED},
    )
    def would_be(self) -> WouldBe:
        view = self.group.view
        account, period = self.account_and_period
        try:
            now = view.calculator.calculate(account, period, view.position)
        except Refused as no:
            return WouldBe(not_calculated=no.code)
        return WouldBe(
            total=view.money(now.total),
            difference=view.money(now.total - self.standing_total()),
            lines=lines_of(view, now.lines, (account, period), now.basis),
            basis=basis_of(now.basis),
        )

    @property
    def account_and_period(self) -> tuple[str, Period]:
        """What the bill is a function of, besides history."""
        return self.row.account, Period(since=self.row.since, until=self.row.until)

    def _notes(self) -> list[Correction]:
        where = self.group.view.dated("on")
        found = listed(self.group, self.id, NOTES, corrections_of, "bill", where)
        return sorted(found, key=lambda note: note.row.basis.position)

    def standing_total(self) -> int:
        """Minor units of `stands`."""
        if self.group.view.as_of is None:
            return self.row.issued + self.row.corrected
        return self.row.issued + sum(note.row.total for note in self._notes())


@strawberry.type(
    description="A bill that stands on a fact, or would if it were calculated now."
)
class Touched:
    bill: Bill = strawberry.field(description="The bill.")
    stands: Money = strawberry.field(description="What it stands at, corrections included.")
    now: Money | None = strawberry.field(description="What it would be.")
    difference: Money | None = strawberry.field(description="What a correction would add.")
    not_calculated: str | None = strawberry.field(
        description="Why it cannot be calculated now: a rule, like `period-not-measured`."
    )


def basis_of(basis: domain.Basis) -> Basis:
    """A basis as the schema says it."""
    return Basis(
        position=Position(basis.position),
        tariffs=list(basis.tariffs),
        facts=[strawberry.ID(fact) for fact in unpacked(basis.facts)],
        estimated=basis.estimated,
    )


def bills_of(view: View, found: Sequence[rows.Bill]) -> list[Bill]:
    """Rows as bills."""
    group = BatchLoader(view, found)
    return [
        Bill(
            id=strawberry.ID(r.bill),
            since=r.since,
            until=r.until,
            on=r.on,
            due=r.due,
            issued=view.money(r.issued),
            fact=strawberry.ID(r.fact),
            row=r,
            group=group,
        )
        for r in found
    ]


def corrections_of(view: View, found: Sequence[rows.Correction]) -> list[Correction]:
    """Rows as notes."""
    return [
        Correction(
            id=strawberry.ID(r.note),
            on=r.on,
            due=r.due,
            total=view.money(r.total),
            lines=lines_of(view, r.lines),
            causes=[
                Cause(fact=strawberry.ID(c.fact), name=c.name, position=Position(c.position))
                for c in r.causes
            ],
            basis=basis_of(r.basis),
            fact=strawberry.ID(r.fact),
            row=r,
        )
        for r in found
    ]


ISSUED = on("Bills issued on or before it, as they stood then.")


@strawberry.type
class BillingQuery:
    @strawberry.field(description="One bill by number; null if none is issued.")
    def bill(
        self,
        info: Info,
        id: Annotated[
            strawberry.ID, strawberry.argument(description="The number: 000120-2026-03.")
        ],
        as_of: Annotated[date | None, ISSUED] = None,
        known_at: KnownAt = None,
        min_position: MinPosition = None,
    ) -> Bill | None:
        view = info.context.view(as_of, known_at, min_position)
        row = view.get(rows.bills, id)
        there = row is not None and (as_of is None or row.on <= as_of)
        return bills_of(view, [row])[0] if row and there else None

    @strawberry.field(description="Bills, by the first day they are for, and number.")
    def bills(
        self,
        info: Info,
        account: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only those of an account.")
        ] = None,
        first: First = 20,
        after: After = None,
        reverse: Reverse = False,
        as_of: Annotated[date | None, ISSUED] = None,
        known_at: KnownAt = None,
        min_position: MinPosition = None,
    ) -> Connection[Bill]:
        view = info.context.view(as_of, known_at, min_position)
        where = [*view.dated("on"), *equal("account", account)]
        return page_of(view, BILLS, Page(first, after, reverse), bills_of, where)

    @strawberry.field(
        description="The blast radius of a fact: every bill that stands on it, or would if it"
        " were calculated now, and what a correction would add. Costs as much as 1000 fields.",
        metadata={"cost": 20 * CALCULATED},
    )
    def touched(
        self,
        info: Info,
        fact: Annotated[
            strawberry.ID, strawberry.argument(description="The fact: meter-M000120@5.")
        ],
        as_of: Annotated[date | None, ISSUED] = None,
        known_at: KnownAt = None,
        min_position: MinPosition = None,
    ) -> list[Touched]:
        view = info.context.view(as_of, known_at, min_position)
        billing = Billing(view.system.history, view.tables, lambda: view.position)
        found = [
            each
            for each in billing.touched([view.fact(fact)])
            if as_of is None or each.bill.on <= as_of
        ]
        bills = bills_of(view, [each.bill for each in found])
        return [
            Touched(
                bill=bill,
                stands=view.money(bill.standing_total()),
                now=None if each.now is None else view.money(each.now),
                difference=None
                if each.now is None
                else view.money(each.now - bill.standing_total()),
                not_calculated=each.rule,
            )
            for bill, each in zip(bills, found, strict=True)
        ]
