"""
Billing from history: what decisions must be given, and which bills a fact touches.

The blast radius of a fact is every bill that would be another without it: candidates are
looked up by place and day, and each is calculated with the fact left out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain

from domain.billing.bill import BillCalculation, BillUnknown, BillWasCancelled, Cause, IssueBill
from domain.billing.chain import ChainCalculation, ChainLink, CorrectChain
from domain.billing.correcting import CorrectBill
from domain.billing.lines import BillLine, added, differ
from domain.billing.refusals import EmptyPeriod, NothingSupplied, PeriodTooLong
from domain.editions import EDITION
from domain.kit import Fact, Refused, Stream
from domain.organisation.rules import RATING, RulesAdopted, rules
from domain.values import Period
from projections.billing import Bill, Correction, bills, corrections
from projections.kit.table import Tables, Where
from replay.billing.calculation import BillCalculator
from replay.billing.causes import causes
from replay.billing.leaving import Leaving, Streams, leaving
from replay.billing.reach import reached

LONGEST = 400  # days of a bill
TOGETHER = 100  # accounts whose bills are calculated from what is read at once


class NoSuchFact(Refused):
    """There is no fact under this reference; one is named like meter-M1@3."""


@dataclass(frozen=True, slots=True)
class Touched:
    """A bill that facts move: what it is, what it should be, in minor units."""

    bill: Bill
    stands: int
    now: int | None
    refused: Refused | None = None  # why it cannot be calculated now

    @property
    def rule(self) -> str | None:
        """The rule that keeps it from being calculated now."""
        return None if self.refused is None else self.refused.code

    @property
    def difference(self) -> int | None:
        """What a correction would add; None where that cannot be calculated."""
        return None if self.now is None else self.now - self.stands


class Billing:
    """Calculates for commands, explains, finds what a fact touches, on one set of tables."""

    def __init__(self, history: Streams, tables: Tables, now: Callable[[], int]) -> None:
        """`now` gives the position to calculate at, once the tables have come that far."""
        self.history = history
        self.tables = tables
        self.now = now
        self.calculator = BillCalculator(tables)

    @property
    def supplies(self) -> dict[type, Callable[[object], object]]:
        """What decisions need of it, by type."""
        return {BillCalculation: self.calculated, ChainCalculation: self.chained}

    # What decisions are given

    def calculated(self, asked: object) -> BillCalculation:
        """What issue-bill and correct-bill need; calculated at what is folded now."""
        match asked:
            case IssueBill():
                if asked.until <= asked.since:
                    raise EmptyPeriod(since=asked.since, until=asked.until)
                if (asked.until - asked.since).days > LONGEST:
                    raise PeriodTooLong(since=asked.since, until=asked.until, most=LONGEST)
                period = Period(since=asked.since, until=asked.until)
                found = self.calculator.calculate(asked.account, period, self.now())
                if not found.basis.tariffs:
                    raise NothingSupplied(
                        account=asked.account, since=period.since, until=period.until
                    )
                return found
            case CorrectBill():
                return self._corrected(asked)
            case _:
                raise TypeError(f"nothing to calculate for {type(asked).__name__}")

    def _corrected(self, asked: CorrectBill) -> BillCalculation:
        known_at = self.now()
        bill = self.tables.get(bills, asked.bill, known_at=known_at)
        if bill is None or bill.account != asked.account:
            raise BillUnknown(account=asked.account, bill=asked.bill)
        if bill.cancelled is not None:
            raise BillWasCancelled(bill=asked.bill)
        now = self.calculator.calculate(bill.account, period_of(bill), known_at)
        differs = differ(now.lines, self.stands(bill, known_at))
        return replace(
            now,
            causes=self.causes(bill, known_at) if differs else (),
            uncorrected=tuple(self._uncorrected(bill, known_at)),
        )

    def causes(self, bill: Bill, known_at: int) -> tuple[Cause, ...]:
        """The facts since its basis that make a bill other than it stands at a position."""
        of = leaving(self.history, self.tables, [bill], known_at)[bill.account]
        return self.causes_among(of, bill, self.stands(bill, known_at))

    def causes_among(
        self, of: Leaving, bill: Bill, stood: tuple[BillLine, ...]
    ) -> tuple[Cause, ...]:
        """The same, of what is read already; `stood` are its lines with its notes."""
        adopted = tuple(
            Cause(fact=fact.ref, name=fact.name, position=fact.position)
            for fact in self._adopted(bill)
            if fact.position <= of.position
        )
        found = causes(of, bill, stood)
        return tuple(sorted((*found, *adopted), key=lambda cause: cause.position))

    def _adopted(self, bill: Bill) -> Iterator[Fact]:
        """The later editions of the rules, where by them it would have been another bill."""
        basis = bill.newest
        if basis.edition == EDITION:
            return
        try:
            again = self.calculator.by_todays_rules(
                bill.account, period_of(bill), basis.position
            )
        except Refused:
            return
        if differ(again.lines, self.stands(bill, basis.position)):
            adopted = self.history.of(rules.stream(RATING))
            yield from (fact for fact in adopted if fact.event.edition > basis.edition)

    def _uncorrected(self, bill: Bill, known_at: int) -> Iterator[str]:
        earlier = self.tables.find(
            bills,
            Where("account", "=", bill.account),
            Where("since", "<", bill.since),
            order=("since",),
            known_at=known_at,
        )
        for each in earlier:
            if each.cancelled is not None:
                continue
            try:
                now = self.calculator.calculate(each.account, period_of(each), known_at)
            except Refused:
                continue  # what cannot be calculated stops no other bill
            if differ(now.lines, self.stands(each, known_at)):
                yield each.bill

    def chained(self, asked: object) -> ChainCalculation:
        """
        What correct-chain needs: the bills named that differ, or all, as they would be now.

        Raises BillUnknown, BillWasCancelled, and why a bill that is named cannot be calculated.
        """
        if not isinstance(asked, CorrectChain):
            raise TypeError(f"no chain to calculate for {type(asked).__name__}")
        known_at = self.now()
        rows = self.tables.find(
            bills, Where("account", "=", asked.account), order=("since",), known_at=known_at
        )
        named, standing = set(asked.bills), [row for row in rows if row.cancelled is None]
        if unknown := named - {row.bill for row in rows}:
            raise BillUnknown(account=asked.account, bill=min(unknown))
        if cancelled := named - {row.bill for row in standing}:
            raise BillWasCancelled(bill=min(cancelled))
        last = max((row.since for row in rows if row.bill in named), default=date.max)
        links: list[ChainLink] = []
        for row in standing:
            if row.since > last:
                break
            try:
                now = self.calculator.calculate(row.account, period_of(row), known_at)
            except Refused:
                if row.bill in named:
                    raise
                continue  # what cannot be calculated stops no other bill
            if differ(now.lines, self.stands(row, known_at)):
                now = replace(now, causes=self.causes(row, known_at))
                links.append(ChainLink(bill=row.bill, calculation=now))
        return ChainCalculation(
            links=tuple(link for link in links if not named or link.bill in named),
            uncorrected=tuple(link.bill for link in links if named and link.bill not in named),
        )

    # What is asked of bills

    def not_calculated(self, account: str, known_at: int) -> Iterator[tuple[Bill, Refused]]:
        """The bills of an account that cannot be calculated again, with the rule of each."""
        rows = self.tables.find(
            bills, Where("account", "=", account), order=("since",), known_at=known_at
        )
        for row in rows:
            if row.cancelled is None:
                try:
                    self.calculator.calculate(row.account, period_of(row), known_at)
                except Refused as no:
                    yield row, no

    def stands(self, bill: Bill, known_at: int) -> tuple[BillLine, ...]:
        """The lines of a bill with the notes known at a position added up."""
        of_bill = Where("bill", "=", bill.bill)
        return stood_at(bill, self.tables.find(corrections, of_bill, known_at=known_at))

    def fact(self, ref: str) -> Fact:
        """A fact by its reference.  Raises NoSuchFact."""
        stream, _, version = ref.rpartition("@")
        number = int(version) if version.isdecimal() and len(version) < 10 else 0
        found = self.history.of(Stream(stream)) if stream and number else []
        if not 0 < number <= len(found):
            raise NoSuchFact(fact=ref)
        return found[number - 1]

    # Blast radius

    def touched(self, facts: Iterable[Fact]) -> Iterator[Touched]:
        """
        Every bill that would be another without these facts, and those that name them.

        Also those they reach that cannot be calculated now.  By account and first day, as they
        are found: who has seen enough need not wait for the rest.
        """
        known_at = self.now()
        told = list(facts)
        refs = {fact.ref for fact in told}
        for some in chain(self._reached(told, known_at), self._of_earlier(told, known_at)):
            of = leaving(self.history, self.tables, some, known_at)
            for bill in some:
                stands = bill.issued + bill.corrected
                now = of[bill.account].now(bill)
                if isinstance(now, Refused):
                    yield Touched(bill, stands, None, now)
                elif of[bill.account].changes(bill, refs) or self._adopts(refs, bill):
                    yield Touched(bill, stands, now.total)

    def _adopts(self, refs: Collection[str], bill: Bill) -> bool:
        """Whether one of these facts is an edition by which the bill is another."""
        return any(fact.ref in refs for fact in self._adopted(bill))

    def _of_earlier(self, facts: Iterable[Fact], known_at: int) -> Iterator[list[Bill]]:
        """The bills of an earlier edition of the rules than one that is adopted."""
        adopted = [f.event.edition for f in facts if isinstance(f.event, RulesAdopted)]
        if not adopted:
            return
        rows = self.tables.find(bills, order=("account", "since"), known_at=known_at)
        some = [bill for bill in rows if bill.newest.edition < max(adopted)]
        for n in range(0, len(some), TOGETHER):
            yield some[n : n + TOGETHER]

    def _reached(self, facts: Sequence[Fact], known_at: int) -> Iterator[list[Bill]]:
        """The bills that facts may move, those of some accounts at a time."""
        least = reached(self.tables, facts)
        accounts = sorted(least)
        for n in range(0, len(accounts), TOGETHER):
            found = self.tables.find(
                bills,
                Where("account", "in", accounts[n : n + TOGETHER]),
                order=("account", "since"),
                known_at=known_at,
            )
            some = [bill for bill in found if bill.until >= least[bill.account]]
            if some := [bill for bill in some if bill.cancelled is None]:
                yield some


def period_of(bill: Bill) -> Period:
    """The period of a bill."""
    return Period(since=bill.since, until=bill.until)


def stood_at(bill: Bill, notes: Iterable[Correction]) -> tuple[BillLine, ...]:
    """The lines of a bill with those of its notes added up."""
    lines = bill.lines
    for note in sorted(notes, key=lambda note: note.basis.position):
        if note.bill == bill.bill:
            lines = added(lines, note.lines)
    return lines
