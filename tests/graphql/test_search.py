"""Things found by what people know of them, and the timeline of a thing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import psycopg
import pytest

from domain.customers.customer import ErasePerson, RegisterCustomer, RenameCustomer
from projections.kit.search import grams, matches, wanted
from replay.server import embedded
from tests.door import ACCOUNT, Door, corrected_town

SEARCH = """query ($text: String!, $knownAt: Moment) { at(knownAt: $knownAt) {
  search(text: $text) { __typename id
    ... on Customer { number name } ... on Account { number } ... on Bill { number }
    ... on Point { number address } ... on Meter { number } ... on Payment { number }
} } }"""
TIMELINE = """query ($node: ID!, $first: Int, $after: String, $reverse: Boolean! = false) {
  timeline(node: $node, first: $first, after: $after, reverse: $reverse) {
    nodes { stream name by position } totalCount pageInfo { endCursor hasNextPage } } }"""


@pytest.fixture(scope="module")
def door(server: embedded.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    folder = tmp_path_factory.mktemp("search")
    with corrected_town(server, "search_story", folder) as made:
        named = {"C1": "José Ångström", "C2": "\u738b\u5c0f\u660e", "C3": "Anna Quayle"}
        for number, name in named.items():
            made.town.ask(RegisterCustomer(customer=number, name=name))
        made.kept["named"] = made.town.settle()
        yield made


def found(door: Door, text: str, known_at: Any = None) -> list[tuple[str, str]]:
    nodes = door.ask(SEARCH, text=text, knownAt=known_at)["search"]
    return [(one["__typename"], one["number"]) for one in nodes]


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("jose", ("Customer", "C1")),
        ("ÅNGSTR", ("Customer", "C1")),
        ("angstrom jose", ("Customer", "C1")),
        ("\u5c0f", ("Customer", "C2")),
        ("\u738b\u5c0f", ("Customer", "C2")),
        ("quay 120", ("Point", "P000120")),
        ("c000120", ("Customer", "C000120")),
        ("000120-2026-02", ("Bill", "000120-2026-02")),
        ("m000120", ("Meter", "M000120")),
        ("00012", ("Account", "000120")),
    ],
)
def test_a_thing_is_found_by_what_is_known_of_it(
    door: Door, text: str, node: tuple[str, str]
) -> None:
    assert node in found(door, text)


@pytest.mark.parametrize("text", ["", "  ", "nobody", "josex", "%", "'", "\0", "120 nowhere"])
def test_what_is_not_there_is_not_found(door: Door, text: str) -> None:
    assert found(door, text) == []


def test_a_word_is_not_found_by_its_pieces_in_another_order(door: Door) -> None:
    assert "quay" not in "yaqu"
    assert not any(number == "C3" for _, number in found(door, "laya"))
    assert found(door, "uayl") == [("Customer", "C3")]


def test_a_name_is_found_as_it_was_known_and_who_is_erased_is_gone(door: Door) -> None:
    before = door.kept["named"]
    door.town.ask(RenameCustomer(customer="C3", name="Anna Brook"))
    door.town.settle()
    assert found(door, "quayle") == []
    assert found(door, "brook") == [("Customer", "C3")]
    assert found(door, "quayle", before) == [("Customer", "C3")]
    door.town.ask(ErasePerson(customer="C3", reason="asked for", on=date(2026, 5, 1)))
    door.town.settle()
    assert found(door, "brook") == found(door, "quayle", before) == []


def test_too_long_a_text_is_refused(door: Door) -> None:
    code, told = door.refused(SEARCH, text="x" * 101)
    assert (code, told) == (
        "BAD_REQUEST",
        "Look for 100 characters at most, and 50 of each kind.",
    )


@pytest.mark.usefixtures("door")
def test_a_row_is_found_by_an_index(server: embedded.Server) -> None:
    with psycopg.connect(server.database("search_story")) as db:
        db.execute("set enable_seqscan = off")
        told = db.execute(
            "explain select * from books.customers where grams @> '[\"jo\"]'::jsonb"
        ).fetchall()
    assert any("customers_by_grams" in line for (line,) in told)


def test_grams_of_a_text_find_it_and_its_words() -> None:
    made = set(grams("Straße 5b", None))
    for text in ("strasse", "s", "5b", "ass 5"):
        assert set(wanted(text)) <= made
        assert matches(text, "Straße 5b", None)
    assert not matches("esa", "Straße 5b")


def test_the_timeline_of_an_account_has_its_bills_and_payments(door: Door) -> None:
    (node,) = (
        one["id"]
        for one in door.ask(SEARCH, text=ACCOUNT)["search"]
        if one["__typename"] == "Account"
    )
    every = door.ask(TIMELINE, node=node, first=100)["timeline"]
    kinds = {one["stream"].partition("-")[0] for one in every["nodes"]}
    assert kinds == {"account", "bill", "payment", "point"}
    positions = [int(one["position"]) for one in every["nodes"]]
    assert positions == sorted(positions)
    assert every["totalCount"] == len(positions)
    newest = door.ask(TIMELINE, node=node, first=3, reverse=True)["timeline"]
    assert [int(one["position"]) for one in newest["nodes"]] == positions[::-1][:3]
    cursor = newest["pageInfo"]["endCursor"]
    older = door.ask(TIMELINE, node=node, first=2, after=cursor, reverse=True)["timeline"]
    assert [int(one["position"]) for one in older["nodes"]] == positions[::-1][3:5]


def test_a_timeline_of_nothing_is_refused(door: Door) -> None:
    for node in ("nonsense", "WyJGYWN0IixbIm1ldGVyLU0xQDEiXV0"):
        assert door.refused(TIMELINE, node=node)[0] == "BAD_ID"
