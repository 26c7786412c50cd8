"""GraphQL: an id names a thing and the moment it is shown at, so that no cache mixes two."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Iterator

import pytest

from replay.server import embedded
from tests.door import ACCOUNT, Door, corrected_town


@pytest.fixture(scope="module")
def door(server: embedded.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    folder = tmp_path_factory.mktemp("harbour")
    with corrected_town(server, "graphql_ids", folder) as made:
        yield made


THEN = """query ($at: Moment, $asOf: Date) { at(knownAt: $at, asOf: $asOf) {
    account(number: "000120") { id balance { minor }
        bills { nodes { id currentTotal { minor } } }
        supplies { id point { id installations { id meter { id } } } } } } }"""
NODE = """query ($id: ID!) { node(id: $id) { __typename id
    ... on Account { balance { minor } } ... on Bill { currentTotal { minor } }
    ... on Meter { number readings { totalCount } } ... on Fact { reference name } } }"""


def test_one_thing_at_two_moments_has_two_ids(door: Door) -> None:
    asked = """query ($one: Moment) { now: account(number: "000120") { id balance { minor } }
        one: at(knownAt: $one) { account(number: "000120") { id balance { minor } } }
        day: at(asOf: "2026-03-10") { account(number: "000120") { id balance { minor } } } }"""
    found = door.ask(asked, one=door.kept["before"])
    shown = [found["now"], found["one"]["account"], found["day"]["account"]]
    assert len({each["balance"]["minor"] for each in shown}) == 3
    assert len({each["id"] for each in shown}) == 3
    assert door.ask(asked, one=door.kept["before"]) == found  # the same again


def test_an_id_leads_to_the_thing_as_it_was_shown(door: Door) -> None:
    for moment in ({"at": door.kept["before"]}, {"asOf": "2026-03-10"}, {}):
        account = door.ask(THEN, **moment)["account"]
        found = door.ask(NODE, id=account["id"])["node"]
        assert (found["__typename"], found["id"]) == ("Account", account["id"])
        assert found["balance"] == account["balance"]
        for bill in account["bills"]["nodes"]:
            found = door.ask(NODE, id=bill["id"])["node"]
            assert found == {"__typename": "Bill", **bill}
        [supply] = account["supplies"]
        assert door.ask(NODE, id=supply["id"])["node"]["__typename"] == "Supply"
        [installed] = supply["point"]["installations"]
        meter = door.ask(NODE, id=installed["meter"]["id"])["node"]
        assert (meter["__typename"], meter["number"]) == ("Meter", "M000120")


def test_a_fact_has_an_id(door: Door) -> None:
    asked = "query ($ref: ID!) { fact(reference: $ref) { id } }"
    told = door.ask(asked, ref=door.kept["fact"])["fact"]["id"]
    found = door.ask(NODE, id=told)["node"]
    assert (found["reference"], found["name"]) == (door.kept["fact"], "meter.found-inaccurate")


def test_the_number_of_now_is_not_told_by_the_id_of_then(door: Door) -> None:
    """An id of now names the thing only: it shows what is so when it is asked."""
    now = door.ask('{ account(number: "000120") { id } }')["account"]["id"]
    assert now == urlsafe_b64encode(f'["Account",["{ACCOUNT}"]]'.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "told",
    [
        "",
        "x",
        "000120",
        "W10",
        "e30",
        *(
            urlsafe_b64encode(text.encode()).decode().rstrip("=")
            for text in (
                '["Account"]',
                '["Account",[]]',
                '["Account",["a","b"]]',
                '["Nothing",["a"]]',
                '["Supply",["P000120","no day"]]',
                '["Account",["000120"],"no day",3]',
                '["Account",["000120"],null,-3]',
                '["Account",["000120"],null,"x"]',
                '["Account",["000120"],null,3,4]',
                '["Meter",[]]',
                '[["Account"],["000120"]]',
            )
        ),
    ],
)
def test_what_is_no_id_is_refused(door: Door, told: str) -> None:
    assert door.refused(NODE, id=told)[0] in ("BAD_ID", "NOT_YET_RECORDED")


def test_an_id_of_a_moment_to_come_is_refused(door: Door) -> None:
    told = urlsafe_b64encode(b'["Account",["000120"],null,999999]').decode().rstrip("=")
    assert door.refused(NODE, id=told)[0] == "NOT_YET_RECORDED"


def test_what_is_not_there_is_null(door: Door) -> None:
    for root in ("account", "customer", "point", "meter", "bill", "payment", "tariff"):
        assert door.ask(f'{{ {root}(number: "none") {{ number }} }}') == {root: None}


def test_a_number_that_no_table_can_hold_is_nothing_worse(door: Door) -> None:
    for root in (
        'account(number: "no\\u0000ne") { number }',
        'meter(number: "no\\u0000ne") { number }',
        'bill(number: "no\\u0000ne") { number }',
        'history(stream: "no\\u0000ne") { totalCount }',
        'accounts(filter: {customer: {eq: "no\\u0000ne"}}) { totalCount }',
    ):
        answer = door.post(f"{{ {root} }}").json()
        codes = {error["extensions"]["code"] for error in answer.get("errors", [])}
        assert codes <= {"BAD_REQUEST"}
