"""
Verify: everything is folded again from history and compared with what people look at.

Five questions, each answered with how many were looked at and what was found wrong:
are the tables what the facts say; do the books balance; do accounts and ledger agree; are open
items the same by account, by bill and by settlement; does each bill, calculated again at its
basis, come out line for line as it was issued and corrected.  A bill of an earlier edition of
the rating rules cannot be calculated again: of it only lines, entry and sums are compared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeAlias

from domain.billing.bill import Basis
from domain.billing.lines import BillLine, added, difference
from domain.books.chart import CREDIT_HELD, RECEIVABLE
from domain.editions import EDITION
from domain.kit import Refused
from projections.billing import Bill, Correction, bills, corrections
from projections.books import journal, trial_balance
from projections.customers import accounts
from projections.kit.digest import digest
from projections.kit.postgres import PostgresTables
from projections.kit.table import MemoryTables, Projection, Tables, Where
from projections.kit.writer import Parked
from replay.billing.calculation import BillCalculator
from replay.billing.office import period_of
from replay.billing.open_items import OpenItems
from replay.store.history import History
from replay.tables.differences import differences

Progress: TypeAlias = Callable[[str, int, int], None]
"""Told as it goes: what is being looked at, how many are done, how many there are."""

TOLD = 20  # rows told of a table that is not what its facts say
LAST = 2**63 - 1  # a position behind every fact
BILLED = {"bill", "note", "cancellation"}  # the sources whose entries are of what was billed
CUSTOMERS = {RECEIVABLE, CREDIT_HELD}  # the side of such an entry that is not revenue

Posted: TypeAlias = defaultdict[str, int]
"""What was posted as revenue and tax by each bill, note and cancellation, in minor units."""


@dataclass(slots=True)
class Check:
    """One question: how many things were looked at, and what was wrong with which."""

    name: str
    looked_at: int = 0
    wrong: list[str] = field(default_factory=list)
    proven: bool = True  # false where there is nothing signed to compare with
    not_recalculated: int = 0  # bills and notes of an earlier edition of the rating rules


@dataclass(slots=True)
class VerifyReport:
    """What was found, up to which position."""

    position: int
    checks: list[Check] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        """Whether nothing was found wrong."""
        return not any(check.wrong for check in self.checks)


def verify(
    history: History,
    tables: PostgresTables,
    projections: Sequence[Projection[Any]],
    progress: Progress = lambda *_: None,
) -> VerifyReport:
    """Fold all of history again and compare; all of it is of one moment."""
    with tables.snapshot() as snapshot:
        report = VerifyReport(snapshot.position)
        items, parked, posted = OpenItems(), snapshot.parked(), Posted(int)
        report.checks += [
            _tables(history, snapshot, projections, parked, report.position, items, progress),
            _books(snapshot, posted, progress),
            _accounts(snapshot, progress),
            _open_items(items, snapshot, progress),
            _bills(snapshot, posted, progress),
            _folded(parked, report.position),
        ]
    return report


def _folded(parked: Sequence[Parked], position: int) -> Check:
    check = Check("facts are read and folded", position)
    check.wrong += [
        f"{one.stream} stops in {one.projection} at {one.position}: {one.error}"
        for one in parked
    ]
    return check


def _tables(
    history: History,
    snapshot: Tables,
    projections: Sequence[Projection[Any]],
    parked: Sequence[Parked],
    position: int,
    items: OpenItems,
    progress: Progress,
) -> Check:
    check = Check("tables are what the facts say")
    again = MemoryTables(projections)
    stops: dict[str, int] = {}
    for one in parked:
        stops[one.stream] = min(one.position, stops.get(one.stream, LAST))
    aside = {(one.projection, one.position) for one in parked}
    for page in history.pages(until=position, unreadable=True):
        again.fold(page, aside)
        items.fold(fact for fact in page if fact.position < stops.get(fact.stream, LAST))
        progress("facts folded again", again.position, position)
    for done, projection in enumerate(projections, 1):
        if digest(again, projection) != digest(snapshot, projection):
            check.wrong.append(f"{projection.name} is not what its facts say")
            check.wrong += _located(snapshot, again, projection)
        progress("tables compared", done, len(projections))
    check.looked_at = len(projections)
    return check


def _located(stored: Tables, right: Tables, projection: Projection[Any]) -> Iterator[str]:
    """The first rows and changes that are not what they ought to be."""
    try:
        yield from islice(differences(stored, right, projection), TOLD)
    except (ValueError, TypeError) as wrong:  # what was put there is not even a row
        yield f"{projection.name}: a row cannot be read: {wrong}"


def _books(snapshot: Tables, posted: Posted, progress: Progress) -> Check:
    check = Check("entries and the trial balance are balanced")
    sums: defaultdict[int, int] = defaultdict(int)
    codes: defaultdict[str, int] = defaultdict(int)
    for line in snapshot.rows(journal):
        sums[line.position] += line.amount
        codes[line.code] += line.amount
        if line.source in BILLED and line.code not in CUSTOMERS:
            posted[line.document] -= line.amount
    check.wrong += [f"the entry at {at} is off by {off}" for at, off in sums.items() if off]
    rows = {row.code: row.balance for row in snapshot.rows(trial_balance)}
    if sum(rows.values()):
        check.wrong.append(f"the trial balance is off by {sum(rows.values())}")
    check.wrong += [
        f"ledger account {code} stands at {rows.get(code, 0)}, its postings at {amount}"
        for code, amount in codes.items()
        if rows.get(code, 0) != amount
    ]
    check.looked_at = len(sums)
    progress("entries added up", len(sums), len(sums))
    return check


def _accounts(snapshot: Tables, progress: Progress) -> Check:
    check = Check("accounts agree with the ledger")
    balances = held = 0
    for row in snapshot.rows(accounts):
        check.looked_at += 1
        balances, held = balances + row.balance, held + row.held
    for code, amount in ((RECEIVABLE, balances + held), (CREDIT_HELD, -held)):
        found = snapshot.get(trial_balance, code)
        booked = found.balance if found else 0
        if booked != amount:
            check.wrong.append(f"ledger account {code} is {booked}, accounts say {amount}")
    progress("accounts added up", check.looked_at, check.looked_at)
    return check


def _open_items(items: OpenItems, snapshot: Tables, progress: Progress) -> Check:
    check = Check("open items agree by account, by bill and by settlement", len(items))
    check.wrong += items.wrong(snapshot)
    progress("open items compared", check.looked_at, check.looked_at)
    return check


def _bills(snapshot: Tables, posted: Posted, progress: Progress) -> Check:
    check = Check("bills calculated again at their basis come out the same")
    calculator = BillCalculator(snapshot)
    every = list(snapshot.rows(bills))
    for bill in every:
        for stage in _stages(snapshot, bill):
            check.wrong += _added_up(stage, posted)
            if stage.cancels:
                if stage.stood:
                    check.wrong.append(f"{stage.name} does not take its bill to nothing")
            elif stage.basis.edition == EDITION:
                check.wrong += _rerated(calculator, bill, stage)
            else:
                check.not_recalculated += 1
        check.looked_at += 1
        progress("bills calculated again", check.looked_at, len(every))
    return check


@dataclass(frozen=True, slots=True)
class _Stage:
    """A bill as it was issued, or a note: its lines and total, and the bill's lines with it."""

    name: str
    basis: Basis
    lines: tuple[BillLine, ...]
    total: int
    stood: tuple[BillLine, ...]
    cancels: bool = False


