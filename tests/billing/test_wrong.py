"""What is wrong now: the list that is kept is what calculating everything would find."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from api.system import review
from domain.billing.cancelling import CancelBill
from domain.metering.meter import CorrectReading, WithdrawReading
from domain.network.point import VacatePoint
from projections.billing import bills
from replay.billing.calculation import BillCalculator
from replay.billing.office import period_of
from replay.billing.wrong import Review
from tests.door import door_of
from tests.town import MONTHS, Town, town

JANUARY, FEBRUARY, MARCH = MONTHS


@pytest.fixture
def made(database_url: str, tmp_path: Path) -> Iterator[Town]:
    with town(database_url, tmp_path) as it:
        for number in (1, 2):
            it.read(it.home(number))
        for account in ("000001", "000002"):
            for month in (1, 2):
                it.bill(account, month)
        it.settle()
        yield it


def listed(it: Town) -> Review:
    it.settle()
    keeper = review(it.system)
    keeper.catch_up(it.system.history.head())
    return keeper.read()


def differing(it: Town) -> list[tuple[str, int]]:
    """By calculating every bill again."""
    calculator, head = BillCalculator(it.system.tables), it.system.history.head()
    found = []
    for row in it.system.tables.rows(bills):
        now = calculator.calculate(row.account, period_of(row), head)
        if row.cancelled is None and now.total != row.issued + row.corrected:
            found.append((row.bill, now.total - row.issued - row.corrected))
    return found


def test_nothing_is_wrong_while_nothing_came_late(made: Town) -> None:
    found = listed(made)
    assert (found.count, found.bills) == (0, ())
    assert found.position == made.system.history.head()


def test_a_late_fact_puts_the_bills_it_moves_on_the_list_and_a_note_takes_them_off(
    made: Town,
) -> None:
    listed(made)
    fact = made.fast("000001", since=JANUARY)
    found = listed(made)
    assert [(each.bill, each.difference) for each in found.bills] == differing(made)
    assert [each.bill for each in found.bills] == ["000001-2026-01", "000001-2026-02"]
    assert all([cause.fact for cause in each.causes] == [fact] for each in found.bills)

    made.correct("000001", "000001-2026-01")
    assert [each.bill for each in listed(made).bills] == ["000001-2026-02"]
    made.correct("000001", "000001-2026-02")
    assert listed(made).count == 0


def test_a_list_that_is_grown_from_nothing_is_the_same(made: Town) -> None:
    made.fast("000002", since=FEBRUARY)
    made.ask(VacatePoint(point="P000001", until=date(2026, 2, 11)))
    found = listed(made)  # the first time it is asked for
    assert [(each.bill, each.difference) for each in found.bills] == differing(made)
    assert [each.bill for each in found.bills] == ["000001-2026-02", "000002-2026-02"]


def test_what_cannot_be_calculated_is_on_the_list_with_its_rule(made: Town) -> None:
    for day in (date(2026, 4, 1), MARCH):
        asked = WithdrawReading(meter="M000001", on=day, reason="another meter")
        made.ask(asked, by="boris")
    found = listed(made).bills
    assert [(each.bill, each.now, each.rule) for each in found] == [
        ("000001-2026-02", None, "period-not-measured")
    ]
    assert found[0].causes


def test_a_cancelled_bill_is_not_wrong(made: Town) -> None:
    misread = {"1.8.0": Decimal(1300)}
    made.ask(CorrectReading(meter="M000001", readings=misread, on=FEBRUARY, reason="misread"))
    assert listed(made).count == 2
    for month in ("01", "02"):
        made.ask(
            CancelBill(
                account="000001", bill=f"000001-2026-{month}", on=date(2026, 6, 1), reason="x"
            ),
            by="boris",
        )
    assert listed(made).count == 0


WRONG = """query ($after: String! = "") { wrongBills(first: 1, after: $after) {
    position totalCount
    bills { bill { number } currentTotal { amount } now { amount } difference { amount }
        notCalculated causes { fact name } } } }"""


def test_graphql_shows_the_list_a_page_at_a_time(made: Town) -> None:
    fact = made.fast("000001", since=JANUARY)
    made.settle()
    with door_of(made) as door:
        found = door.ask(WRONG)["wrongBills"]
        behind = door.ask(WRONG, after="000001-2026-01")["wrongBills"]
    assert found["totalCount"] == 2
    assert found["bills"] == [
        {
            "bill": {"number": "000001-2026-01"},
            "currentTotal": {"amount": "97.65"},
            "now": {"amount": "93.04"},
            "difference": {"amount": "-4.61"},
            "notCalculated": None,
            "causes": [{"fact": fact, "name": "meter.found-inaccurate"}],
        }
    ]
    assert [each["bill"]["number"] for each in behind["bills"]] == ["000001-2026-02"]
