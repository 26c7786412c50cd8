"""The two ways into a utility that the story can take: in process, or over HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from api import past
from api.dispatch import RequestContext
from api.system import Lagging, System, caught_up
from domain.kit import Refused
from projections.books import journal
from projections.kit.table import Where
from projections.organisation import settings

PATIENCE = 10.0  # seconds for the tables to follow


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the utility, in a duty."""

    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Terms:
    """The currency of the books, and the zone of the calendar."""

    currency: str
    zone: str


@dataclass(frozen=True, slots=True)
class Told:
    """A fact as it is told outside."""

    position: int
    name: str  # "bill.issued"
    stream: str  # "bill-000120-2026-03"
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answered:
    """What a command led to: the positions of its facts, the version of each stream."""

    positions: tuple[int, ...]
    streams: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class BillThen:
    """A bill as it was known: minor units."""

    bill: str
    issued: int
    corrected: int
    outstanding: int


@dataclass(frozen=True, slots=True)
class Then:
    """An account as it was known: minor units."""

    balance: int
    bills: tuple[BillThen, ...]


@dataclass(frozen=True, slots=True)
class TouchedBill:
    """A bill that a fact touches, as it stands and as it is right now: minor units."""

    bill: str
    stands: int
    now: int


class SaidNo(Exception):
    """A command was refused; the message is the sentence of the rule, `code` its name."""

    def __init__(self, sentence: str, code: str) -> None:
        super().__init__(sentence)
        self.code = code


class Door(Protocol):
    """What the story asks of a utility."""

    def ask(self, asked: object, person: Person) -> Answered:
        """One command.  Raises SaidNo."""

    def terms(self) -> Terms | None:
        """What the utility is kept in; None before it is established."""

    def head(self) -> int:
        """The last position that is known of."""

    def facts(self, after: int) -> Iterator[Told]:
        """History after a position, in order, as the feed tells it."""

    def touched(self, fact: str) -> list[TouchedBill]:
        """The blast radius of a fact."""

    def then(self, account: str, known_at: int) -> Then:
        """An account as it was known at a position."""

    def ledger(self, account: str) -> dict[str, int]:
        """What is posted for an account, by ledger account: debits positive."""


class InProcess:
    """The utility in the data folder, without a server between."""

    def __init__(self, system: System) -> None:
        self.system = system

    def ask(self, asked: object, person: Person) -> Answered:
        context = RequestContext(person.name, person.role, "demo-story")
        try:
            given = self.system.dispatch(asked, context)
        except Refused as no:
            raise SaidNo(str(no), no.code) from no
        return Answered(given.positions, {str(s): v for s, v in given.streams.items()})

    def terms(self) -> Terms | None:
        self.head()
        found = self.system.tables.get(settings, "settings")
        return Terms(found.currency, found.zone) if found else None

    def head(self) -> int:
        return caught_up(self.system.history, self.system.tables)

    def facts(self, after: int) -> Iterator[Told]:
        for fact in self.system.history.since(after):
            yield Told(fact.position, fact.name, fact.stream, past.shown(fact).data)

    def touched(self, fact: str) -> list[TouchedBill]:
        found = self.system.billing.touched([self.system.billing.fact(fact)])
        return [
            TouchedBill(each.bill.bill, each.stands, each.now)
            for each in found
            if each.now is not None
        ]

    def then(self, account: str, known_at: int) -> Then:
        if not self.system.tables.wait_for(known_at, PATIENCE):
            raise Lagging
        found = past.at(self.system, f"account-{account}", known_at).account
        assert found is not None
        bills = (
            BillThen(bill.bill, bill.issued, bill.corrected, bill.outstanding)
            for bill in found.bills
        )
        return Then(found.balance, tuple(bills))

    def ledger(self, account: str) -> dict[str, int]:
        self.head()
        sums: dict[str, int] = {}
        for line in self.system.tables.find(journal, Where("account", "=", account)):
            sums[line.code] = sums.get(line.code, 0) + line.amount
        return sums