def _stages(snapshot: Tables, bill: Bill) -> Iterator[_Stage]:
    stood = bill.lines
    yield _Stage(bill.bill, bill.basis, bill.lines, bill.issued, stood)
    notes = snapshot.find(corrections, Where("bill", "=", bill.bill))
    for note in sorted(notes, key=_by_position):
        stood = added(stood, note.lines)
        yield _Stage(note.note, note.basis, note.lines, note.total, stood, note.cancels)


def _added_up(stage: _Stage, posted: Posted) -> Iterator[str]:
    comes_to = sum(each.line.amount for each in stage.lines)
    if comes_to != stage.total:
        yield f"the lines of {stage.name} come to {comes_to}, its total is {stage.total}"
    if posted[stage.name] != stage.total:
        yield f"{stage.name} posted {posted[stage.name]}, its total is {stage.total}"


def _rerated(calculator: BillCalculator, bill: Bill, stage: _Stage) -> Iterator[str]:
    position = stage.basis.position
    try:
        again = calculator.calculate(bill.account, period_of(bill), position)
    except Refused as refused:
        yield f"{stage.name} cannot be calculated again at {position}: {refused}"
        return
    if difference(again.lines, stage.stood):
        yield f"{stage.name} calculated again at {position} comes to {again.total}"


def _by_position(note: Correction) -> tuple[bool, int]:
    """What cancels is the last, and has the basis of what it takes back."""
    return note.cancels, note.basis.position
