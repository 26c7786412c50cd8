"""Bills, notes, payments and returns in any order: the books balance, and all agree."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.billing.bill import Basis, BillCalculation, IssueBill
from domain.billing.correcting import CorrectBill
from domain.billing.lines import BillLine
from domain.books.chart import CREDIT_HELD, RECEIVABLE
from domain.catalogue import DECISIONS
from domain.customers.account import Account, AccountOpened
from domain.customers.account import accounts as kind
from domain.kit import Fact, Stream, Today
from domain.organisation.utility import UtilityEstablished
from domain.pricing.rating import Line
from domain.receivables.payment import ReceivePayment, ReversePayment
from domain.values import Period
from projections.books import journal, trial_balance
from projections.catalogue import PROJECTIONS
from projections.customers import accounts
from projections.kit.table import MemoryTables
from replay.billing.open_items import OpenItems

DAY = date(2026, 1, 1)
YEARS_LATER = date(2040, 1, 1)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
BASIS = Basis(position=0, tariffs=(), facts=(), edition=1)


class Books:
    """One account in memory, asked for money in and out; it remembers what happened."""

    def __init__(self) -> None:
        self.streams: defaultdict[Stream, list[Any]] = defaultdict(list)
        self.facts: list[Fact] = []
        self.lines: dict[str, tuple[BillLine, ...]] = {}
        self.open: list[str] = []
        self._remember(Stream("account-A1"), AccountOpened(customer="C1", on=DAY))
        self.streams[Stream("utility-settings")] = [
            UtilityEstablished(
                name="W", currency="GBP", zone="UTC", due_days=14, minor_digits=2, edition=1
            )
        ]

    @property
    def account(self) -> Account:
        folded: Account = kind.fold(self.streams[kind.stream("A1")])
        return folded

    def issue(self, amounts: dict[str, int], due_days: int) -> None:
        since = DAY + timedelta(days=len(self.lines))
        asked = IssueBill(
            account="A1", since=since, until=since + timedelta(days=1), on=since,
            due_days=due_days,
        )  # fmt: skip
        self.lines[asked.bill] = lines = lines_of(amounts, since)
        self._ask(asked, calculation=calculated(lines, since))

    def correct(self, n: int, amounts: dict[str, int]) -> None:
        if not self.lines:
            return
        bill = list(self.lines)[n % len(self.lines)]
        since = DAY + timedelta(days=n % len(self.lines))
        self.lines[bill] = lines = lines_of(amounts, since)
        asked = CorrectBill(account="A1", bill=bill, on=since + timedelta(days=9))
        self._ask(asked, calculation=calculated(lines, since))

    def receive(self, amount: int, day: int) -> None:
        payment = f"T{len(self.facts)}"
        self.open.append(payment)
        on = DAY + timedelta(days=day)
        self._ask(
            ReceivePayment(payment=payment, account="A1", amount=amount, method="cash", on=on)
        )

    def reverse(self, n: int) -> None:
        if self.open:
            payment = self.open.pop(n % len(self.open))
            on = DAY + timedelta(days=99)
            self._ask(ReversePayment(payment=payment, account="A1", reason="bounced", on=on))

    def _ask(self, asked: object, **needs: object) -> None:
        decision = DECISIONS[type(asked)]
        states = {
            stream: kind_.fold(self.streams[stream])
            for stream, (kind_, _) in decision.wanted(asked).items()
        }
        if any(need is Today for _, need in decision.needs):
            needs["today"] = Today(YEARS_LATER)
        happened = list(decision.decide(asked, **decision.given(asked, states), **needs))
        for stream, each in decision.routed(asked, happened):
            self._remember(stream, each)

    def _remember(self, stream: Stream, happened: object) -> None:
        self.streams[stream].append(happened)
        at, version = NOON + timedelta(seconds=len(self.facts)), len(self.streams[stream])
        position = len(self.facts) + 1
        self.facts.append(Fact(stream, version, happened, at, "ann", "any", "c", "", position))


def lines_of(amounts: dict[str, int], since: date) -> tuple[BillLine, ...]:
    """A line for each kind, and 13 % of value-added tax that the prices contain."""
    total = sum(amounts.values())
    tax = round(total * Decimal("0.13") / Decimal("1.13"))
    said = [*amounts.items(), ("tax", tax), ("tax-included", -tax)]
    return tuple(
        BillLine(
            point="P1",
            line=Line(
                code=name.removesuffix("-included"),
                kind=name, period="", tier=0, quantity=Decimal(total) / 100,
                unit="", rate=Decimal("0.13"), amount=amount, since=since,
                until=since + timedelta(days=1), tariff="R1", version=1,
            ),
        )
        for name, amount in said
    )  # fmt: skip


def calculated(lines: tuple[BillLine, ...], since: date) -> BillCalculation:
    return BillCalculation(
        period=Period(since=since, until=since + timedelta(days=1)),
        currency="GBP",
        lines=lines,
        total=sum(each.line.amount for each in lines),
        basis=BASIS,
    )


amounts = st.fixed_dictionaries(
    {"energy": st.integers(-300, 900), "capacity": st.integers(0, 300)}
)
moves = st.one_of(
    st.tuples(st.just("issue"), amounts, st.integers(0, 40)),
    st.tuples(st.just("correct"), st.integers(0, 9), amounts),
    st.tuples(st.just("receive"), st.integers(1, 900), st.integers(0, 50)),
    st.tuples(st.just("reverse"), st.integers(0, 9)),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(moves, max_size=14))
def test_money_moved_in_any_order_agrees_every_way(told: Iterable[tuple[Any, ...]]) -> None:
    books = Books()
    for what, *given_ in told:
        getattr(books, what)(*given_)
        account = books.account
        assert not (account.held and account.items), "credit is held beside an open item"
        assert account.held >= 0
        assert all(amount > 0 for amount in account.owed.values())

    tables, items = MemoryTables(PROJECTIONS).fold(books.facts), OpenItems()
    items.fold(books.facts)
    assert list(items.wrong(tables)) == []
    ledger = {row.code: row.balance for row in tables.rows(trial_balance)}
    row = tables.get(accounts, "A1")
    assert row is not None
    assert sum(ledger.values()) == 0
    assert ledger.get(RECEIVABLE, 0) == sum(books.account.owed.values())
    assert ledger.get(CREDIT_HELD, 0) == -row.held
    assert row.balance == sum(books.account.owed.values()) - row.held


@settings(max_examples=100, deadline=None)
@given(st.lists(moves, max_size=10))
def test_revenue_is_net_and_tax_stands_apart(told: Iterable[tuple[Any, ...]]) -> None:
    """Whatever was corrected: each class is its lines without the tax that they contain."""
    books = Books()
    for what, *given_ in told:
        getattr(books, what)(*given_)
    posted: Counter[str] = Counter()
    for line in MemoryTables(PROJECTIONS).fold(books.facts).rows(journal):
        posted[line.ledger_class] -= line.amount
    gross: Counter[str] = Counter()
    for lines in books.lines.values():
        for each in lines:
            gross[each.line.kind] += each.line.amount
    assert posted["tax"] == gross["tax"]
    nets = posted["energy"] + posted["capacity"] + posted["rounding"]
    assert nets == gross["energy"] + gross["capacity"] - gross["tax"]
    for name in ("energy", "capacity"):
        exact = sum(map(partial(net_of, name), books.lines.values()), Decimal(0))
        assert abs(posted[name] - exact) <= len(books.lines)


def net_of(name: str, lines: tuple[BillLine, ...]) -> Decimal:
    """What a class earns of a bill."""
    gross = sum(each.line.amount for each in lines if each.line.kind == name)
    return Decimal(gross) - tax_in(lines, name)


def tax_in(lines: tuple[BillLine, ...], name: str) -> Decimal:
    """The part of a bill's tax that is in the lines of a class."""
    by = {each.line.kind: Decimal(each.line.amount) for each in lines}
    total = by["energy"] + by["capacity"]
    return by["tax"] * by[name] / total if total else Decimal(0)


def test_a_debit_settles_the_oldest_item_and_says_when_that_was_due() -> None:
    books = Books()
    books.issue({"energy": 500}, due_days=40)
    books.issue({"energy": 300}, due_days=5)
    books.receive(400, day=3)
    received = books.facts[-1].event
    first = [(each.item, each.amount, each.due) for each in received.allocations]
    assert first == [
        ("A1-2026-01-02", 300, date(2026, 1, 7)),
        ("A1-2026-01", 100, date(2026, 2, 10)),
    ]
    books.reverse(0)
    assert [(item, open_.due) for item, open_ in books.account.items.items()] != []
    assert books.account.owed == {"A1-2026-01-02": 300, "A1-2026-01": 500}
    assert books.account.items["A1-2026-01-02"].due == date(2026, 1, 7)
