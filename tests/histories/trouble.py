"""
A small utility to which anything happens: two customers, three accounts, four points.

`Trouble` plays a history from a number, always the same: months are read and billed, not
always in order, and in between and afterwards happens what `moves` propose.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any, TypeVar

from domain.billing.bill import IssueBill
from domain.billing.correcting import CorrectBill
from domain.customers.account import OpenAccount
from domain.customers.customer import RegisterCustomer
from domain.kit import Fact, Refused
from domain.metering.meter import InstallMeter, ReadMeter, Register
from domain.metering.meter.events import Source
from domain.network.point import EnergisePoint, SupplyPoint
from domain.organisation.utility import EstablishUtility
from domain.pricing.charges import Block, Demand, Energy, Fixed, Percentage, Ratchet, Rate
from domain.pricing.tariff import ApproveTariff, DraftTariff, PublishTariff, TariffDocument
from domain.readings.intervals import RecordIntervals, intervals_in
from projections.billing import Bill, bills
from projections.kit.table import Projection
from tests.world import NEW_YEAR, World

R = TypeVar("R")
T = TypeVar("T")

MONTHS = tuple(date(2026, month, 1) for month in (1, 2, 3, 4))
LATER = date(2026, 6, 1)
ACCOUNTS = {"A1": ("P1", "P2"), "A2": ("P3",), "A3": ("P4",)}
TARIFFS = {"P1": "FLAT", "P2": "STEPS", "P3": "STEPS", "P4": "WORKS"}
TOTAL = Register(code="1.8.0")


def document(tariff: str, price: Decimal) -> TariffDocument:
    """A tariff of the kind its key says, at a price a kWh."""
    energy: dict[str, Any] = {"rates": (Rate(price=price),)}
    charges: list[Any] = [Percentage(code="vat", rate=Decimal("0.05"))]
    match tariff:
        case "STEPS":
            blocks = (Block(upto=Decimal(500), price=price), Block(price=2 * price))
            energy = {"rates": (Rate(blocks=blocks),), "blocks_per": "year-to-date"}
        case "WORKS":
            rates = (Rate(price=Decimal(3)),)
            ratchet = Ratchet(share=Decimal("0.8"))
            charges.insert(0, Demand(code="demand", rates=rates, ratchet=ratchet))
        case _:
            charges.insert(0, Fixed(code="standing", price=Decimal("0.40"), per="day"))
    charges.insert(0, Energy(code="energy", **energy))
    return TariffDocument(name=tariff, currency="GBP", charges=tuple(charges))


class Trouble:
    """One utility, and the chance that rules it."""

    def __init__(self, seed: int) -> None:
        self.seed, self.rng, self.world = seed, Random(seed), World()
        self.asked = Counter[type]()
        self.number = 0
        self._found()

    # What happens to it

    def ask(self, command: object | None, by: str = "ann") -> list[Fact]:
        """What came of it: nothing where there was nothing to ask, or it was refused."""
        if command is None:
            return []
        try:
            made = self.world.ask(command, by)
        except Refused:
            return []
        self.asked[type(command)] += bool(made)
        return made

    def bill(self, account: str, month: int) -> list[Fact]:
        """Issue the bill of the n-th month, if it can be."""
        since, until = MONTHS[month : month + 2]
        return self.ask(IssueBill(account=account, since=since, until=until, on=until))

    def read(self, meter: str, on: date) -> ReadMeter:
        """A plausible reading of a meter, or one that is somewhat off."""
        source: Source = self.any(("reader", "remote", "customer", "estimate"))
        shown = self.shown(on)
        if source == "estimate" and self.rng.random() < 0.5:  # an actual one disproves it
            shown = {code: value + 150 for code, value in shown.items()}
        return ReadMeter(meter=meter, readings=shown, on=on, source=source)

    def correct(self) -> list[Fact]:
        """Bring every bill to what is known, those of an account in order."""
        rows = sorted(self.standing, key=lambda row: (row.account, row.since))
        return [
            fact
            for row in rows
            for fact in self.ask(CorrectBill(account=row.account, bill=row.bill, on=LATER))
        ]

    # What there is

    @property
    def bills(self) -> list[Bill]:
        return list(self.world.tables.rows(bills))

    @property
    def standing(self) -> list[Bill]:
        """The bills that are not cancelled."""
        return [bill for bill in self.bills if bill.cancelled is None]

    @property
    def head(self) -> int:
        return len(self.world.facts)

    def any(self, among: Iterable[T]) -> T:
        """One of several."""
        return self.rng.choice(list(among))

    def some(self, projection: Projection[R]) -> R | None:
        """A row that there is, if any."""
        rows = list(self.world.tables.rows(projection))
        return self.rng.choice(rows) if rows else None

    def day(self, least: date = NEW_YEAR) -> date:
        """The first of a month, or any day."""
        if self.rng.random() < 0.5:
            return max(least, self.any(MONTHS))
        return max(least, NEW_YEAR + timedelta(days=self.rng.randrange(100)))

    def shown(self, on: date, times: int = 1) -> dict[str, Decimal]:
        """About ten kWh a day since New Year."""
        days = max((on - NEW_YEAR).days, 0)
        return {"1.8.0": Decimal(100 + times * (10 * days + self.rng.randrange(-9, 10)))}

    def fresh(self, kind: str) -> str:
        """A key that nothing has yet."""
        self.number += 1
        return f"{kind}{self.number}"

    # How it begins

    def _found(self) -> None:
        ask = self.world.ask
        ask(EstablishUtility(name="Wattle", currency="GBP", zone="Europe/London"))
        ask(RegisterCustomer(customer="C1", name="Ada"))
        for tariff in ("FLAT", "STEPS", "WORKS"):
            self.publish(tariff, NEW_YEAR, Decimal("0.25"))
        for account, points in ACCOUNTS.items():
            ask(OpenAccount(account=account, customer="C1", on=NEW_YEAR))
            for point in points:
                ask(EnergisePoint(point=point, address=f"{point} Mill Lane", on=NEW_YEAR))
                tariff = TARIFFS[point]
                ask(SupplyPoint(point=point, account=account, tariff=tariff, since=NEW_YEAR))
                self._meter(f"M{point}", point)

    def _meter(self, meter: str, point: str) -> None:
        shown = {"1.8.0": Decimal(100)}
        self.world.ask(
            InstallMeter(
                meter=meter, point=point, registers=(TOTAL,), readings=shown, on=NEW_YEAR
            )
        )

    def publish(self, tariff: str, since: date, price: Decimal) -> list[Fact]:
        """Draft, approve, publish."""
        self.ask(DraftTariff(tariff=tariff, document=document(tariff, price)))
        self.ask(ApproveTariff(tariff=tariff), "bea")
        return self.ask(PublishTariff(tariff=tariff, since=since))

    def measure(self, month: int) -> None:
        """Record the days of a month at the works, but perhaps one."""
        day, until = MONTHS[month : month + 2]
        missing = self.day() if self.rng.random() < 0.2 else None
        while day < until:
            count = intervals_in(day, 60, "Europe/London")
            wh = tuple(self.rng.choices(range(200, 900, 50), k=count))
            if day != missing:
                self.ask(RecordIntervals(point="P4", day=day, minutes=60, wh=wh))
            day += timedelta(days=1)


def shuffled(rng: Random, several: Sequence[T], chance: float) -> list[T]:
    """In order, or with some chance in another one."""
    made = list(several)
    if rng.random() < chance:
        rng.shuffle(made)
    return made
