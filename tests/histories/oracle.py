"""What must hold of any history, found the long way: by folding all of it again."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from domain.billing.bill import Basis
from domain.billing.lines import BillLine, added, differ
from domain.kit import Fact, Refused
from domain.values import Period
from projections.billing import Bill, Correction, bills, corrections
from projections.books import trial_balance
from projections.catalogue import PROJECTIONS
from projections.customers import accounts
from projections.kit.digest import digest
from projections.kit.table import MemoryTables, Projection, Where
from projections.organisation import settings
from replay.billing.calculation import BillCalculator
from replay.billing.naming import without
from replay.billing.pieces import MOVED
from tests.histories.trouble import Trouble

READ: tuple[Projection[Any], ...] = (settings, accounts, *MOVED)
MOVING = frozenset(event for projection in MOVED for event in projection.events)


def calculated(it: Trouble, bill: Bill, position: int) -> tuple[BillLine, ...] | None:
    """A bill as it is at a position; None where it cannot be calculated."""
    return _lines(BillCalculator(it.world.tables), bill, position)


def calculated_without(
    it: Trouble, bill: Bill, position: int, left_out: Collection[str]
) -> tuple[BillLine, ...] | None:
    """A bill as it would be had some facts, and those that name them, not been recorded."""
    known = [fact for fact in it.world.facts if fact.position <= position]
    streams = {fact.stream: [f for f in known if f.stream == fact.stream] for fact in known}
    kept = {f.position: f for facts in streams.values() for f in without(facts, left_out)}
    tables = MemoryTables(READ).fold(kept[at] for at in sorted(kept))
    return _lines(BillCalculator(tables), bill, position)


def _lines(
    calculator: BillCalculator, bill: Bill, position: int
) -> tuple[BillLine, ...] | None:
    period = Period(since=bill.since, until=bill.until)
    try:
        return calculator.calculate(bill.account, period, position).lines
    except Refused:
        return None


def same(one: tuple[BillLine, ...] | None, other: tuple[BillLine, ...] | None) -> bool:
    """Whether two calculations of a bill come to the same, line by line."""
    if one is None or other is None:
        return one is other
    return not differ(one, other)


def check_bills(it: Trouble) -> None:
    """Issued and corrections are a fresh rating of all facts, where there can be one."""
    for bill in it.standing:
        fresh = calculated(it, bill, it.head)
        if fresh is not None:
            assert not differ(fresh, it.world.billing.stands(bill, it.head)), bill.bill
            assert it.world.stands(bill.bill) == sum(each.line.amount for each in fresh)


def check_past(it: Trouble) -> None:
    """Each bill and note, calculated again at its basis, is what it was."""
    for bill in it.bills:
        lines = bill.lines
        assert same(lines, calculated(it, bill, bill.basis.position)), bill.bill
        for note in (note for note in notes_of(it, bill) if not note.cancels):
            lines = added(lines, note.lines)
            assert same(lines, calculated(it, bill, note.basis.position)), note.note


def notes_of(it: Trouble, bill: Bill) -> list[Correction]:
    """The notes of a bill, in order."""
    found = it.world.tables.find(corrections, Where("bill", "=", bill.bill))
    return sorted(found, key=lambda note: note.basis.position)


def check_causes(it: Trouble, bill: Bill, note: Correction, before: Basis) -> None:
    """Told is each fact whose absence changes the bill; what is told together changes it."""
    at = note.basis.position
    now = calculated(it, bill, at)
    later = [
        fact
        for fact in it.world.facts
        if before.position < fact.position <= at and type(fact.event) in MOVING
    ]

    def moves(refs: Collection[str]) -> bool:
        return not same(now, calculated_without(it, bill, at, refs))

    alone = {fact.ref for fact in later if moves([fact.ref])}
    told = {cause.fact for cause in note.causes}
    assert told, note.note
    assert alone <= told, f"{note.note} does not tell {sorted(alone - told)}"
    if more := told - alone:
        assert moves(more), f"{note.note} tells {sorted(more)}, which moved nothing"
    assert told <= {fact.ref for fact in later}


def check_reach(it: Trouble, fact: Fact) -> None:
    """The blast radius of a fact is each bill that is another because of it."""
    differ = {
        bill.bill
        for bill in it.standing
        if not same(
            calculated(it, bill, fact.position - 1), calculated(it, bill, fact.position)
        )
    }
    found = list(it.world.billing.touched([fact]))
    told = {each.bill.bill for each in found}
    assert differ <= told, f"{fact.ref} {fact.name} does not reach {sorted(differ - told)}"
    moved = {each.bill.bill for each in found if each.now is not None}
    assert moved <= differ, f"{fact.ref} {fact.name} does not move {sorted(moved - differ)}"


def check_books(it: Trouble) -> None:
    """The trial balance is zero; receivable and credit held are what accounts say."""
    tables = it.world.tables
    codes = {row.code: row.balance for row in tables.rows(trial_balance)}
    rows = list(tables.rows(accounts))
    assert sum(codes.values()) == 0
    assert codes.get("1200", 0) == sum(row.balance + row.held for row in rows)
    assert codes.get("2100", 0) == -sum(row.held for row in rows)


def check_rebuilt(it: Trouble) -> None:
    """Tables folded anew, and left out nothing, are the same."""
    again = MemoryTables(PROJECTIONS).fold(it.world.facts)
    for projection in PROJECTIONS:
        assert digest(again, projection) == digest(it.world.tables, projection)
    for facts in it.world.streams.values():
        assert list(without(facts, ())) == facts


class Remembered:
    """What was answered at some moments, to be asked again in the end."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, Any, list[Any]]] = []

    def look(self, it: Trouble) -> None:
        """Remember what the tables of bills, readings and supplies say now."""
        for projection in (bills, *MOVED):
            self.answers.append((it.head, projection, it.world.tables.find(projection)))

    def check(self, it: Trouble) -> None:
        """The same is answered again."""
        for at, projection, rows in self.answers:
            assert it.world.tables.find(projection, known_at=at) == rows, projection.name
