"""A bill that should not exist is cancelled: the books are those of who never issued it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.billing.bill import (
    BillAlreadyIssued,
    BillCancelled,
    BillIssued,
    BillUnknown,
    BillWasCancelled,
    IssueBill,
)
from domain.billing.cancelling import CancelBill
from domain.billing.correcting import CorrectBill
from domain.customers.account import AccountCredited
from domain.kit import BeforeItBegan, Fact, InTheFuture, Refused, SamePerson
from domain.metering.meter import CorrectReading, WithdrawReading
from domain.network.point import ChangeTariff
from domain.pricing.charges import Block, Energy, Fixed, Rate
from domain.pricing.tariff import TariffDocument
from domain.receivables.payment import ReceivePayment
from projections.billing import bills, corrections
from projections.books import journal
from tests.billing.books_of import assert_proven, books_of, held, owed
from tests.world import NEW_YEAR, World, publish, read, town

FEB, MAR, APR = (date(2026, month, 1) for month in (2, 3, 4))
MIDDLE, LATER = date(2026, 1, 16), date(2027, 2, 1)
JANUARY, FEBRUARY, MARCH = (f"A1-2026-0{month}" for month in (1, 2, 3))
WHY = "the flat was let to somebody else"


def issue(world: World, since: date, until: date) -> list[Fact]:
    return world.ask(IssueBill(account="A1", since=since, until=until, on=until))


def cancel(world: World, bill: str, by: str = "bea", on: date = LATER) -> list[Fact]:
    return world.ask(CancelBill(account="A1", bill=bill, on=on, reason=WHY), by=by)


def pay(world: World, amount: int, payment: str = "T1") -> None:
    asked = ReceivePayment(
        payment=payment, account="A1", amount=amount, method="cash", on=date(2026, 3, 5)
    )
    world.ask(asked)


def two_months() -> World:
    """400 to 700 kWh read; nothing is billed yet."""
    world = town()
    read(world, FEB, 400)
    read(world, MAR, 700)
    return world


def test_a_cancelled_bill_is_owed_no_more_and_leaves_the_books_of_who_never_issued_it() -> None:
    world, never = two_months(), two_months()
    issue(world, NEW_YEAR, FEB)
    cancelled, credited = (fact.event for fact in cancel(world, JANUARY))

    assert isinstance(cancelled, BillCancelled)
    assert (cancelled.note, cancelled.total, cancelled.reason) == (f"{JANUARY}-c1", -9177, WHY)
    assert isinstance(credited, AccountCredited)
    assert credited.entry is not None
    assert (credited.entry.reverses, credited.entry.month) == (JANUARY, "2027-02")
    assert credited.entry.about == date(2026, 1, 31)
    assert books_of(world) == books_of(never)
    row, note = world.tables.get(bills, JANUARY), world.tables.get(corrections, f"{JANUARY}-c1")
    assert row is not None
    assert note is not None
    assert (row.cancelled, row.outstanding, world.stands(JANUARY)) == (LATER, 0, 0)
    assert (note.cancels, note.reason) == (True, WHY)
    assert {line.month for line in world.tables.rows(journal)} == {"2026-02", "2027-02"}
    assert_proven(world)


def test_what_was_paid_for_it_is_held_or_meets_what_is_due_first() -> None:
    world = two_months()
    issue(world, NEW_YEAR, FEB)
    pay(world, 9177)
    cancel(world, JANUARY)
    assert (owed(world), held(world)) == ({}, 9177)

    world = two_months()
    issue(world, NEW_YEAR, FEB)
    issue(world, FEB, MAR)
    pay(world, 9177)
    february = world.stands(FEBRUARY)
    cancel(world, JANUARY)
    assert owed(world) == ({FEBRUARY: february - 9177} if february > 9177 else {})
    assert held(world) == max(9177 - february, 0)
    assert_proven(world)


def test_the_days_of_a_cancelled_bill_are_billed_anew_under_the_next_number() -> None:
    world, never = two_months(), two_months()
    issue(world, NEW_YEAR, FEB)
    with pytest.raises(BillAlreadyIssued):
        issue(world, NEW_YEAR, MIDDLE)
    cancel(world, JANUARY)

    again = issue(world, NEW_YEAR, MIDDLE)[0]
    assert (again.stream, type(again.event)) == (f"bill-{JANUARY}-2", BillIssued)
    issue(world, MIDDLE, FEB)
    cancel(world, f"{JANUARY}-2")
    assert issue(world, NEW_YEAR, MIDDLE)[0].stream == f"bill-{JANUARY}-3"

    issue(never, NEW_YEAR, MIDDLE)
    issue(never, MIDDLE, FEB)
    ledgers = [books_of(each)["ledger"] for each in (world, never)]
    assert ledgers[0] == ledgers[1]
    assert_proven(world)


def test_it_is_taken_back_with_its_notes_and_need_not_be_calculable_any_more() -> None:
    world, never = two_months(), two_months()
    issue(world, NEW_YEAR, FEB)
    misread = CorrectReading(meter="M1", readings={"1.8.0": Decimal(440)}, on=FEB, reason="x")
    for each in (world, never):
        each.ask(misread)
    world.correct("A1", JANUARY, on=LATER)
    for each in (world, never):
        for day in (FEB, MAR):
            each.ask(WithdrawReading(meter="M1", on=day, reason="next door"), by="bea")
    with pytest.raises(Refused):
        world.correct("A1", JANUARY, on=LATER)

    cancel(world, JANUARY)

    assert books_of(world) == books_of(never)


def test_what_the_utility_owed_for_a_bill_is_owed_to_it_again() -> None:
    """A bill that gave money: its cancellation takes it back, due like any bill."""
    world, never = two_months(), two_months()
    gift = TariffDocument(
        name="Gift",
        currency="GBP",
        charges=(Fixed(code="gift", price=Decimal("-1.00"), per="day"),),
    )
    for each in (world, never):
        publish(each, NEW_YEAR, gift, tariff="R2")
        each.ask(ChangeTariff(point="P1", tariff="R2", since=NEW_YEAR))
    issue(world, NEW_YEAR, FEB)
    issue(world, FEB, MAR)
    issue(never, FEB, MAR)
    assert held(world) == 5900
    cancel(world, JANUARY)
    assert books_of(world) == books_of(never)
    assert_proven(world)


def test_later_bills_that_carry_from_it_are_found_and_corrected() -> None:
    world, never = two_months(), two_months()
    ladder = Energy(
        code="energy",
        rates=(
            Rate(
                blocks=(
                    Block(upto=Decimal(300), price=Decimal("0.10")),
                    Block(price=Decimal("0.30")),
                )
            ),
        ),
        blocks_per="year-to-date",
    )
    steps = TariffDocument(name="Steps", currency="GBP", charges=(ladder,))
    for each in (world, never):
        publish(each, NEW_YEAR, steps, tariff="R2")
        each.ask(ChangeTariff(point="P1", tariff="R2", since=NEW_YEAR))
    issue(world, NEW_YEAR, FEB)
    issue(world, FEB, MAR)
    issue(never, FEB, MAR)
    gone = cancel(world, JANUARY)[0]

    touched = world.billing.touched([gone])
    assert [(each.bill.bill, each.difference) for each in touched] == [(FEBRUARY, -6000)]
    note = world.correct("A1", FEBRUARY, on=LATER)[0].event
    assert [cause.fact for cause in note.causes] == [gone.ref]

    assert books_of(world) == books_of(never)
    issue(world, NEW_YEAR, FEB)
    assert [each.difference for each in world.billing.touched(world.facts[-2:-1])] == [6000]
    assert_proven(world)


def test_a_bill_is_cancelled_once_by_a_second_person_and_not_before_it_was_issued() -> None:
    world = two_months()
    with pytest.raises(BillUnknown):
        cancel(world, JANUARY)
    issue(world, NEW_YEAR, FEB)
    with pytest.raises(SamePerson):
        cancel(world, JANUARY, by="ann")
    with pytest.raises(BeforeItBegan):
        cancel(world, JANUARY, on=NEW_YEAR)
    with pytest.raises(InTheFuture):
        cancel(world, JANUARY, on=date(9999, 12, 31))
    before = len(world.facts)
    cancel(world, JANUARY)
    with pytest.raises(BillWasCancelled):
        cancel(world, JANUARY)
    with pytest.raises(BillWasCancelled):
        world.ask(CorrectBill(account="A1", bill=JANUARY, on=LATER))
    assert len(world.facts) == before + 2


steps_ = st.lists(
    st.sampled_from(["january", "february", "march", "cancel", "pay", "misread"]),
    min_size=1,
    max_size=9,
)


@settings(max_examples=40, deadline=None)
@given(steps_, st.data())
def test_whatever_is_issued_paid_corrected_and_cancelled_the_books_are_proven(
    steps: list[str], data: st.DataObject
) -> None:
    world = two_months()
    read(world, APR, 1000)
    months = {"january": (NEW_YEAR, FEB), "february": (FEB, MAR), "march": (MAR, APR)}
    for n, step in enumerate(steps):
        keys = sorted(row.bill for row in world.tables.rows(bills))
        try:
            if step in months:
                issue(world, *months[step])
            elif step == "pay":
                pay(world, data.draw(st.integers(1, 20_000)), f"T{n}")
            elif step == "misread":
                shown = {"1.8.0": Decimal(data.draw(st.integers(401, 699)))}
                world.ask(CorrectReading(meter="M1", readings=shown, on=FEB, reason="misread"))
                for key in keys:
                    world.ask(CorrectBill(account="A1", bill=key, on=LATER))
            elif keys:
                cancel(world, data.draw(st.sampled_from(keys)))
        except Refused:
            continue
    assert_proven(world)
