"""A whole utility in memory: the same decisions, folds and calculating, and no database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from domain.billing.correcting import CorrectBill
from domain.catalogue import DECISIONS
from domain.customers.account import OpenAccount
from domain.customers.customer import RegisterCustomer
from domain.customers.holding import Held, Supplies
from domain.kit import Actor, Fact, Instead, Stream, Today, recorders_of
from domain.metering.meter import InstallMeter, ReadMeter, Register
from domain.network.point import EnergisePoint, SupplyPoint
from domain.organisation.utility import EstablishUtility
from domain.pricing.charges import Energy, Fixed, Percentage, Rate
from domain.pricing.tariff import ApproveTariff, DraftTariff, PublishTariff, TariffDocument
from projections.billing import bills
from projections.catalogue import PROJECTIONS
from projections.kit.table import MemoryTables
from replay.billing.holdings import Holdings
from replay.billing.office import Billing

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
NEW_YEAR = date(2026, 1, 1)
TODAY = date(2027, 6, 1)


class World:
    """Asked commands, it remembers facts and folds them."""

    def __init__(self) -> None:
        self.streams: defaultdict[Stream, list[Fact]] = defaultdict(list)
        self.tables = MemoryTables(PROJECTIONS)
        self.facts: list[Fact] = []
        self.billing = Billing(self, self.tables, lambda: len(self.facts))

    def of(self, stream: Stream, *, until: int | None = None) -> list[Fact]:
        return [f for f in self.streams[stream] if until is None or f.position <= until]

    def of_each(self, streams: Iterable[Stream], *, until: int) -> dict[Stream, list[Fact]]:
        return {stream: self.of(stream, until=until) for stream in streams}

    def ask(self, asked: object, by: str = "ann") -> list[Fact]:
        try:
            return self._asked(asked, by)
        except Instead as other:
            return self.ask(other.asked, by)

    def _asked(self, asked: object, by: str) -> list[Fact]:
        decision = DECISIONS[type(asked)]
        wanted = decision.wanted(asked)
        states = {
            stream: kind.fold(fact.event for fact in self.streams[stream])
            for stream, (kind, _) in wanted.items()
        }
        given = decision.given(asked, states)
        for name, need in decision.needs:
            given[name] = self._needed(need, asked, by)
        made = []
        happened = list(decision.routed(asked, decision.decide(asked, **given)))
        recorded = {s: [(fact.event, fact.by) for fact in self.streams[s]] for s in wanted}
        decision.second_person(asked, by, {s: recorders_of(r, {}) for s, r in recorded.items()})
        for stream, event in happened:
            position = len(self.facts) + 1
            fact = Fact(
                stream=stream,
                version=len(self.streams[stream]) + 1,
                event=event,
                at=NOON + timedelta(seconds=position),
                by=by,
                duty="any",
                cause="c",
                correlation="c",
                position=position,
            )
            self.streams[stream].append(fact)
            self.facts.append(fact)
            made.append(fact)
        self.tables.fold(made)
        return made

    def _needed(self, need: type, asked: object, by: str) -> object:
        if need is Today:
            return Today(TODAY)
        if need in (Supplies, Held):
            holdings = Holdings(self.tables, lambda: len(self.facts))
            return holdings.supplies(asked) if need is Supplies else holdings.held(asked)
        return Actor(by, "any") if need is Actor else self.billing.supplies[need](asked)

    def stands(self, bill: str) -> int:
        """What a bill comes to with all its notes, minor units."""
        row = self.tables.get(bills, bill)
        assert row is not None
        return row.issued + row.corrected

    def correct(self, account: str, *bills: str, on: date) -> list[Fact]:
        return [
            fact
            for bill in bills
            for fact in self.ask(CorrectBill(account=account, bill=bill, on=on))
        ]


def document(price: str = "0.25", standing: str = "0.40", tax: str = "0.05") -> TariffDocument:
    """A standing charge a day, a price a kWh, a tax."""
    return TariffDocument(
        name="Home",
        currency="GBP",
        charges=(
            Fixed(code="standing", price=Decimal(standing), per="day"),
            Energy(code="energy", rates=(Rate(price=Decimal(price)),)),
            Percentage(code="vat", rate=Decimal(tax)),
        ),
    )


def publish(world: World, since: date, document: TariffDocument, tariff: str = "R1") -> None:
    world.ask(DraftTariff(tariff=tariff, document=document), by="ann")
    world.ask(ApproveTariff(tariff=tariff), by="bea")
    world.ask(PublishTariff(tariff=tariff, since=since))


def town() -> World:
    """One customer with one account, one point with a five-digit meter, one tariff."""
    world = World()
    world.ask(EstablishUtility(name="Wattle", currency="GBP", zone="Europe/London"))
    world.ask(RegisterCustomer(customer="C1", name="Ada"))
    world.ask(OpenAccount(account="A1", customer="C1", on=NEW_YEAR))
    world.ask(EnergisePoint(point="P1", address="1 Mill Lane", on=NEW_YEAR))
    publish(world, NEW_YEAR, document())
    world.ask(SupplyPoint(point="P1", account="A1", tariff="R1", since=NEW_YEAR))
    world.ask(
        InstallMeter(
            meter="M1",
            point="P1",
            registers=(Register(code="1.8.0"),),
            readings={"1.8.0": Decimal(100)},
            on=NEW_YEAR,
        )
    )
    return world


def read(world: World, on: date, reading: int) -> None:
    world.ask(
        ReadMeter(meter="M1", readings={"1.8.0": Decimal(reading)}, on=on, source="reader")
    )
