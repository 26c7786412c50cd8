"""
The demo town, founded with the same commands as any utility, by people with their duties.

It can be broken off anywhere and begun again: what is on record already is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, TypeAlias

from api.demo.meters import ZONE, Day, Report, Sample, samples, synthetic
from api.demo.profiles import Habit, Household, codes, households
from api.demo.tariffs import EARLIER, ECONOMY, NAMES, STANDARD, TARIFFS
from api.dispatch import Answer, Dispatch, RequestContext
from api.system import System, caught_up
from domain.billing.bill import BillAlreadyIssued, IssueBill, bill_key
from domain.customers.account import AccountAlreadyOpen, OpenAccount, accounts
from domain.customers.customer import CustomerAlreadyRegistered, RegisterCustomer
from domain.kit import Refused
from domain.metering.meter import InstallMeter, MeterAlreadyInstalled, ReadMeter, Register
from domain.network.point import (
    EnergisePoint,
    OverlappingSupply,
    PointAlreadyEnergised,
    PointNotSupplied,
    SupplyPoint,
    VacatePoint,
)
from domain.organisation.utility import (
    EstablishUtility,
    SetTerms,
    UtilityAlreadyEstablished,
    utility,
)
from domain.pricing.tariff import ApproveTariff, DraftTariff, PublishTariff, tariffs
from domain.readings.intervals import RecordIntervals
from domain.receivables.payment import PaymentAlreadyReceived, ReceivePayment
from domain.values import month_of, next_month
from replay.billing.office import Billing

NAME = "Harbour Electric (demo)"
UNFINISHED = "Harbour Electric (demo, still being filled)"
YEAR = 2025  # of the synthetic households
ACCOUNTS = 300
MONTHS = 12  # of bills
HANDS = 16  # who ask at the same time, so that their facts are written together
FIRST_SYNTHETIC = 100  # household 20 has the account 000120
BILLED = {0: date(2021, 12, 1), 1: date(2012, 11, 1), 2: date(2012, 3, 1)}
"""The first month that is billed of each real meter."""
TWO_RATES = 2  # the real meter of a house that heats at night

DONE_BEFORE = (
    AccountAlreadyOpen,
    BillAlreadyIssued,
    CustomerAlreadyRegistered,
    MeterAlreadyInstalled,
    OverlappingSupply,
    PaymentAlreadyReceived,
    PointAlreadyEnergised,
    UtilityAlreadyEstablished,
)
"""What a command is answered that was given before the founding was broken off."""

REAL = (
    "a real British household, unnamed: package opendsm 1.2.7 (Apache-2.0)",
    "Somewhere in Britain",
)
MADE = ("synthetic: made from the standard load profile BDEW H25", "Nowhere")
NO_METERS = (
    "The real meters are not at hand (the wheel of opendsm 1.2.7 in the folder demo-wheels of"
    " the environment): synthetic ones take their places."
)

Job: TypeAlias = Callable[[], None]
Progress: TypeAlias = Callable[[str, int, int], None]  # what is done, how much of how much


@dataclass(slots=True)
class Founded:
    """What there is now."""

    utility: str
    accounts: int
    commands: int
    bills: int
    payments: int
    facts: int  # recorded by this founding
    head: int
    meters: list[Report] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


def wanted(system: System) -> bool:
    """Whether there is nothing yet, or a founding that was broken off."""
    return system.history.head() == 0 or _known(system) == UNFINISHED


def _known(system: System) -> str:
    """The name of the utility; empty before it is established."""
    seen = system.history.states({"utility": (utility, utility.stream("settings"))})
    return str(seen["utility"].state.name)


def found(
    system: System,
    *,
    count: int = ACCOUNTS,
    meters: Path | None = None,
    months: int = MONTHS,
    progress: Progress = lambda *_: None,
) -> Founded:
    """
    Found the town, with `count` synthetic households and the real meters that are at hand.

    Raises Refused if the data folder holds another utility, ValueError for a meter file that
    cannot be read.
    """
    known = _known(system)
    if known not in ("", NAME, UNFINISHED):
        raise UtilityAlreadyEstablished(name=known)
    real = samples(meters)
    here = real or [synthetic(number, YEAR) for number in BILLED]
    return _Town(system, progress, months).found(count, here)


class _Town:
    def __init__(self, system: System, progress: Progress, months: int) -> None:
        self.system, self.progress, self.months = system, progress, months
        self.dispatch = system.dispatch
        self.commands = self.bills = self.payments = 0

    def found(self, count: int, real: list[Sample]) -> Founded:
        """All of it, in three rounds: what there is, what was measured, what is owed."""
        before = self.system.history.head()
        homes = list(households(count, YEAR))
        self._ask("admin", EstablishUtility(name=UNFINISHED, currency="GBP", zone=ZONE))
        self._tariffs()
        self._round("Accounts, points and meters", self._places(real, homes))
        self._round("Readings and interval days", self._measurements(real, homes))
        self.dispatch = self._reckoning_at(
            caught_up(self.system.history, self.system.tables, 60)
        )
        self._round("Bills and payments", self._accounting(real, homes))
        self._ask("admin", SetTerms(name=NAME, due_days=14))
        head = self.system.history.head()
        return Founded(
            utility=NAME,
            accounts=len(homes) + len(real),
            commands=self.commands,
            bills=self.bills,
            payments=self.payments,
            facts=head - before,
            head=head,
            meters=[sample.report for sample in real],
            said=[] if all(sample.real for sample in real) else [NO_METERS],
        )

    def _ask(
        self, role: str, asked: object, done: tuple[type[Refused], ...] = DONE_BEFORE
    ) -> Answer | None:
        """One command; None if it was answered before."""
        self.commands += 1
        try:
            return self.dispatch(asked, RequestContext(f"demo-{role}", role, "demo-town"))
        except done:
            return None

    def _round(self, told: str, jobs: Iterable[Job]) -> None:
        waiting = list(jobs)
        hands = ThreadPoolExecutor(HANDS)
        try:
            for done, _ in enumerate(hands.map(lambda job: job(), waiting), 1):
                self.progress(told, done, len(waiting))
        finally:
            hands.shutdown(cancel_futures=True)

    def _reckoning_at(self, position: int) -> Dispatch:
        """Everything measured is known at a position: all bills are calculated there."""
        billing = Billing(self.system.history, self.system.tables, lambda: position)
        return Dispatch(self.system.history, billing.supplies)

    def _tariffs(self) -> None:
        for tariff, prices in TARIFFS.items():
            stream = tariffs.stream(tariff)
            known = self.system.history.states({"tariff": (tariffs, stream)})["tariff"].state
            for published in prices[len(known.versions) :]:
                document = published.document(NAMES[tariff])
                self._ask("analyst", DraftTariff(tariff=tariff, document=document))
                self._ask("supervisor", ApproveTariff(tariff=tariff))
                self._ask("supervisor", PublishTariff(tariff=tariff, since=published.since))

    # What there is

    def _places(self, real: list[Sample], homes: list[Household]) -> Iterator[Job]:
        for sample in real:
            yield partial(self._sample_place, sample)
        for home in homes:
            yield partial(self._home_place, home)

    def _sample_place(self, sample: Sample) -> None:
        key = sample_key(sample.number)
        first = sample.days[0].day
        if sample.real:
            name, contact, address = (f"Real meter, sample {sample.number}", *REAL)
        else:
            name, contact, address = (f"Synthetic meter {sample.number}", *MADE)
        self._customer(key, name, contact, first)
        self._point(key, address, first, (Register(code="1.8.0"),), {"1.8.0": 0})
        one_rate = EARLIER if sample.real else STANDARD
        self._supply(key, ECONOMY if sample.number == TWO_RATES else one_rate, first)

    def _home_place(self, home: Household) -> None:
        key, first = home_key(home.number), min(home.readings)
        self._customer(key, home.name, home.contact, first)
        labels = {"1.8.1": "day", "1.8.2": "night"}
        registers = tuple(
            Register(code=code, label=labels.get(code)) for code in codes(home.two_rates)
        )
        self._point(key, home.address, first, registers, home.readings[first])
        self._supply(key, ECONOMY if home.two_rates else STANDARD, first)

    def _customer(self, key: str, name: str, contact: str, on: date) -> None:
        self._ask("clerk", RegisterCustomer(customer=f"C{key}", name=name, contact=contact))
        self._ask("clerk", OpenAccount(account=key, customer=f"C{key}", on=on))

    def _point(
        self, key: str, address: str, on: date, registers: tuple[Register, ...], readings: Any
    ) -> None:
        self._ask("clerk", EnergisePoint(point=f"P{key}", address=address, on=on))
        self._ask(
            "metering",
            InstallMeter(
                meter=f"M{key}", point=f"P{key}", registers=registers, readings=readings, on=on
            ),
        )

    def _supply(self, key: str, tariff: str, since: date) -> None:
        supply = SupplyPoint(point=f"P{key}", account=key, tariff=tariff, since=since)
        self._ask("clerk", supply)

    def _end(self, sample: Sample) -> None:
        """After the last day of a real meter nobody takes supply there any more."""
        point, until = f"P{sample_key(sample.number)}", sample.days[-1].day + timedelta(days=1)
        self._ask("clerk", VacatePoint(point=point, until=until), (PointNotSupplied,))

    # What was measured

    def _measurements(self, real: list[Sample], homes: list[Household]) -> Iterator[Job]:
        for sample in real:
            if sample.real:
                yield partial(self._end, sample)
            for _, days in groupby(sample.days, lambda day: month_of(day.day)):
                yield partial(self._sample_days, sample, list(days))
        for home in homes:
            yield partial(self._home_readings, home)

    def _sample_days(self, sample: Sample, days: list[Day]) -> None:
        for day in days:
            self._ask(
                "reader",
                RecordIntervals(
                    point=f"P{sample_key(sample.number)}",
                    day=day.day,
                    minutes=sample.minutes,
                    wh=day.wh,
                    quality=day.quality,
                ),
            )

    def _home_readings(self, home: Household) -> None:
        for day in sorted(home.readings)[1:]:
            self._ask(
                "reader",
                ReadMeter(
                    meter=f"M{home_key(home.number)}",
                    readings=home.readings[day],
                    on=day,
                    source="customer" if day in home.by_customer else "reader",
                ),
            )

    # What is owed

    def _accounting(self, real: list[Sample], homes: list[Household]) -> Iterator[Job]:
        for sample in real:
            first = BILLED[sample.number] if sample.real else date(YEAR, 1, 1)
            yield partial(self._bills, sample_key(sample.number), first, "prompt")
        for home in homes:
            yield partial(self._bills, home_key(home.number), min(home.readings), home.habit)

    def _bills(self, account: str, first: date, habit: Habit) -> None:
        since = first
        for month in range(self.months):
            until = next_month(since)
            on = until + timedelta(days=2)
            self._ask("billing", IssueBill(account=account, since=since, until=until, on=on))
            self.bills += 1
            self._pay(account, bill_key(account, since), on, habit, self.months - month)
            since = until

    def _pay(self, account: str, bill: str, on: date, habit: Habit, left: int) -> None:
        stream = accounts.stream(account)
        state = self.system.history.states({"account": (accounts, stream)})["account"].state
        amount = paid(state.owed.get(bill, 0), habit, left)
        if amount <= 0:
            return
        self.payments += 1
        days = 35 if habit == "late" else 14
        self._ask(
            "cashier",
            ReceivePayment(
                payment=f"DD-{bill}",
                account=account,
                amount=amount,
                method="direct-debit" if habit == "prompt" else "transfer",
                on=on + timedelta(days=days),
            ),
        )


def paid(owed: int, habit: Habit, left: int) -> int:
    """What a household pays of a bill, in pence; `left` is how many bills are left, with it."""
    match habit:
        case "prompt":
            return owed if left > 1 or owed % 2 else 0  # of the last bills half are still due
        case "late":
            return owed if left > 1 else 0
        case "partly":
            return owed if left > 2 else owed // 2
        case "ahead":
            return -(-owed // 1000) * 1000  # rounded up to ten pounds
        case "stops":
            return owed if left > 4 else 0


def sample_key(number: int) -> str:
    """The account of a real meter; its customer, point and meter begin with C, P and M."""
    return f"{number + 1:06}"


def home_key(number: int) -> str:
    """The account of a synthetic household."""
    return f"{FIRST_SYNTHETIC + number:06}"
