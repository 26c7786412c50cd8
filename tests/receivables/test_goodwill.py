"""Goodwill: proposed, given by a second person, and taken back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from domain.billing.bill import IssueBill
from domain.customers.account import AccountUnknown
from domain.kit import BeforeItBegan, InTheFuture, SamePerson
from domain.receivables.goodwill import (
    ApproveGoodwill,
    GoodwillAlreadyGranted,
    GoodwillAlreadyProposed,
    GoodwillAlreadyWithdrawn,
    GoodwillUnknown,
    ProposeGoodwill,
    WithdrawGoodwill,
)
from domain.receivables.payment import ReceivePayment
from projections.customers import movements
from tests.billing.books_of import assert_proven, books_of, held, owed
from tests.world import NEW_YEAR, World, read, town

FEB, DAY, END = date(2026, 2, 1), date(2026, 2, 12), date(9999, 12, 31)
PROPOSE = ProposeGoodwill(
    goodwill="G1", account="A1", amount=2500, reason="two days without light", on=DAY
)
APPROVE = ApproveGoodwill(goodwill="G1", account="A1", on=DAY)
WITHDRAW = WithdrawGoodwill(goodwill="G1", account="A1", reason="twice", on=date(2027, 2, 12))


def billed() -> World:
    world = town()
    read(world, FEB, 400)
    world.ask(IssueBill(account="A1", since=NEW_YEAR, until=FEB, on=FEB))
    return world


def test_it_meets_what_is_due_and_is_an_expense_of_its_own_class() -> None:
    world = billed()
    world.ask(PROPOSE)
    assert books_of(world) == books_of(billed())
    world.ask(APPROVE, by="bea")
    assert owed(world) == {"A1-2026-01": 9177 - 2500}
    assert books_of(world)["ledger"]["5200"] == 2500
    moved = [row for row in world.tables.rows(movements) if row.kind == "goodwill"]
    assert [(row.reference, row.amount) for row in moved] == [("G1", -2500)]
    assert_proven(world)


@pytest.mark.parametrize("paid", [0, 9177])
def test_taken_back_it_leaves_the_books_of_who_never_gave_it(paid: int) -> None:
    world, never = billed(), billed()
    for each in (world, never):
        if paid:
            each.ask(
                ReceivePayment(payment="T", account="A1", amount=paid, method="cash", on=DAY)
            )
    world.ask(PROPOSE)
    world.ask(APPROVE, by="bea")
    world.ask(WITHDRAW, by="cleo")
    assert books_of(world) == books_of(never)
    assert_proven(world)
    assert held(world) == 0


def test_what_was_only_proposed_is_withdrawn_by_anybody_and_moves_nothing() -> None:
    world = billed()
    world.ask(PROPOSE)
    assert len(world.ask(WITHDRAW)) == 1
    with pytest.raises(GoodwillAlreadyWithdrawn):
        world.ask(APPROVE, by="bea")
    with pytest.raises(GoodwillAlreadyWithdrawn):
        world.ask(WITHDRAW)
    assert books_of(world) == books_of(billed())


def test_it_is_given_once_by_a_second_person_on_a_day_that_was() -> None:
    world = billed()
    with pytest.raises(AccountUnknown):
        world.ask(replace(PROPOSE, account="A9"))
    for day, refusal in ((END, InTheFuture), (date(1, 1, 1), BeforeItBegan)):
        with pytest.raises(refusal):
            world.ask(replace(PROPOSE, on=day))
    with pytest.raises(GoodwillUnknown):
        world.ask(APPROVE, by="bea")
    world.ask(PROPOSE)
    with pytest.raises(GoodwillAlreadyProposed):
        world.ask(PROPOSE)
    with pytest.raises(SamePerson):
        world.ask(APPROVE, by="ann")
    with pytest.raises(GoodwillUnknown):
        world.ask(replace(APPROVE, account="A2"), by="bea")
    with pytest.raises(BeforeItBegan):
        world.ask(replace(APPROVE, on=NEW_YEAR), by="bea")
    world.ask(APPROVE, by="bea")
    with pytest.raises(GoodwillAlreadyGranted):
        world.ask(APPROVE, by="cleo")
    with pytest.raises(SamePerson):
        world.ask(WITHDRAW, by="bea")
