"""Who may see: rows of one's units alone, by whatever way, and names by duty."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr

from api.settings import Settings
from api.system import opened
from api.visibility import MASKED, PLACES
from projections.catalogue import PROJECTIONS
from replay.server import embedded
from tests.organisation.grid import DAY, Grid, founded, served_home
from tests.served import EXAMPLES, served

SECRETS = ("Hugo Hill", "200@example.org", "200 Quay", "C200", "P200", '"200"', "M200")
"""What says something of the home at Hillside."""


@pytest.fixture(scope="module")
def grid(server: embedded.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grid]:
    with psycopg.connect(server.database("postgres"), autocommit=True) as connection:
        connection.execute("create database visibility")
    settings = Settings(
        database_url=SecretStr(server.database("visibility")),
        data_dir=tmp_path_factory.mktemp("visibility"),
        demo=False,
    )
    with opened(settings) as system, served(system) as door:
        made = founded(door)
        made.engage("auditor-lakeside", "auditor", "lakeside")
        made.engage("auditor", "auditor", "utility")
        made.engage("feeds", "integrator", "utility")
        made.engage("books", "finance", "utility")
        for command, person in (("draft", "anna"), ("approve", "bert"), ("publish", "bert")):
            made.done(person, f"{command}-tariff", **EXAMPLES[f"{command}-tariff"])
        for station, number, name in (
            ("lakeside", "100", "Lena Lake"),
            ("hillside", "200", "Hugo Hill"),
        ):
            served_home(made, station, number, name)
            lived_in(made, station, number)
        yield made


def lived_in(grid: Grid, station: str, number: str) -> None:
    """The home is supplied, metered, read, and has paid something."""
    supply = {"point": f"P{number}", "account": number, "tariff": "R1", "since": DAY}
    grid.done(f"clerk-{station}", "supply-point", **supply)
    install = {**EXAMPLES["install-meter"], "meter": f"M{number}", "point": f"P{number}"}
    grid.done(f"metering-{station}", "install-meter", **install)
    read = {**EXAMPLES["read-meter"], "meter": f"M{number}"}
    grid.done(f"reader-{station}", "read-meter", **read)
    payment = {**EXAMPLES["receive-payment"], "payment": f"R{number}", "account": number}
    grid.done(f"cashier-{station}", "receive-payment", **payment)


def head(grid: Grid) -> int:
    return grid.door.system.history.head()


LISTS = """
  customers { totalCount nodes { id number name contact accounts { nodes { number } } } }
  accounts { totalCount nodes { id number customer { name } balance { minor } orgUnit
    movements { nodes { reference } } supplies { point { number address } } } }
  points { totalCount nodes { id number address installations { meter { number } } } }
  supplies { totalCount nodes { id account { number } } }
  installations { totalCount nodes { id meter { number } } }
  readings { totalCount nodes { id on } }
  payments { totalCount nodes { id number } }
  movements { totalCount nodes { id reference } }
  journal { totalCount nodes { account { number } } }
  people { nodes { number } } dutiesHeld { nodes { person { number } } }"""


def test_every_table_says_where_its_rows_lie() -> None:
    assert {projection.name for projection in PROJECTIONS} == PLACES.keys()


def test_every_list_shows_the_rows_of_ones_units_alone(grid: Grid) -> None:
    answer = grid.query("auditor", LISTS, head(grid)).json()
    assert "errors" not in answer, answer
    whole = answer["data"]["at"]
    part = grid.query("auditor-lakeside", LISTS, head(grid)).json()["data"]["at"]
    counted = [name for name in whole if "totalCount" in whole[name]]
    assert {name: whole[name]["totalCount"] for name in counted} == {
        name: 2 * part[name]["totalCount"] for name in counted
    }
    told = json.dumps(part)
    assert "Lena Lake" in told
    assert "100 Quay" in told
    assert [secret for secret in SECRETS if secret in told] == []
    assert {each["number"].partition("-")[2] for each in part["people"]["nodes"]} == {
        "lakeside"
    }


def ids(grid: Grid) -> dict[str, str]:
    found = grid.query("auditor", LISTS, head(grid)).json()["data"]["at"]
    return {
        f"{name} {n}": node["id"]
        for name, listed in found.items()
        for n, node in enumerate(listed["nodes"])
        if "id" in node and any(secret in json.dumps(node) for secret in SECRETS)
    }


ROOTS = """
  customer(number: "C200") { name } account(number: "200") { number balance { minor } }
  point(number: "P200") { address } payment(number: "R200") { number } meter(number: "M200") {
    number readings { totalCount } }
  filtered: accounts(filter: {openedOn: {eq: "2026-01-01"}, customer: {eq: "C200"}}) {
    nodes { number } }
  ordered: accounts(filter: {customer: {eq: "C200"}}) { totalCount nodes { number } }
  supplied: supplies(filter: {point: {eq: "P200"}}) { nodes { since } }
  held: movements(filter: {account: {eq: "200"}}) { totalCount }
  one: history(stream: "customer-C200") { totalCount nodes { data } }
  two: history(stream: "account-200") { totalCount nodes { data } }
  three: history(stream: "meter-M200") { totalCount nodes { data } }
  four: history(stream: "payment-R200") { totalCount nodes { data } }
  five: history(stream: "person-clerk-hillside") { totalCount nodes { data } }"""


def test_no_root_filter_or_history_tells_of_another_station(grid: Grid) -> None:
    known = [root for root in ROOTS.split("\n") if root.strip()]
    assert known
    answer = grid.query("auditor-lakeside", ROOTS, head(grid))
    if "errors" in answer.json():  # a filter that there is not: the rest is asked all the same
        pytest.fail(str(answer.json()["errors"]))
    told = {name: each for name, each in answer.json()["data"]["at"].items() if each}
    for name, each in told.items():
        assert each in (
            {"nodes": []},
            {"totalCount": 0},
            {"totalCount": 0, "nodes": []},
            {"number": "M200", "readings": {"totalCount": 0}},
        ), name


def test_no_id_and_no_timeline_tells_of_another_station(grid: Grid) -> None:
    found = ids(grid)
    assert len(found) >= 5
    for name, one in found.items():
        text = f'{{ node(id: "{one}") {{ __typename id ... on Account {{ number }} }} }}'
        assert grid.asked("auditor", text).json()["data"]["node"], name
        answer = grid.asked("auditor-lakeside", text).json()
        assert answer["data"] == {"node": None}, name
        assert not any(secret in json.dumps(answer) for secret in SECRETS), name
    for name, one in found.items():
        if name.startswith(("customers", "accounts", "points")):
            text = f'timeline(node: "{one}") {{ totalCount nodes {{ data }} }}'
            answer = grid.query("auditor-lakeside", text).json()
            assert not any(secret in json.dumps(answer) for secret in SECRETS), name
            assert answer["data"]["at"]["timeline"]["totalCount"] == 0


def test_no_fact_search_or_cursor_tells_of_another_station(grid: Grid) -> None:
    for ref in ("customer-C200@1", "account-200@1", "person-clerk-hillside@1"):
        answer = grid.query("auditor-lakeside", f'fact(reference: "{ref}") {{ data }}').json()
        assert answer["errors"][0]["extensions"]["code"] == "NO_SUCH_FACT"
    for text in ("Hugo Hill", "200 Quay", "C200", "200"):
        answer = grid.query("auditor-lakeside", f'search(text: "{text}") {{ __typename }}', 0)
        assert answer.json()["data"]["at"]["search"] == [], text
    pages = "accounts(first: 1) { edges { cursor node { number } } }"
    edge = grid.query("auditor", pages, head(grid)).json()["data"]["at"]["accounts"]["edges"][0]
    onward = f'accounts(first: 5, after: "{edge["cursor"]}") {{ nodes {{ number }} }}'
    assert (
        grid.query("auditor-lakeside", onward).json()["data"]["at"]["accounts"]["nodes"] == []
    )


def feed(grid: Grid, person: str, path: str = "/feed") -> list[dict[str, Any]]:
    headers = {"Authorization": f"Bearer {grid.door.token('', person)}"}
    answer = grid.door.client.get(f"{path}?limit=1000", headers=headers)
    assert answer.status_code == 200, answer.text
    told: list[dict[str, Any]] = answer.json()
    return told


def test_the_feeds_tell_of_ones_units_alone(grid: Grid) -> None:
    for path, among in (("/feed", "account-100"), ("/feed/journal", "[")):
        events = feed(grid, "auditor-lakeside", path)
        told = json.dumps(events)
        assert among in told
        assert [secret for secret in SECRETS if secret in told] == []


def test_names_are_masked_but_for_duties_that_read_them(grid: Grid) -> None:
    query = 'customer(number: "C100") { name contact } ' + 'history(stream: "customer-C100") {'
    query += " nodes { data } }"
    for person, name, contact in (
        ("clerk-lakeside", "Lena Lake", "100@example.org"),
        ("cashier-lakeside", "Lena Lake", MASKED),
        ("reader-lakeside", MASKED, MASKED),
    ):
        found = grid.query(person, query, head(grid)).json()["data"]["at"]
        assert found["customer"] == {"name": name, "contact": contact}, person
        data = found["history"]["nodes"][0]["data"]
        assert (data["name"], data["contact"]) == (name, contact)
    for person, found_ in (("clerk-lakeside", 1), ("reader-lakeside", 0)):
        answer = grid.query(person, 'search(text: "Lena La") { __typename }').json()
        assert len(answer["data"]["at"]["search"]) == found_, person


def test_the_feed_to_programs_has_no_names_and_finance_follows_the_journal_alone(
    grid: Grid,
) -> None:
    registered = [e for e in feed(grid, "feeds") if e["subject"] == "customer-C200"]
    assert (registered[0]["data"]["name"], registered[0]["data"]["contact"]) == (MASKED, MASKED)
    told = json.dumps([feed(grid, "feeds"), feed(grid, "books", "/feed/journal")])
    assert "Hugo Hill" not in told
    assert "@example.org" not in told
    headers = {"Authorization": f"Bearer {grid.door.token('', 'books')}"}
    assert grid.door.client.get("/feed", headers=headers).status_code == 403
    assert grid.query("books", "position").status_code == 403
    whole = [e for e in feed(grid, "auditor") if e["subject"] == "customer-C200"]
    assert whole[0]["data"]["name"] == "Hugo Hill"
