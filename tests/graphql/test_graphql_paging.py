"""GraphQL: pages with keyset cursors, and how little is asked of the database for them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from replay.server import embedded
from tests.door import Door, statements, town_of_its_own

HOMES = 12


@pytest.fixture(scope="module")
def door(server: embedded.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """Twelve homes; each is read and billed for two months, and pays the first bill."""
    folder = tmp_path_factory.mktemp("pages")
    with town_of_its_own(server, "graphql_pages", folder) as made:
        for number in range(1, HOMES + 1):
            account = made.town.home(number)
            made.town.read(account, 2, kwh=100 + number)
            made.town.bill(account, 1)
            made.town.bill(account, 2)
            made.town.pay(f"R{number}", account, 2000 + number, date(2026, 2, number))
        made.town.settle()
        yield made


PAGE = """query ($first: Int!, $after: String, $reverse: Boolean!) {
    %s(first: $first, after: $after, reverse: $reverse) {
        edges { cursor node { %s } } nodes { %s }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""


def pages(door: Door, root: str, first: int, reverse: bool, field: str = "number") -> list[str]:
    """Everything of a connection, page by page, checked on the way."""
    asked = PAGE % (root, field, field)
    found: list[str] = []
    after = None
    while True:
        page = door.ask(asked, first=first, after=after, reverse=reverse)[root]
        names = [edge["node"][field] for edge in page["edges"]]
        cursors = [edge["cursor"] for edge in page["edges"]]
        info = page["pageInfo"]
        assert [node[field] for node in page["nodes"]] == names
        assert len(names) <= first
        assert info["hasPreviousPage"] == (after is not None)
        assert (info["startCursor"], info["endCursor"]) == (cursors[0], cursors[-1])
        found += names
        if not info["hasNextPage"]:
            return found
        assert len(names) == first
        after = info["endCursor"]


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    first=st.integers(1, 30),
    reverse=st.booleans(),
    root=st.sampled_from(["accounts", "customers", "points", "bills", "payments", "tariffs"]),
)
def test_pages_of_any_size_are_the_whole_in_order(
    door: Door, first: int, reverse: bool, root: str
) -> None:
    whole = pages(door, root, 100, False)
    assert len(whole) == len(set(whole)) >= 2
    assert pages(door, root, first, reverse) == (whole[::-1] if reverse else whole)


def test_the_journal_is_paged_by_position(door: Door) -> None:
    whole = pages(door, "journal", 100, False, "fact")
    assert pages(door, "journal", 7, False, "fact") == whole


def test_installations_are_paged_by_meter_and_day(door: Door) -> None:
    asked = "query ($after: String) { installations(first: 5, after: $after) {"
    asked += " nodes { meter { number } } pageInfo { endCursor hasNextPage } } }"
    one = door.ask(asked)["installations"]
    two = door.ask(asked, after=one["pageInfo"]["endCursor"])["installations"]
    assert [n["meter"]["number"] for n in (*one["nodes"], *two["nodes"])] == [
        f"M{number:06}" for number in range(1, 11)
    ]


def test_a_nested_page_goes_on_for_each_of_its_owners(door: Door) -> None:
    asked = """query ($after: String) { accounts(first: 3) { nodes {
        bills(first: 1, after: $after) {
            nodes { number } pageInfo { hasNextPage endCursor } } } } }"""
    first = [n["bills"] for n in door.ask(asked)["accounts"]["nodes"]]
    assert [b["nodes"][0]["number"][-7:] for b in first] == ["2026-01"] * 3
    assert all(b["pageInfo"]["hasNextPage"] for b in first)
    after = first[2]["pageInfo"]["endCursor"]  # its place: 1 January, 000003-2026-01
    then = [n["bills"] for n in door.ask(asked, after=after)["accounts"]["nodes"]]
    assert [b["nodes"][0]["number"] for b in then] == [f"00000{n}-2026-02" for n in (1, 2, 3)]
    assert not any(b["pageInfo"]["hasNextPage"] for b in then)


def test_the_history_is_paged_both_ways(door: Door) -> None:
    asked = """query ($after: String, $reverse: Boolean!) {
        history(stream: "account-000003", first: 2, after: $after, reverse: $reverse) {
            nodes { version } pageInfo { endCursor hasNextPage } } }"""
    for reverse in (False, True):
        found: list[int] = []
        after = None
        while True:
            page = door.ask(asked, after=after, reverse=reverse)["history"]
            found += [node["version"] for node in page["nodes"]]
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                break
        assert found == sorted(found, reverse=reverse) and len(found) == 4  # noqa: PT018


def test_a_page_stays_right_while_others_come_before_it(door: Door) -> None:
    asked = PAGE % ("customers", "number", "number")
    one = door.ask(asked, first=3, after=None, reverse=False)["customers"]
    seen = [node["number"] for node in one["nodes"]]
    door.town.home(0)  # C000000 comes before all of them
    door.town.settle()
    two = door.ask(asked, first=3, after=one["pageInfo"]["endCursor"], reverse=False)
    more = [node["number"] for node in two["customers"]["nodes"]]
    assert seen + more == [f"C{number:06}" for number in range(1, 7)]


def test_a_page_too_large_is_refused_with_how_large_it_may_be(door: Door) -> None:
    code, sentence = door.refused("{ accounts(first: 101) { nodes { number } } }")
    assert (code, "100" in sentence) == ("PAGE_TOO_LARGE", True)
    code, sentence = door.refused(
        "{ accounts(first: 2) { nodes { bills(first: 500) { nodes { number } } } } }"
    )
    assert code == "PAGE_TOO_LARGE"
    assert door.refused("{ accounts(first: -1) { nodes { number } } }")[0] == "BAD_REQUEST"
    assert door.ask("{ accounts(first: 0) { nodes { number } pageInfo { hasNextPage } } }") == {
        "accounts": {"nodes": [], "pageInfo": {"hasNextPage": True}}
    }


@pytest.mark.parametrize(
    "cursor", ["", "x", "bnVsbA", "WzFd", "e30", "WyJhY2NvdW50cy1vbiIsIDFd"]
)
def test_what_is_no_cursor_is_refused(door: Door, cursor: str) -> None:
    asked = "query ($after: String) { bills(after: $after) { nodes { number } } }"
    assert door.refused(asked, after=cursor)[0] == "BAD_CURSOR"
    asked = """query ($after: String) { history(stream: "account-000003", after: $after) {
        nodes { reference } } }"""
    assert door.refused(asked, after=cursor)[0] == "BAD_CURSOR"


def test_a_cursor_of_another_connection_or_order_is_refused(door: Door) -> None:
    asked = "{ payments(first: 1) { pageInfo { endCursor } } }"
    cursor = door.ask(asked)["payments"]["pageInfo"]["endCursor"]
    for there in ("bills(after: $after)", "payments(after: $after, orderBy: ACCOUNT_ON)"):
        asked = f"query ($after: String) {{ {there} {{ nodes {{ number }} }} }}"
        assert door.refused(asked, after=cursor)[0] == "BAD_CURSOR"


BACK = """query ($last: Int, $first: Int, $before: String, $after: String) {
    bills(last: $last, first: $first, before: $before, after: $after, orderBy: ACCOUNT_SINCE) {
        totalCount nodes { number }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""


def test_pages_go_back_from_any_cursor(door: Door) -> None:
    whole = [n["number"] for n in door.ask(BACK, first=100)["bills"]["nodes"]]
    found: list[str] = []
    before = None
    while True:
        page = door.ask(BACK, last=5, before=before)["bills"]
        assert page["totalCount"] == len(whole) == 2 * HOMES
        assert page["pageInfo"]["hasNextPage"] == (before is not None)
        found = [node["number"] for node in page["nodes"]] + found
        if not page["pageInfo"]["hasPreviousPage"]:
            break
        before = page["pageInfo"]["startCursor"]
    assert found == whole
    middle = door.ask(BACK, first=7)["bills"]["pageInfo"]["endCursor"]  # one for both ways
    there = door.ask(BACK, last=2, before=middle)["bills"]["nodes"]
    assert [node["number"] for node in there] == whole[4:6]
    there = door.ask(BACK, first=2, after=middle)["bills"]["nodes"]
    assert [node["number"] for node in there] == whole[7:9]


def test_a_page_has_one_direction(door: Door) -> None:
    for both in ({"first": 1, "last": 1}, {"last": 1, "after": "x"}, {"before": "x"}):
        assert door.refused(BACK, **both)[0] == "BAD_REQUEST"


def test_a_list_is_filtered_by_what_its_read_model_declares(door: Door) -> None:
    asked = """query ($is: BillFilter) { bills(filter: $is) { totalCount nodes { number } } }"""

    def found(**given: Any) -> list[str]:
        page = door.ask(asked, **{"is": given})["bills"]
        assert page["totalCount"] == len(page["nodes"])
        return [node["number"] for node in page["nodes"]]

    two = {"in": ["000002", "000005"]}
    assert found(account=two) == [f"00000{n}-2026-0{m}" for n in (2, 5) for m in (1, 2)]
    assert found(account=two, since={"ge": "2026-02-01"}) == [
        "000002-2026-02",
        "000005-2026-02",
    ]
    assert found(account={"eq": "000002"}, since={"lt": "2026-02-01"}) == ["000002-2026-01"]
    assert found(since={"gt": "2026-02-01"}) == []
    counted = """{ accounts(filter: {customer: {in: ["C000002", "C000005"]}}) { nodes {
        bills(first: 1) { totalCount } } } }"""
    nodes = door.ask(counted)["accounts"]["nodes"]
    assert [node["bills"]["totalCount"] for node in nodes] == [2, 2]


NESTED = """query ($first: Int!, $knownAt: Moment, $asOf: Date) {
    at(knownAt: $knownAt, asOf: $asOf) { accounts(first: $first) { nodes {
        number customer { name } balance { minor }
        supplies { point { address installations { meter { number errors { error } } } } }
        bills { totalCount nodes { number currentTotal { minor } status currentLines { code }
            corrections { number } settlements { source } } }
        payments { nodes { number settlements { bill { number } } } }
        movements { nodes { position } } } } } }"""


@pytest.mark.parametrize("more", [{}, {"knownAt": 60}, {"asOf": "2026-03-01"}])
def test_a_longer_list_takes_no_more_statements(door: Door, more: dict[str, Any]) -> None:
    door.ask(NESTED, first=1, **more)
    counts = []
    for first in (2, HOMES):
        tries = []
        for _ in range(3):  # now and then a look is taken twice: the tables have just moved
            with statements() as said:
                found = door.ask(NESTED, first=first, **more)
            tries.append(len(said))
        counts.append(min(tries))
        assert len(found["accounts"]["nodes"]) == first or "knownAt" in more
    assert counts[0] == counts[1] <= 22, said


def test_a_request_reads_one_moment_of_the_tables(door: Door) -> None:
    """What is recorded between two roots of a request is not seen by the second."""
    asked = '{ one: account(number: "000001") { balance { minor } }'
    asked += " two: trialBalance { lines { code balance { minor } } } }"
    tables = door.town.system.tables
    get, paid = type(tables).get, list[object]()

    def late(self: Any, projection: Any, key: Any, **more: Any) -> Any:
        found = get(self, projection, key, **more)
        if projection.name == "accounts" and not paid:
            paid.append(door.town.pay("LATE", "000001", 777, date(2026, 4, 30)))
            door.town.settle()
        return found

    before = door.ask(asked)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(type(tables), "get", late)
        assert door.ask(asked) == before
    assert paid
    assert door.ask(asked) != before
