"""What was agreed reaches the bill: by days, back-dated, with the fact as its cause."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from api.dispatch import Answer
from domain.network.point import ContractByPeriod
from domain.network.terms import AgreeTerms
from projections.billing import corrections
from replay.billing.office import Touched
from tests.town import FLAT, MONTHS, Town, town

JANUARY, FEBRUARY, _ = MONTHS
KW = (("peak", 4_000), ("valley", 10_000))
TWO_PART: dict[str, Any] = FLAT | {
    "name": "Works, two parts",
    "charges": [
        {"kind": "energy", "code": "energy", "rates": [{"price": "0.10"}]},
        {"kind": "capacity", "code": "capacity", "rates": [{"price": "3.10"}]},
        {"kind": "fixed", "code": "fund", "price": "1.00", "per": "month"},
    ],
}


def lines_of(it: Town, account: str, bill: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for each in next(row for row in it.bills(account) if row.bill == bill).lines:
        found[each.line.code] = found.get(each.line.code, 0) + each.line.amount
    return found


def works(it: Town) -> str:
    it.publish("WORKS", TWO_PART)
    account = it.home(7, "WORKS")
    it.read(account)
    return account


def test_capacity_that_changes_within_the_month_counts_by_days_and_is_corrected(
    database_url: str, tmp_path: Path
) -> None:
    with town(database_url, tmp_path) as it:
        account = works(it)
        held: dict[str, Any] = {"point": "P000007", "exempt": ("fund",)}
        it.ask(AgreeTerms(since=JANUARY, capacity_va=500_000, **held))
        bill = it.bill(account, 1)
        it.settle()
        assert lines_of(it, account, bill) == {"energy": 3100, "capacity": 155_000}

        late = it.ask(AgreeTerms(since=date(2026, 1, 11), capacity_va=400_000, **held))
        it.settle()
        it.correct(account, bill)
        it.settle()

        (note,) = it.system.tables.find(corrections)
        assert note.total == -21_000  # 21 of 31 days of 100 kVA at 3.10
        assert [cause.position for cause in note.causes] == list(late.positions)


def test_the_blast_radius_of_terms_is_the_bills_of_that_supply_from_their_day_on(
    database_url: str, tmp_path: Path
) -> None:
    with town(database_url, tmp_path) as it:
        account = works(it)
        agreed = it.ask(AgreeTerms(point="P000007", since=JANUARY, capacity_va=10_000))
        bills = [it.bill(account, month) for month in (1, 2)]
        it.settle()
        assert [one.bill.bill for one in radius(it, agreed)] == bills
        later = it.ask(AgreeTerms(point="P000007", since=FEBRUARY, capacity_va=20_000))
        it.settle()

        (found,) = radius(it, later)
        assert found.bill.bill == bills[1]
        assert found.difference == 3100  # minor units: 10 kVA at 3.10
        assert [one.bill.bill for one in radius(it, agreed)] == bills[:1]  # it ends there now


def radius(it: Town, answer: Answer) -> list[Touched]:
    """The bills that would be others without the first fact of an answer."""
    at = answer.positions[0]
    return list(it.system.billing.touched(it.system.history.since(at - 1, until=at)))


BY_PERIOD: dict[str, Any] = FLAT | {
    "name": "Two contracts",
    "schedules": [
        {
            "name": "2.0TD",
            "otherwise": "peak",
            "windows": [{"period": "valley", "until": "08:00"}],
        }
    ],
    "charges": [
        {
            "kind": "capacity",
            "code": "power",
            "of": "contract",
            "schedule": "2.0TD",
            "rates": [
                {"period": "peak", "price": "3.10"},
                {"period": "valley", "price": "0.31"},
            ],
        },
    ],
}


def test_contract_demands_by_period_reach_the_bill(database_url: str, tmp_path: Path) -> None:
    with town(database_url, tmp_path) as it:
        it.publish("TD", BY_PERIOD)
        account = it.home(7, "TD")
        it.read(account)
        peak, valley = (ContractByPeriod(period=p, w=w) for p, w in KW)
        terms: dict[str, Any] = {"point": "P000007", "contract_w": 7_000}
        it.ask(AgreeTerms(since=JANUARY, contract_by_period=(peak, valley), **terms))
        eleventh = date(2026, 1, 11)
        it.ask(AgreeTerms(since=eleventh, contract_by_period=(peak,), **terms))
        bill = it.bill(account, 1)
        it.settle()

        lines = next(row for row in it.bills(account) if row.bill == bill).lines
        found = [(each.line.period, each.line.quantity, each.line.amount) for each in lines]
        assert [one for one in found if one[0] == "peak"] == [
            ("peak", 4, 400),  # ten days of 4 kW at 3.10
            ("peak", 4, 840),
        ]
        assert [one for one in found if one[0] == "valley"] == [
            ("valley", 10, 100),
            ("valley", 7, 147),  # what holds for all hours
        ]
