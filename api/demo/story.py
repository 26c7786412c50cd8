"""
The story: from a meter on the wall to three corrected bills, told while it happens.

Every run has keys of its own, so that it can be run as often as one likes, in any utility whose
books are in pounds.  Nothing in it is done but by commands, each by somebody whose duty it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from api.demo import cast
from api.demo.doors import Answered, Door, Person, SaidNo, Then, Told, TouchedBill
from api.demo.meters import ZONE
from api.demo.tariffs import (
    ECONOMY,
    ECONOMY_PRICES,
    NAMES,
    STANDARD,
    STANDARD_PRICES,
    Published,
)
from domain.billing.bill import IssueBill, bill_key
from domain.billing.correcting import CorrectBill
from domain.books.chart import CHART
from domain.customers.account import OpenAccount
from domain.customers.customer import RegisterCustomer
from domain.metering.meter import InstallMeter, ReadMeter, ReportMeterError
from domain.network.point import EnergisePoint, SupplyPoint
from domain.organisation.utility import EstablishUtility
from domain.pricing.tariff import ApproveTariff, DraftTariff, PublishTariff
from domain.readings.intervals import RecordIntervals
from domain.receivables.payment import ReceivePayment
from domain.values import amount_text, next_month

CURRENCY = "GBP"
PLACES = (
    (1, "1 Quay Side: the shop", STANDARD, cast.MULTIPLIER),
    (2, "1 Quay Side: the flat", ECONOMY, 1),
)
REPLAY = "wattledger replay account-{account} --known-at {position}"


@dataclass(slots=True)
class Chapter:
    """What happened in one step, in sentences."""

    number: int
    title: str
    said: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Figures:
    """What the story came to: minor units, and positions."""

    account: str
    bills: dict[str, int] = field(default_factory=dict)  # as issued
    notes: dict[str, int] = field(default_factory=dict)  # what the correction of each added
    causes: dict[str, list[str]] = field(default_factory=dict)  # the facts that made it
    before: int = 0  # the position before the late fact
    after: int = 0  # the last position of the story
    balance_before: int = 0
    balance_after: int = 0
    balance_of_feed: int = 0
    ledger: dict[str, int] = field(default_factory=dict)


class StoryBroke(Exception):
    """The story cannot be told here, or its figures do not tie."""


Tell = Callable[[Chapter, str], None]  # a sentence, as it happens; "" opens the chapter


class Story:
    """One run, through a door, under keys that end with a tag."""

    def __init__(
        self, door: Door, tag: str, tell: Tell = lambda *_: None, replay: str = REPLAY
    ) -> None:
        """`replay` is the command line that shows an account at a position."""
        self.door, self.tag, self.tell, self.replay = door, tag, tell, replay
        self.chapters: list[Chapter] = []
        self.account, self.zone = f"S{tag}", ZONE
        self.figures = Figures(self.account)

    def run(self) -> Figures:
        """
        All five steps.

        Raises what the door raises, StoryBroke when figures differ.
        """
        self._chapter("A customer, two service points, two meters, two tariffs")
        self._utility()
        self._tariff(STANDARD, STANDARD_PRICES[-1])
        self._tariff(ECONOMY, ECONOMY_PRICES[-1])
        self._places()
        self._chapter("Readings and interval days; three bills, two paid and one partly")
        self._measurements()
        self._bills()
        self._chapter("A late fact: a meter has been 6 % fast since the middle of October")
        self._found_fast()
        self._chapter("The account as it was known before, and as it is known now")
        self._known_then()
        self._chapter("The feed, read from the beginning by somebody else")
        self._feed()
        return self.figures

    # How it is told

    def _chapter(self, title: str) -> None:
        self.chapters.append(Chapter(len(self.chapters) + 1, title))
        self.tell(self.chapters[-1], "")

    def _say(self, sentence: str) -> None:
        self.chapters[-1].said.append(sentence)
        self.tell(self.chapters[-1], sentence)

    def _ask(self, person: Person, asked: object, told: str = "") -> Answered:
        given = self.door.ask(asked, person)
        if told:
            where = f" [{_positions(given.positions)}]" if given.positions else ""
            self._say(f"{person.name} ({person.role}) {told}{where}")
        return given

    # 1. What there is

    def _utility(self) -> None:
        terms = self.door.terms()
        if terms is None:
            founded = EstablishUtility(name="Story Electric", currency=CURRENCY, zone=ZONE)
            self._ask(cast.ADMIN, founded, f"establishes the utility, in {CURRENCY} and {ZONE}")
        elif terms.currency != CURRENCY:
            told = f"the story is in {CURRENCY}, and the books here are in {terms.currency}"
            raise StoryBroke(f"{told}; give it a data folder of its own")
        else:
            self.zone = terms.zone

    def _tariff(self, tariff: str, published: Published) -> None:
        key, document = f"{tariff}-{self.tag}", published.document(NAMES[tariff])
        self._ask(cast.ANALYST, DraftTariff(tariff=key, document=document), f"drafts {key}")
        self._say(f"  source of its prices: {document.source}")
        self._ask(cast.SUPERVISOR, ApproveTariff(tariff=key), "approves it, as a second person")
        publish = PublishTariff(tariff=key, since=cast.SINCE)
        self._ask(cast.SUPERVISOR, publish, f"publishes it from {cast.SINCE} on")

    def _places(self) -> None:
        customer, tag = f"C{self.tag}", self.tag
        name = "The Corner Shop (of the story)"
        self._ask(
            cast.CLERK, RegisterCustomer(customer=customer, name=name), f"registers {name}"
        )
        opened = OpenAccount(account=self.account, customer=customer, on=cast.SINCE)
        self._ask(cast.CLERK, opened, f"opens account {self.account}")
        for n, address, tariff, multiplier in PLACES:
            point, meter = f"P{tag}-{n}", f"M{tag}-{n}"
            energised = EnergisePoint(point=point, address=address, on=cast.SINCE)
            self._ask(cast.CLERK, energised, f"energises {point}, {address}")
            installed = InstallMeter(
                meter=meter,
                point=point,
                registers=cast.REGISTERS,
                multiplier=multiplier,
                readings=cast.AT_FIRST,
                on=cast.SINCE,
            )
            told = f"installs {meter}: five digits at 04120, each kWh counts {multiplier}"
            self._ask(cast.FITTER, installed, told)
            supplied = SupplyPoint(
                point=point, account=self.account, tariff=f"{tariff}-{tag}", since=cast.SINCE
            )
            self._ask(
                cast.CLERK, supplied, f"lets the account take supply under {tariff}-{tag}"
            )

    # 2. What is measured, billed and paid

    def _measurements(self) -> None:
        for on, reading in cast.READINGS.items():
            read = ReadMeter(
                meter=f"M{self.tag}-1", readings={"1.8.0": reading}, on=on, source="reader"
            )
            self._ask(cast.READER, read, f"reads M{self.tag}-1 on {on}: {reading:05}")
        first = last = 0
        days = list(cast.interval_days(f"P{self.tag}-2", self.zone))
        for day in days:
            given = self.door.ask(day, cast.READER)
            first, last = first or given.positions[0], given.positions[-1]
        told = f"{len(days)} days of half-hours arrive for P{self.tag}-2; {_clock_change(days)}"
        self._say(f"{told} [{first}-{last}]")

    def _bills(self) -> None:
        for month in cast.MONTHS:
            until = next_month(month)
            asked = IssueBill(
                account=self.account, since=month, until=until, on=until + timedelta(days=2)
            )
            given = self._ask(cast.BILLING, asked)
            known = self._then(given.positions[-1])
            issued = next(bill for bill in known.bills if bill.bill == asked.bill).issued
            self.figures.bills[asked.bill] = issued
            told = f"issues bill {asked.bill}: {_money(issued)}"
            self._say(f"Bea (billing) {told} [{_positions(given.positions)}]")
            self._pay(asked.bill, issued if month != cast.MONTHS[-1] else issued // 2)

    def _pay(self, bill: str, amount: int) -> None:
        owed = self.figures.bills[bill]
        paid = ReceivePayment(
            payment=f"PAY-{bill}",
            account=self.account,
            amount=amount,
            method="transfer",
            on=cast.CORRECTED_ON - timedelta(days=5),
        )
        part = "all of it" if amount == owed else f"half of it, of {_money(owed)}"
        self._ask(cast.CASHIER, paid, f"receives {_money(amount)}, {part}")

    # 3. The late fact

    def _found_fast(self) -> None:
        self.figures.before = self.door.head()
        before = self._then(self.figures.before)
        self.figures.balance_before = before.balance
        self._say(
            f"The account owes {_money(before.balance)}, at position {self.figures.before}"
        )
        meter = f"M{self.tag}-1"
        found = ReportMeterError(
            meter=meter,
            error=cast.ERROR,
            since=cast.FAST_SINCE,
            reference=f"test bench, certificate {self.tag}",
        )
        told = f"reports {meter} as 6 % fast since {cast.FAST_SINCE}"
        given = self._ask(cast.FITTER, found, told)
        stream = f"meter-{meter}"
        touched = self.door.touched(f"{stream}@{given.streams[stream]}")
        self._say(f"Blast radius of {stream}@{given.streams[stream]}: {len(touched)} bills")
        for each in touched:
            stands, now = _money(each.stands), _money(each.now)
            difference = _money(each.now - each.stands)
            self._say(f"  {each.bill} stands at {stands}, is now {now}: {difference}")
        self._out_of_order()
        self._correct(touched)
        self.figures.after = self.door.head()
        self._issued_stay()
        self._follow()

    def _out_of_order(self) -> None:
        last = bill_key(self.account, cast.MONTHS[-1])
        asked = CorrectBill(account=self.account, bill=last, on=cast.CORRECTED_ON)
        try:
            self.door.ask(asked, cast.BILLING)
        except SaidNo as no:
            self._say(f"Bea (billing) wants to correct {last} first, and is refused: {no}")
            return
        raise StoryBroke(f"{last} was corrected before the bills that it stands on")

    def _correct(self, touched: Iterable[TouchedBill]) -> None:
        for each in touched:
            asked = CorrectBill(account=self.account, bill=each.bill, on=cast.CORRECTED_ON)
            given = self.door.ask(asked, cast.BILLING)
            note = self._told(given.positions, "bill.corrected")
            self.figures.notes[each.bill] = note.data["total"]
            causes = [cause["fact"] for cause in note.data["causes"]]
            self.figures.causes[each.bill] = causes
            told = f"corrects {each.bill} by {_money(note.data['total'])}"
            because = f"because of {', '.join(causes)}"
            self._say(f"Bea (billing) {told}, {because} [{_positions(given.positions)}]")
            if note.data["total"] != each.now - each.stands:
                raise StoryBroke(f"the note on {each.bill} is not the difference")

    def _told(self, positions: Iterable[int], name: str) -> Told:
        wanted = set(positions)
        for fact in self.door.facts(min(wanted) - 1):
            if fact.position in wanted and fact.name == name:
                return fact
        raise StoryBroke(f"no {name} at {sorted(wanted)}")

    def _issued_stay(self) -> None:
        now = {bill.bill: bill for bill in self._then(self.figures.after).bills}
        for key, issued in self.figures.bills.items():
            if now[key].issued != issued:
                raise StoryBroke(f"bill {key} was issued at {issued}, and is {now[key].issued}")
            note = _money(now[key].corrected)
            self._say(f"Bill {key} still reads {_money(issued)}; its note {note} is beside it")

    def _follow(self) -> None:
        self.figures.balance_after = self._then(self.figures.after).balance
        self.figures.ledger = self.door.ledger(self.account)
        told = f"The account owes {_money(self.figures.balance_after)}"
        self._say(f"{told}, at position {self.figures.after}; the ledger for it:")
        for code, amount in sorted(self.figures.ledger.items()):
            self._say(f"  {code} {CHART[code]:45} {_money(amount):>12}")
        if sum(self.figures.ledger.values()):
            raise StoryBroke("the ledger is not balanced")

    # 4. Then and now

    def _known_then(self) -> None:
        for position in (self.figures.before, self.figures.after):
            known = self._then(position)
            self._say(f"Known at {position}: the balance is {_money(known.balance)}")
            for bill in known.bills:
                noted = f", noted {_money(bill.corrected)}" if bill.corrected else ""
                open_ = f"open {_money(bill.outstanding)}"
                self._say(f"  {bill.bill} issued {_money(bill.issued)}{noted}, {open_}")
            shown = self.replay.format(account=self.account, position=position)
            self._say(f"  {shown}")

    def _then(self, position: int) -> Then:
        return self.door.then(self.account, position)

    # 5. Somebody else

    def _feed(self) -> None:
        balance, read = added_up(self.door.facts(0), self.account)
        self.figures.balance_of_feed = balance
        self._say(f"{read} facts add up to {_money(balance)} for account {self.account}")
        if balance != self.figures.balance_after:
            raise StoryBroke("the feed does not add up to the balance")
        self._say("That is its balance, to the penny")


def added_up(facts: Iterable[Told], account: str) -> tuple[int, int]:
    """All that a client of the feed does to know a balance; and how many facts it read."""
    signs = {
        "account.debited": +1,
        "account.credited": -1,
    }
    balance = read = 0
    for fact in facts:
        read += 1
        if fact.stream == f"account-{account}":
            balance += signs.get(fact.name, 0) * fact.data.get("amount", 0)
    return balance, read


def _money(minor: int) -> str:
    return f"{amount_text(minor, CURRENCY)} {CURRENCY}"


def _positions(positions: tuple[int, ...]) -> str:
    first, last = positions[0], positions[-1]
    return str(first) if first == last else f"{first}-{last}"


def _clock_change(days: Iterable[RecordIntervals]) -> str:
    odd = [day for day in days if len(day.wh) != 48]
    return ", ".join(f"{day.day} has {len(day.wh)}" for day in odd) or "each has 48"
