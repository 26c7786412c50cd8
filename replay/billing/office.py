"""
Billing from history: what decisions must be given, and which bills a fact touches.

The blast radius of a fact is every bill that stands on it, or would if calculated now: those
are found by place and day, and each is calculated to see whether the fact is in its basis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol

from domain.billing.bill import BillCalculation, BillUnknown, BillWasCancelled, Cause, IssueBill
from domain.billing.chain import ChainCalculation, ChainLink, CorrectChain
from domain.billing.correcting import CorrectBill
from domain.billing.lines import BillLine, added, difference
from domain.billing.refusals import EmptyPeriod, NothingSupplied, PeriodTooLong
from domain.editions import EDITION
from domain.kit import Fact, Refused, Stream
from domain.organisation.rules import RATING, RulesAdopted, rules
from domain.references import unpacked
from domain.values import Period
from projections.billing import Bill, bills, corrections
from projections.kit.table import Tables, Where
from projections.network import supplies
from replay.billing.calculation import BillCalculator
from replay.billing.reach import reach, taken_back

LONGEST = 400  # days of a bill


class Streams(Protocol):
    """What is needed of history."""

    def of(self, stream: Stream, *, until: int | None = None) -> list[Fact]:
        """What happened to one thing, in order."""


class NoSuchFact(Refused):
    """There is no fact under this reference; one is named like meter-M1@3."""


@dataclass(frozen=True, slots=True)
class Touched:
    """A bill that stands on a fact: what it is, what it should be, in minor units."""

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
        return replace(
            now,
            causes=self._causes(bill, now),
            uncorrected=tuple(self._uncorrected(bill, known_at)),
        )

    def _causes(self, bill: Bill, now: BillCalculation) -> tuple[Cause, ...]:
        """The facts since that the bill would stand on now, or that took back what it did."""
        stood, stands = set(unpacked(bill.newest.facts)), set(unpacked(now.basis.facts))
        found = [self.fact(ref) for ref in stands - stood]
        for stream in {ref.rpartition("@")[0] for ref in stood}:
            facts = self.history.of(Stream(stream))
            found += [
                fact
                for fact in facts
                if fact.position > bill.newest.position
                and not stood.isdisjoint(taken_back(fact, facts))
            ]
        found += self._adopted(bill)
        since = {fact.ref: fact for fact in found if fact.position > bill.newest.position}
        return tuple(
            Cause(fact=fact.ref, name=fact.name, position=fact.position)
            for fact in sorted(since.values(), key=lambda fact: fact.position)
        )

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
        if difference(again.lines, self.stands(bill, basis.position)):
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
            if difference(now.lines, self.stands(each, known_at)):
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
            if difference(now.lines, self.stands(row, known_at)):
                now = replace(now, causes=self._causes(row, now))
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
        notes = self.tables.find(
            corrections, Where("bill", "=", bill.bill), order=("note",), known_at=known_at
        )
        lines = bill.lines
        for note in sorted(notes, key=lambda note: note.basis.position):
            lines = added(lines, note.lines)
        return lines

    def fact(self, ref: str) -> Fact:
        """A fact by its reference.  Raises NoSuchFact."""
        stream, _, version = ref.rpartition("@")
        number = int(version) if version.isdecimal() and len(version) < 10 else 0
        found = self.history.of(Stream(stream)) if stream and number else []
        if not 0 < number <= len(found):
            raise NoSuchFact(fact=ref)
        return found[number - 1]

    # Blast radius

    def touched(self, facts: Iterable[Fact]) -> list[Touched]:
        """Every bill that stands on any of the facts, or would if it were calculated now."""
        known_at = self.now()
        wanted: set[str] = set()
        found: dict[str, Bill] = {}
        for fact in facts:
            if isinstance(fact.event, RulesAdopted):
                found |= {bill.bill: bill for bill in self._of_earlier(fact, known_at)}
            wanted |= {fact.ref, *taken_back(fact, self.history.of(fact.stream))}
            for bill in self._candidates(fact, known_at):
                if bill.cancelled is None:
                    found.setdefault(bill.bill, bill)
        touched = []
        for bill in sorted(found.values(), key=lambda bill: (bill.since, bill.bill)):
            stands, refs = bill.issued + bill.corrected, {*unpacked(bill.newest.facts)}
            try:
                now = self.calculator.calculate(bill.account, period_of(bill), known_at)
            except Refused as no:
                touched.append(Touched(bill, stands, None, no))
                continue
            moves = wanted & {*refs, *unpacked(now.basis.facts)}
            if moves or wanted & {fact.ref for fact in self._adopted(bill)}:
                touched.append(Touched(bill, stands, now.total))
        return touched

    def _of_earlier(self, fact: Fact, known_at: int) -> Iterator[Bill]:
        """The bills of an earlier edition of the rules than the one adopted."""
        for bill in self.tables.find(bills, known_at=known_at):
            if bill.newest.edition < fact.event.edition:
                yield bill

    def _candidates(self, fact: Fact, known_at: int) -> Iterator[Bill]:
        for column, key, since in reach(fact):
            for account in self._accounts(column, key, known_at):
                yield from self.tables.find(
                    bills,
                    Where("account", "=", account),
                    Where("until", ">=", since),
                    known_at=known_at,
                )

    def _accounts(self, column: str, key: str, known_at: int) -> Iterable[str]:
        if column == "account":
            return (key,)
        if column == "tariff":
            supplied = self.tables.find(supplies, known_at=known_at)
            reached = [s for s in supplied if any(t.tariff == key for t in s.tariffs)]
        else:
            reached = self.tables.find(supplies, Where(column, "=", key), known_at=known_at)
        return dict.fromkeys(supply.account for supply in reached)


def period_of(bill: Bill) -> Period:
    """The period of a bill."""
    return Period(since=bill.since, until=bill.until)
