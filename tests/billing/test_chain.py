"""A chain: what differs of an account is corrected in order, by one command."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from domain.billing.bill import BillCorrected, BillUnknown, BillWasCancelled
from domain.billing.cancelling import CancelBill
from domain.billing.chain import CorrectChain
from domain.billing.correcting import EarlierBillUncorrected
from domain.billing.refusals import PeriodNotMeasured
from domain.customers.account import AccountUnknown
from domain.kit import BeforeItBegan, InTheFuture
from domain.metering.meter import CorrectReading, ReportMeterError, WithdrawReading
from projections.billing import bills
from tests.billing.books_of import assert_proven, books_of
from tests.billing.test_correction import APR, FEB, LATER, MAR, three_bills
from tests.world import NEW_YEAR, World

KEYS = tuple(f"A1-2026-0{month}" for month in (1, 2, 3))


def fast(world: World) -> str:
    error = ReportMeterError(meter="M1", error=Decimal("0.06"), since=NEW_YEAR, reference="t")
    return world.ask(error)[0].ref


def chain(world: World, *keys: str, on: date = LATER) -> list[BillCorrected]:
    found = world.ask(CorrectChain(account="A1", on=on, bills=keys))
    return [fact.event for fact in found if isinstance(fact.event, BillCorrected)]


def test_all_that_differ_are_corrected_in_order_as_one_by_one() -> None:
    world, apart = three_bills(), three_bills()
    fact = fast(world)
    fast(apart)
    apart.correct("A1", *KEYS, on=LATER)

    notes = chain(world)

    assert [note.note for note in notes] == [f"{key}-c1" for key in KEYS]
    assert all([cause.fact for cause in note.causes] == [fact] for note in notes)
    assert books_of(world) == books_of(apart)
    assert [world.stands(key) for key in KEYS] == [apart.stands(key) for key in KEYS]
    assert chain(world) == []
    assert_proven(world)


def test_those_that_are_named_are_corrected_unless_an_earlier_one_differs() -> None:
    world = three_bills()
    fast(world)
    with pytest.raises(EarlierBillUncorrected) as refused:
        chain(world, KEYS[1], KEYS[2])
    assert refused.value.details["bills"] == [KEYS[0]]
    assert [note.note for note in chain(world, KEYS[0], KEYS[1])] == [
        f"{key}-c1" for key in KEYS[:2]
    ]
    assert [note.note for note in chain(world)] == [f"{KEYS[2]}-c1"]


def test_what_cannot_be_calculated_is_left_and_stops_no_other() -> None:
    world = three_bills()
    world.ask(
        CorrectReading(meter="M1", readings={"1.8.0": Decimal(440)}, on=FEB, reason="misread")
    )
    world.ask(WithdrawReading(meter="M1", on=APR, reason="next door"), by="bea")

    told = {each.bill.bill: each.rule for each in world.billing.touched([world.facts[-1]])}
    assert told[KEYS[2]] == "period-not-measured"
    assert [note.note for note in chain(world)] == [f"{key}-c1" for key in KEYS[:2]]
    with pytest.raises(PeriodNotMeasured):
        chain(world, KEYS[2])


def test_a_chain_is_of_bills_of_the_account_that_stand() -> None:
    world = three_bills()
    with pytest.raises(AccountUnknown):
        world.ask(CorrectChain(account="A9", on=LATER))
    with pytest.raises(BillUnknown):
        chain(world, "A2-2026-01")
    world.ask(CancelBill(account="A1", bill=KEYS[0], on=LATER, reason="x"), by="bea")
    with pytest.raises(BillWasCancelled):
        chain(world, KEYS[0])
    fast(world)
    with pytest.raises(InTheFuture):
        chain(world, on=date(9999, 12, 31))
    with pytest.raises(BeforeItBegan):
        chain(world, on=MAR)
    assert [note.note for note in chain(world)] == [f"{key}-c1" for key in KEYS[1:]]
    row = world.tables.get(bills, KEYS[0])
    assert row is not None
    assert row.notes == 1
