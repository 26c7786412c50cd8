"""Payments recorded wrongly, put right a year later: the books of who never was wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.billing.bill import IssueBill
from domain.customers.account import AccountUnknown, OpenAccount
from domain.kit import BeforeItBegan, InTheFuture, Refused, SamePerson
from domain.receivables.correcting import CorrectPayment, PaymentNotReversed, RestorePayment
from domain.receivables.payment import (
    PaymentAlreadyReceived,
    PaymentAlreadyReversed,
    PaymentCorrected,
    PaymentUnknown,
    ReceivePayment,
    ReversedBeforeReceived,
    ReversePayment,
)
from projections.receivables import payments
from tests.billing.books_of import assert_proven, books_of, held, owed
from tests.world import NEW_YEAR, World, read, town

FEB, MAR = date(2026, 2, 1), date(2026, 3, 1)
PAID, A_YEAR_LATER, END = date(2026, 3, 5), date(2027, 3, 5), date(9999, 12, 31)
RIGHT = CorrectPayment(payment="T1", account="A1", on=A_YEAR_LATER, reason="misread")


def two_accounts() -> World:
    """A1 has two bills; A2 has none, and belongs to the same customer."""
    world = town()
    world.ask(OpenAccount(account="A2", customer="C1", on=NEW_YEAR))
    for since, until, reading in ((NEW_YEAR, FEB, 400), (FEB, MAR, 700)):
        read(world, until, reading)
        world.ask(IssueBill(account="A1", since=since, until=until, on=until))
    return world


def pay(
    world: World, amount: int, account: str = "A1", payment: str = "T1", on: date = PAID
) -> None:
    world.ask(
        ReceivePayment(payment=payment, account=account, amount=amount, method="cash", on=on)
    )


def correct(world: World, asked: CorrectPayment, by: str = "bea") -> list[object]:
    return [fact.event for fact in world.ask(asked, by=by)]


def test_a_payment_on_the_wrong_account_goes_to_the_right_one_under_its_reference() -> None:
    world, never = two_accounts(), two_accounts()
    pay(world, 9177, account="A2")
    pay(never, 9177)

    corrected, *moved = correct(world, replace(RIGHT, account="A2", to="A1"))

    assert isinstance(corrected, PaymentCorrected)
    assert (corrected.account, corrected.was_account) == ("A1", "A2")
    assert len(moved) == 2
    assert books_of(world) == books_of(never)
    row = world.tables.get(payments, "T1")
    assert row is not None
    assert (row.account, row.on) == ("A1", PAID)
    assert_proven(world)
    with pytest.raises(PaymentUnknown):
        correct(world, replace(RIGHT, account="A2", to="A1"))
    world.ask(ReversePayment(payment="T1", account="A1", reason="bounced", on=A_YEAR_LATER))
    never.ask(ReversePayment(payment="T1", account="A1", reason="bounced", on=A_YEAR_LATER))
    assert books_of(world) == books_of(never)


def test_credit_that_the_wrong_account_spent_is_owed_there() -> None:
    world = two_accounts()
    pay(world, 5000, account="A1", on=NEW_YEAR)  # the first bill took it
    pay(world, 20_000, payment="T2")
    correct(world, replace(RIGHT, to="A2"))
    assert held(world, "A2") == 5000
    assert (
        sum(owed(world).values()) - held(world)
        == sum(world.stands(f"A1-2026-0{month}") for month in (1, 2)) - 20_000
    )
    assert_proven(world)


@pytest.mark.parametrize(("wrong", "right"), [(91_770, 9177), (917, 9177), (1, 30_000)])
def test_a_wrong_amount_is_put_right(wrong: int, right: int) -> None:
    world, never = two_accounts(), two_accounts()
    pay(world, wrong)
    pay(never, right)
    correct(world, replace(RIGHT, amount=right))
    assert books_of(world) == books_of(never)
    row = world.tables.get(payments, "T1")
    assert row is not None
    assert row.amount == right
    assert_proven(world)


def test_a_wrong_method_or_day_moves_no_money_and_twice_is_quiet() -> None:
    world, never = two_accounts(), two_accounts()
    pay(world, 9177)
    never.ask(
        ReceivePayment(
            payment="T1", account="A1", amount=9177, method="transfer", on=date(2026, 3, 2)
        )
    )
    right = replace(RIGHT, method="transfer", received=date(2026, 3, 2))
    assert [type(each) for each in correct(world, right)] == [PaymentCorrected]
    assert correct(world, right) == []
    assert correct(world, replace(RIGHT, to="A1", amount=9177)) == []
    rows = [each.tables.get(payments, "T1") for each in (world, never)]
    assert rows[0] is not None
    assert rows[0] == rows[1]
    assert books_of(world) == books_of(never)
    assert_proven(world)


def test_a_payment_that_was_reversed_in_error_is_restored_and_may_be_reversed_again() -> None:
    world, never = two_accounts(), two_accounts()
    back = ReversePayment(payment="T1", account="A1", reason="bounced", on=date(2026, 3, 9))
    restore = RestorePayment(payment="T1", account="A1", on=A_YEAR_LATER, reason="another")
    for each in (world, never):
        pay(each, 9177)
    with pytest.raises(PaymentNotReversed):
        world.ask(restore, by="bea")
    world.ask(back)
    with pytest.raises(SamePerson):
        world.ask(restore, by="ann")
    with pytest.raises(ReversedBeforeReceived):
        world.ask(replace(restore, on=PAID), by="bea")
    world.ask(restore, by="bea")
    assert books_of(world) == books_of(never)
    for each in (world, never):
        each.ask(replace(back, on=A_YEAR_LATER))
    assert books_of(world) == books_of(never)
    assert_proven(world)


def test_what_is_put_right_is_of_the_account_on_days_that_were_by_a_second_person() -> None:
    world = two_accounts()
    with pytest.raises(PaymentUnknown):
        correct(world, RIGHT)
    pay(world, 9177)
    before = len(world.facts)
    for wrong, refusal in (
        (replace(RIGHT, account="A2"), PaymentUnknown),
        (replace(RIGHT, to="A9"), AccountUnknown),
        (replace(RIGHT, on=END), InTheFuture),
        (replace(RIGHT, received=END), InTheFuture),
        (replace(RIGHT, received=date(1, 1, 1)), BeforeItBegan),
        (replace(RIGHT, on=NEW_YEAR), ReversedBeforeReceived),
    ):
        with pytest.raises(refusal):
            correct(world, wrong)
    with pytest.raises(SamePerson):
        correct(world, replace(RIGHT, amount=1), by="ann")
    world.ask(ReversePayment(payment="T1", account="A1", reason="bounced", on=A_YEAR_LATER))
    with pytest.raises(PaymentAlreadyReversed):
        correct(world, RIGHT)
    with pytest.raises(PaymentAlreadyReceived):
        pay(world, 1, account="A2")
    assert len(world.facts) == before + 2


def test_nothing_is_paid_before_the_account_was_opened() -> None:
    world = two_accounts()
    for day in (date(1, 1, 1), date(2025, 12, 31)):
        with pytest.raises(BeforeItBegan):
            pay(world, 100, on=day)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["pay", "move", "amount", "reverse", "restore"]),
        st.sampled_from(["T1", "T2", "T3"]),
        st.sampled_from(["A1", "A2"]),
        st.integers(1, 30_000),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_whatever_is_paid_and_put_right_the_books_are_those_of_what_was_meant(
    steps: list[tuple[str, str, str, int]],
) -> None:
    """Balances and ledger are those of a utility that recorded each payment rightly, once."""
    world, never, last = two_accounts(), two_accounts(), dict[str, Paid]()
    for step in steps:
        try:
            happen(world, last, *step)
        except Refused:
            continue
    for payment, paid in last.items():
        if paid.stands:
            pay(never, paid.amount, paid.account, payment)
    assert_proven(world)
    for account in ("A1", "A2"):
        assert _net(world, account) == _net(never, account)
    assert books_of(world)["ledger"].get("1000") == books_of(never)["ledger"].get("1000")


class Paid(NamedTuple):
    """What is meant to stand of a payment."""

    account: str
    amount: int
    stands: bool = True


def happen(
    world: World, last: dict[str, Paid], step: str, payment: str, account: str, amount: int
) -> None:
    """One step, and what is meant after it; raises what the rules refuse."""
    now = last.get(payment, Paid(account, amount))
    right = replace(RIGHT, payment=payment, account=now.account)
    back = ReversePayment(payment=payment, account=now.account, reason="x", on=A_YEAR_LATER)
    match step:
        case "pay":
            pay(world, amount, account, payment)
            now = Paid(account, amount)
        case "move":
            correct(world, replace(right, to=account))
            now = now._replace(account=account)
        case "amount":
            correct(world, replace(right, amount=amount))
            now = now._replace(amount=amount)
        case "reverse":
            world.ask(back)
            now = now._replace(stands=False)
        case _:
            restore = RestorePayment(
                payment=payment, account=now.account, reason="x", on=A_YEAR_LATER
            )
            world.ask(restore, by="bea")
            now = now._replace(stands=True)
    last[payment] = now


def _net(world: World, account: str) -> int:
    return sum(owed(world, account).values()) - held(world, account)
