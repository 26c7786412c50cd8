"""Days and periods of bills, notes and payments are judged, whatever is asked."""

from __future__ import annotations

from datetime import date

import pytest

from domain.billing.bill import IssueBill
from domain.billing.correcting import CorrectBill
from domain.billing.refusals import PeriodTooLong
from domain.kit import InTheFuture
from domain.receivables.payment import ReceivePayment
from tests.world import NEW_YEAR, read, town

FEB, END = date(2026, 2, 1), date(9999, 12, 31)


def test_nothing_is_issued_corrected_or_paid_in_the_future() -> None:
    world = town()
    read(world, FEB, 400)
    for day in (date(2027, 6, 2), END):
        with pytest.raises(InTheFuture):
            world.ask(IssueBill(account="A1", since=NEW_YEAR, until=FEB, on=day))
    world.ask(IssueBill(account="A1", since=NEW_YEAR, until=FEB, on=FEB))
    with pytest.raises(InTheFuture):
        world.ask(CorrectBill(account="A1", bill="A1-2026-01", on=END))
    with pytest.raises(InTheFuture):
        world.ask(
            ReceivePayment(payment="P", account="A1", amount=100, method="transfer", on=END)
        )


def test_a_bill_is_for_thirteen_months_at_most() -> None:
    world = town()
    with pytest.raises(PeriodTooLong):
        world.ask(IssueBill(account="A1", since=NEW_YEAR, until=END, on=FEB))


def test_a_bill_of_an_account_with_a_long_number_has_a_number_too() -> None:
    asked = IssueBill(account="z" * 40, since=date(2026, 2, 20), until=FEB, on=FEB)
    assert CorrectBill(account="z" * 40, bill=asked.bill, on=FEB).bill == asked.bill
