"""What a bill and its notes leave owed, and in which order that is met."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from domain.billing.bill import IssueBill
from domain.customers.account import OpenAccount
from domain.metering.meter import CorrectReading
from domain.network.point import SupplyPoint, VacatePoint
from domain.receivables.payment import ReceivePayment
from projections.billing import bills
from tests.world import NEW_YEAR, World, read, town

FEB, MAR = date(2026, 2, 1), date(2026, 3, 1)


def issue(world: World, since: date, until: date, account: str = "A1") -> None:
    world.ask(IssueBill(account=account, since=since, until=until, on=until))


def pay(world: World, payment: str, amount: int, on: date) -> None:
    world.ask(
        ReceivePayment(payment=payment, account="A1", amount=amount, method="cash", on=on)
    )


def outstanding(world: World, bill: str) -> int:
    row = world.tables.get(bills, bill)
    assert row is not None
    return row.outstanding


def test_what_a_note_adds_is_met_in_the_place_of_its_bill() -> None:
    world = town()
    read(world, FEB, 400)
    read(world, MAR, 700)
    issue(world, NEW_YEAR, FEB)
    pay(world, "T1", world.stands("A1-2026-01"), date(2026, 2, 10))
    issue(world, FEB, MAR)
    february = world.stands("A1-2026-02")
    misread = CorrectReading(meter="M1", readings={"1.8.0": Decimal(440)}, on=FEB, reason="m")
    world.ask(misread)
    world.correct("A1", "A1-2026-01", on=date(2026, 6, 1))
    added = outstanding(world, "A1-2026-01")
    assert added > 0

    pay(world, "T2", added, date(2026, 6, 2))

    assert outstanding(world, "A1-2026-01") == 0
    assert outstanding(world, "A1-2026-02") == february


@pytest.mark.parametrize("length", [33, 40])
def test_an_account_of_the_longest_number_is_billed_from_any_day(length: int) -> None:
    """Its bill, named after account and day, is an item that can be owed and settled."""
    world = town()
    account, middle = "9" * length, date(2026, 1, 20)
    world.ask(OpenAccount(account=account, customer="C1", on=NEW_YEAR))
    world.ask(VacatePoint(point="P1", until=middle))
    world.ask(SupplyPoint(point="P1", account=account, tariff="R1", since=middle))
    read(world, MAR, 700)

    issue(world, middle, MAR, account)

    bill = f"{account}-2026-01-20"
    owed = outstanding(world, bill)
    assert owed == world.stands(bill) > 0
    world.ask(ReceivePayment(payment="T1", account=account, amount=owed, method="cash", on=MAR))
    assert outstanding(world, bill) == 0
