"""A small utility, founded and billed through real commands on a real database: for tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import SecretStr, TypeAdapter

from api.dispatch import Answer, RequestContext
from api.settings import Settings
from api.system import System, opened
from domain.billing.bill import IssueBill, bill_key
from domain.billing.correcting import CorrectBill
from domain.customers.account import OpenAccount
from domain.customers.customer import RegisterCustomer
from domain.metering.meter import InstallMeter, ReadMeter, Register, ReportMeterError
from domain.network.point import EnergisePoint, SupplyPoint
from domain.organisation.utility import EstablishUtility
from domain.pricing.tariff import ApproveTariff, DraftTariff, PublishTariff, TariffDocument
from domain.readings.intervals import RecordIntervals, intervals_in
from domain.receivables.payment import ReceivePayment
from domain.values import next_month

FOUNDED = date(2025, 12, 1)
MONTHS = (date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1))
KWH = 310  # what a home of the town uses in a month

FLAT: dict[str, Any] = {
    "name": "Home, one rate",
    "currency": "GBP",
    "charges": [
        {"kind": "fixed", "code": "standing", "price": "0.50", "per": "day"},
        {
            "kind": "energy",
            "code": "energy",
            "title": "Electricity",
            "rates": [{"price": "0.25"}],
        },
        {"kind": "tax", "code": "VAT", "rate": "0.05"},
    ],
}
NIGHT: dict[str, Any] = {
    "name": "Home, night rate",
    "currency": "GBP",
    "schedules": [
        {
            "name": "economy",
            "otherwise": "day",
            "windows": [{"period": "night", "since": "00:30", "until": "07:30"}],
        }
    ],
    "charges": [
        {"kind": "fixed", "code": "standing", "price": "0.55", "per": "day"},
        {
            "kind": "energy",
            "code": "energy",
            "schedule": "economy",
            "rates": [
                {"period": "day", "price": "0.30"},
                {"period": "night", "price": "0.12"},
            ],
        },
        {"kind": "tax", "code": "VAT", "rate": "0.05"},
    ],
}


@dataclass(frozen=True, slots=True)
class Town:
    """Its system, and short words for what happens in it; days are local days."""

    system: System

    def ask(self, command: object, by: str = "clerk", role: str = "admin") -> Answer:
        """Ask for a command; nothing is retried or caught."""
        return self.system.dispatch(command, RequestContext(by, role))

    def found(self) -> None:
        """Establish the utility and publish its two tariffs."""
        self.ask(EstablishUtility(name="Harbour Light", currency="GBP", zone="Europe/London"))
        self.publish("FLAT", FLAT)
        self.publish("NIGHT", NIGHT)

    def publish(self, tariff: str, said: dict[str, Any], since: date = FOUNDED) -> Answer:
        """Draft, approve by a second person, publish."""
        document = TypeAdapter(TariffDocument).validate_python(said)
        self.ask(DraftTariff(tariff=tariff, document=document), by="anna", role="analyst")
        self.ask(ApproveTariff(tariff=tariff), by="boris", role="supervisor")
        return self.ask(PublishTariff(tariff=tariff, since=since), by="boris")

    def home(self, number: int, tariff: str = "FLAT") -> str:
        """A customer, an account, a point and a meter, all of one number; the account."""
        key = f"{number:06}"
        customer, point = f"C{key}", f"P{key}"
        self.ask(RegisterCustomer(customer=customer, name=f"Customer {number}"))
        self.ask(OpenAccount(account=key, customer=customer, on=FOUNDED))
        self.ask(EnergisePoint(point=point, address=f"{number} Quay Street", on=FOUNDED))
        self.ask(SupplyPoint(point=point, account=key, tariff=tariff, since=MONTHS[0]))
        self.ask(
            InstallMeter(
                meter=f"M{key}",
                point=point,
                registers=(Register(code="1.8.0"),),
                readings={"1.8.0": Decimal(1000)},
                on=MONTHS[0],
            )
        )
        return key

    def read(self, account: str, month: int = 3, kwh: int = KWH) -> None:
        """Read the meter of a home at the end of each of the first so many months."""
        for n, since in enumerate(MONTHS[:month], 1):
            reading = Decimal(1000 + n * kwh)
            self.ask(
                ReadMeter(
                    meter=f"M{account}",
                    readings={"1.8.0": reading},
                    on=next_month(since),
                    source="reader",
                )
            )

    def measure(self, account: str, since: date, until: date, wh: int = 200) -> None:
        """Record the same energy in each half hour of some days at the point of a home."""
        day = since
        while day < until:
            count = intervals_in(day, 30, "Europe/London")
            self.ask(
                RecordIntervals(point=f"P{account}", day=day, minutes=30, wh=(wh,) * count)
            )
            day += timedelta(days=1)

    def bill(self, account: str, month: int) -> str:
        """Issue the bill of the n-th month, on the fifth of the month after; its key."""
        since = MONTHS[month - 1]
        until = next_month(since)
        on = until + timedelta(days=4)
        self.ask(IssueBill(account=account, since=since, until=until, on=on), role="billing")
        return bill_key(account, since)

    def pay(self, payment: str, account: str, amount: int, on: date) -> Answer:
        """Take minor units from a customer."""
        asked = ReceivePayment(
            payment=payment, account=account, amount=amount, method="transfer", on=on
        )
        return self.ask(asked, by="carla", role="cashier")

    def fast(self, account: str, error: str = "0.06", since: date = MONTHS[0]) -> str:
        """The meter of a home is found fast; the reference of the fact that says so."""
        asked = ReportMeterError(
            meter=f"M{account}", error=Decimal(error), since=since, reference="test bench 7"
        )
        answer = self.ask(asked, by="mario", role="metering")
        stream, version = next(iter(answer.streams.items()))
        return f"{stream}@{version}"

    def correct(self, account: str, bill: str, on: date = date(2026, 4, 20)) -> Answer:
        """Bring a bill to what is known now."""
        return self.ask(CorrectBill(account=account, bill=bill, on=on), role="billing")

    def settle(self) -> int:
        """Wait until the tables show everything; the position they show."""
        head = self.system.history.head()
        assert self.system.tables.wait_for(head, 20)
        return head

    def story(self) -> str:
        """
        One home of three months: read, billed, two bills paid and the third in part.

        310 kWh a month at 0.25, 0.50 a day, VAT 5 %: 97.65, 96.08 (28 days), 97.65.
        """
        account = self.home(120)
        self.read(account)
        for month in (1, 2, 3):
            self.bill(account, month)
        self.settle()
        owed = {row.bill: row.issued for row in self.bills(account)}
        for n, day in enumerate((date(2026, 2, 20), date(2026, 3, 20)), 1):
            self.pay(f"PAY-{n}", account, owed[bill_key(account, MONTHS[n - 1])], day)
        self.pay("PAY-3", account, 5000, date(2026, 4, 15))
        return account

    def bills(self, account: str) -> list[Any]:
        """The rows of the bills of an account, oldest first."""
        from projections.billing import bills
        from projections.kit.table import Where

        return self.system.tables.find(bills, Where("account", "=", account))


@contextmanager
def town(database_url: str, folder: Path) -> Iterator[Town]:
    """A founded town on an empty database, followed as it goes."""
    settings = Settings(database_url=SecretStr(database_url), data_dir=folder, demo=False)
    with opened(settings) as system:
        made = Town(system)
        made.found()
        made.settle()
        yield made
