"""GraphQL: what is asked of a utility, as it is, as it was known, as of a day."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from domain.receivables.payment import ReversePayment
from replay.server import embedded
from tests.door import ACCOUNT, BILLS, Door, corrected_town

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def door(server: embedded.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    folder = tmp_path_factory.mktemp("harbour")
    with corrected_town(server, "graphql_story", folder) as made:
        yield made


def test_the_schema_in_the_docs_is_this_one() -> None:
    made = subprocess.run(
        [sys.executable, "-m", "api.graphql"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert made.stdout == (ROOT / "docs" / "schema.graphql").read_text("utf-8")


def test_everything_in_the_schema_is_described(door: Door) -> None:
    asked = """{ __schema { types { name description fields {
        name description args { name description } } } } }"""
    silent = []
    for kind in door.ask(asked)["__schema"]["types"]:
        if kind["name"].startswith("__"):
            continue
        silent += [kind["name"]] if not kind["description"] else []
        for field in kind["fields"] or []:
            silent += [f"{kind['name']}.{field['name']}"] if not field["description"] else []
            silent += [
                f"{kind['name']}.{field['name']}({argument['name']})"
                for argument in field["args"]
                if not argument["description"]
            ]
    assert silent == []


STORY = """
query ($id: ID!, $knownAt: Moment, $asOf: Date) {
  at(knownAt: $knownAt, asOf: $asOf) { account(number: $id) {
    number openedOn
    customer { number name }
    balance { minor amount currency }
    creditHeld { minor }
    supplies { since until point { number address } tariffs { since tariff } }
    bills {
      nodes {
        number since until issuedOn dueOn status
        total { amount } currentTotal { amount } outstanding { amount }
        lines { code kind quantity unit rate amount { amount } tariff version }
        basis { position tariffs estimated facts }
        corrections { number total { amount } causes { fact name position } }
      }
      pageInfo { hasNextPage }
    }
    payments { nodes { number amount { amount } settlements { item amount { amount } } } }
    movements { nodes { kind reference on amount { amount } } }
  } }
}
"""


def test_an_account_is_asked_in_one_query(door: Door) -> None:
    found = door.ask(STORY, id=ACCOUNT, knownAt=door.kept["before"])["account"]
    assert found["customer"] == {"number": "C000120", "name": "Customer 120"}
    assert found["balance"] == {"minor": "4765", "amount": "47.65", "currency": "GBP"}
    assert found["supplies"] == [
        {
            "since": "2026-01-01",
            "until": None,
            "point": {"number": "P000120", "address": "120 Quay Street"},
            "tariffs": [{"since": "2026-01-01", "tariff": "FLAT"}],
        }
    ]
    first = found["bills"]["nodes"][0]
    assert (first["number"], first["since"], first["until"]) == (
        "000120-2026-01",
        "2026-01-01",
        "2026-02-01",
    )
    energy = first["lines"][1]
    assert Decimal(energy.pop("quantity")) == 310
    assert energy == {
        "code": "energy",
        "kind": "energy",
        "unit": "kWh",
        "rate": "0.25",
        "amount": {"amount": "77.50"},
        "tariff": "FLAT",
        "version": 1,
    }
    assert [line["amount"]["amount"] for line in first["lines"]] == ["15.50", "77.50", "4.65"]
    assert first["basis"]["tariffs"] == ["FLAT@1"]
    assert "meter-M000120@1" in first["basis"]["facts"]
    assert found["payments"]["nodes"][2] == {
        "number": "PAY-3",
        "amount": {"amount": "50.00"},
        "settlements": [{"item": "000120-2026-03", "amount": {"amount": "50.00"}}],
    }


def test_what_was_known_before_a_late_fact_can_still_be_asked(door: Door) -> None:
    then = door.ask(STORY, id=ACCOUNT, knownAt=door.kept["before"])["account"]
    now = door.ask(STORY, id=ACCOUNT)["account"]
    assert [b["currentTotal"]["amount"] for b in then["bills"]["nodes"]] == [
        "97.65",
        "96.08",
        "97.65",
    ]
    assert [b["currentTotal"]["amount"] for b in now["bills"]["nodes"]] == [
        "93.04",
        "91.47",
        "93.04",
    ]
    assert [b["total"] for b in now["bills"]["nodes"]] == [
        b["total"] for b in then["bills"]["nodes"]
    ]
    assert [b["corrections"] for b in then["bills"]["nodes"]] == [[], [], []]
    note = now["bills"]["nodes"][0]["corrections"][0]
    assert note["number"] == "000120-2026-01-c1"
    assert note["total"]["amount"] == "-4.61"
    assert [cause["fact"] for cause in note["causes"]] == [door.kept["fact"]]
    assert note["causes"][0]["name"] == "meter.found-inaccurate"
    assert now["balance"]["minor"] == str(4765 - 3 * 461)


def test_known_at_is_a_position_an_instant_or_its_digits(door: Door) -> None:
    asked = """query ($at: Moment) { at(knownAt: $at) {
        account(number: "000120") { balance { minor } } } }"""
    before = door.kept["before"]
    recorded = door.town.system.history.of
    at = recorded("account-000120", until=before)[-1].at  # type: ignore[arg-type]
    for moment in (before, str(before), at.isoformat()):
        assert door.ask(asked, at=moment)["account"]["balance"]["minor"] == "4765"
    opened = recorded("account-000120")[0]  # type: ignore[arg-type]
    earlier = opened.at - timedelta(microseconds=1)
    assert door.ask(asked, at=earlier.isoformat())["account"] is None
    assert door.ask(asked, at=0)["account"] is None
    later = datetime.now(UTC) + timedelta(days=1)
    code, _ = door.refused(asked, at=later.isoformat())  # a moment to come, like a position
    assert code == "NOT_YET_RECORDED"
    now = datetime.now(UTC).isoformat()
    assert door.ask(asked, at=now) == door.ask(asked)


OFF_THE_CALENDAR = ("9999-12-31T23:59:59-10:00", "0001-01-01T00:00:00+10:00")


@pytest.mark.parametrize(
    "moment", ["yesterday", "2026-03-01T09:00:00", -1, 1.5, True, "", *OFF_THE_CALENDAR]
)
def test_what_is_no_moment_is_refused_with_what_one_is(door: Door, moment: Any) -> None:
    asked = 'query ($at: Moment) { at(knownAt: $at) { account(number: "000120") { number } } }'
    _, sentence = door.refused(asked, at=moment)
    assert "position" in sentence
    assert "INTERNAL" not in sentence


def test_a_position_that_is_not_recorded_yet_is_refused_at_once(door: Door) -> None:
    for argument in ("knownAt", "minPosition"):
        code, sentence = door.refused(
            f"{{ at({argument}: 99999) {{ accounts {{ totalCount }} }} }}"
        )
        assert code == "NOT_YET_RECORDED"
        assert f"the last is {door.kept['after']}" in sentence


def test_as_of_a_day_only_what_is_dated_by_then_counts(door: Door) -> None:
    found = door.ask(STORY, id=ACCOUNT, asOf="2026-03-10")["account"]
    bills = found["bills"]["nodes"]
    assert [bill["number"] for bill in bills] == list(BILLS[:2])  # the third is of 5 April
    assert [bill["currentTotal"]["amount"] for bill in bills] == [
        "97.65",
        "96.08",
    ]  # no note yet
    assert [bill["outstanding"]["amount"] for bill in bills] == ["0.00", "96.08"]
    assert [payment["number"] for payment in found["payments"]["nodes"]] == ["PAY-1"]
    assert found["balance"]["minor"] == "9608"
    total = sum(Decimal(m["amount"]["amount"]) for m in found["movements"]["nodes"])
    assert total == Decimal("96.08")
    assert door.ask(STORY, id=ACCOUNT, asOf="2025-11-30")["account"] is None


def test_as_of_the_last_day_is_as_it_is(door: Door) -> None:
    now = door.ask(STORY, id=ACCOUNT)
    assert door.ask(STORY, id=ACCOUNT, asOf="2026-12-31") == now


def test_a_nested_thing_stands_where_its_root_does(door: Door) -> None:
    asked = """query ($at: Moment) { at(knownAt: $at, asOf: "2026-02-25") {
        payment(number: "PAY-1") {
        account { balance { minor } bills { nodes { number currentTotal { minor } } } }
        settlements { bill { outstanding { minor } } } } } }"""
    found = door.ask(asked, at=door.kept["before"])["payment"]
    assert found["account"]["balance"]["minor"] == "0"
    assert found["account"]["bills"]["nodes"] == [
        {"number": BILLS[0], "currentTotal": {"minor": "9765"}}
    ]
    assert found["settlements"] == [{"bill": {"outstanding": {"minor": "0"}}}]


def test_the_history_of_a_thing_is_its_facts(door: Door) -> None:
    asked = """query ($stream: String!, $at: Moment, $asOf: Date) {
        at(knownAt: $at, asOf: $asOf) { history(stream: $stream) {
            nodes { reference version position name on by duty data } } } }"""
    found = door.ask(asked, stream="meter-M000120")["history"]["nodes"]
    assert [fact["name"] for fact in found] == [
        "meter.installed",
        *["meter.read"] * 3,
        "meter.found-inaccurate",
    ]
    last = found[-1]
    assert (last["reference"], last["by"], last["duty"]) == (
        door.kept["fact"],
        "mario",
        "metering",
    )
    assert last["data"]["error"] == "0.06"
    assert last["position"] == door.kept["found"]
    then = door.ask(asked, stream="meter-M000120", at=door.kept["before"])["history"]["nodes"]
    assert then == found[:-1]
    early = door.ask(asked, stream="meter-M000120", asOf="2026-02-01")["history"]["nodes"]
    assert [fact["version"] for fact in early] == [1, 2, 5]  # the error is since January
    assert door.ask(asked, stream="meter-NONE")["history"]["nodes"] == []


def test_the_books_balance_whenever_they_are_looked_at(door: Door) -> None:
    asked = """query ($at: Moment, $asOf: Date) {
        at(knownAt: $at, asOf: $asOf) { trialBalance {
            total { minor }
            lines { code debits { minor } credits { minor } balance { minor } } } }
        at(knownAt: $at, asOf: $asOf) { journal(first: 100) {
            nodes { code on amount { minor } account { number } } } } }"""
    for place in ({}, {"at": door.kept["before"]}, {"asOf": "2026-03-10"}):
        found = door.ask(asked, **place)
        posted: dict[str, int] = {}
        for line in found["journal"]["nodes"]:
            posted[line["code"]] = posted.get(line["code"], 0) + int(line["amount"]["minor"])
            assert line["account"]["number"] == ACCOUNT
        balances = {
            line["code"]: int(line["balance"]["minor"])
            for line in found["trialBalance"]["lines"]
        }
        assert balances == posted
        assert sum(posted.values()) == 0 == int(found["trialBalance"]["total"]["minor"])
        for line in found["trialBalance"]["lines"]:
            net = int(line["debits"]["minor"]) - int(line["credits"]["minor"])
            assert net == int(line["balance"]["minor"])
    receivable = door.ask(asked, asOf="2026-03-10")["trialBalance"]["lines"]
    assert {"1200": "9608"}.items() <= {
        line["code"]: line["balance"]["minor"] for line in receivable
    }.items()


def test_the_journal_is_filtered_by_account_code_and_days(door: Door) -> None:
    asked = """query ($code: String, $since: Date, $until: Date) {
        journal(first: 100, filter: {code: {eq: $code}, on: {ge: $since, lt: $until}}) {
            nodes { code on amount { minor } } } }"""
    march = door.ask(asked, code="1200", since="2026-03-01", until="2026-04-01")
    assert [(line["on"], line["amount"]["minor"]) for line in march["journal"]["nodes"]] == [
        ("2026-03-05", "9608"),
        ("2026-03-20", "-9608"),
    ]
    assert door.ask('{ journal(filter: {account: {eq: "000999"}}) { nodes { code } } }') == {
        "journal": {"nodes": []}
    }


def test_a_point_shows_its_meter_its_readings_and_its_days(door: Door) -> None:
    asked = """query ($asOf: Date) { at(asOf: $asOf) { point(number: "P000120") {
        address energisedOn
        supplies { account { number } }
        installations { since multiplier registers { code digits } meter { number
            errors { error since reference fact } readings { nodes { on } } } }
        readings(reverse: true, first: 2) {
            nodes { on source meter { number } shown { register reading count } } } } } }"""
    found = door.ask(asked)["point"]
    assert found["supplies"] == [{"account": {"number": ACCOUNT}}]
    installed = found["installations"][0]
    assert installed["registers"] == [{"code": "1.8.0", "digits": 5}]
    assert installed["meter"]["errors"] == [
        {
            "error": "0.06",
            "since": "2026-01-01",
            "reference": "test bench 7",
            "fact": door.kept["fact"],
        }
    ]
    assert [reading["on"] for reading in found["readings"]["nodes"]] == [
        "2026-04-01",
        "2026-03-01",
    ]
    assert found["readings"]["nodes"][0]["shown"] == [
        {"register": "1.8.0", "reading": "1930", "count": "1930000"}
    ]
    early = door.ask(asked, asOf="2026-02-15")["point"]
    assert [r["on"] for r in early["readings"]["nodes"]] == ["2026-02-01", "2026-01-01"]
    assert door.ask(asked, asOf="2025-12-15")["point"]["installations"] == []


def test_interval_days_come_with_their_sum_and_what_is_missing(door: Door) -> None:
    account = door.town.home(130, "NIGHT")
    door.town.measure(account, date(2026, 3, 28), date(2026, 3, 31))
    position = door.town.settle()
    asked = """query ($min: Position, $since: Date) { at(minPosition: $min) {
        point(number: "P000130") {
        intervalDays(filter: {day: {ge: $since}}) {
            nodes { day channel minutes wh total missing } } } } }"""
    found = door.ask(asked, min=str(position))["point"]["intervalDays"]["nodes"]
    assert [len(day["wh"]) for day in found] == [48, 46, 48]  # the clocks go forward
    assert found[1]["total"] == str(46 * 200)
    assert {day["missing"] for day in found} == {0}
    late = door.ask(asked, min=position, since="2026-03-30")["point"]["intervalDays"]["nodes"]
    assert [day["day"] for day in late] == ["2026-03-30"]


def test_a_tariff_shows_its_versions_its_draft_and_what_is_in_force(door: Door) -> None:
    asked = """query ($asOf: Date, $on: Date) { at(asOf: $asOf) { tariff(number: "NIGHT") {
        name currency draft { draftedBy }
        versions { version since document }
        inForce(on: $on) { version } } } }"""
    found = door.ask(asked, on="2026-01-01")["tariff"]
    assert found["versions"][0]["document"]["charges"][0]["price"] == "0.55"
    assert found["inForce"] == {"version": 1}
    assert found["draft"] is None
    assert door.ask(asked, asOf="2025-11-30")["tariff"]["inForce"] is None
    assert door.ask(asked, asOf="2025-11-30")["tariff"]["versions"] == []
    assert door.ask(asked, on="9999-12-31")["tariff"]["inForce"] == {"version": 1}


def test_the_utility_says_at_which_position_it_was_asked(door: Door) -> None:
    asked = (
        "query ($at: Moment) { at(knownAt: $at) { utility { name currency zone position } } }"
    )
    found = door.ask(asked, at=door.kept["before"])["utility"]
    assert found == {
        "name": "Harbour Light",
        "currency": "GBP",
        "zone": "Europe/London",
        "position": door.kept["before"],
    }
    assert door.ask(asked, at=0)["utility"] is None


def test_a_returned_payment_reopens_what_it_settled(door: Door) -> None:
    account = door.town.home(140)
    door.town.read(account, 1)
    bill = door.town.bill(account, 1)
    door.town.pay("PAY-140", account, 9765, date(2026, 2, 10))
    door.town.ask(
        ReversePayment(
            payment="PAY-140", account=account, reason="no cover", on=date(2026, 2, 20)
        )
    )
    position = door.town.settle()
    asked = """query ($asOf: Date, $min: Position) {
        at(asOf: $asOf, minPosition: $min) { payment(number: "PAY-140") {
            reversedOn settlements {
                item amount { minor } bill { number outstanding { minor } } } } } }"""
    held = door.ask(asked, asOf="2026-02-15", min=position)["payment"]
    assert held["reversedOn"] is None
    assert held["settlements"] == [
        {"item": bill, "amount": {"minor": "9765"},
         "bill": {"number": bill, "outstanding": {"minor": "0"}}}
    ]  # fmt: skip
    back = door.ask(asked)["payment"]
    assert back["reversedOn"] == "2026-02-20"
    assert [part["amount"]["minor"] for part in back["settlements"]] == ["9765", "-9765"]
    assert back["settlements"][0]["bill"]["outstanding"]["minor"] == "9765"
