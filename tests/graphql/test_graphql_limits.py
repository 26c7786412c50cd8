"""GraphQL: what is too large is refused before anything is done for it, with the reason."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from graphql import get_introspection_query, parse

from api.graphql.limits import ALIASES, COST, DEPTH, TOKENS, Documents, Measure, QueryCost
from api.graphql.schema import schema
from replay.server import embedded
from tests.door import Door, statements, town_of_its_own


@pytest.fixture(scope="module")
def door(server: embedded.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    folder = tmp_path_factory.mktemp("limits")
    with town_of_its_own(server, "graphql_limits", folder) as made:
        yield made


def measured(query: str, **variables: object) -> QueryCost:
    return Measure(schema._schema, parse(query), variables).operations()


def test_a_list_counts_as_often_as_it_may_answer() -> None:
    assert measured('{ account(number: "1") { number openedOn } }') == QueryCost(2, 0, 3)
    assert measured("{ accounts { nodes { number } } }").cost == 1 + 20 * 2
    assert measured("{ accounts(first: 7) { nodes { number } } }").cost == 1 + 7 * 2
    by_variable = "query ($n: Int!) { accounts(first: $n) { nodes { number } } }"
    assert measured(by_variable, n=50).cost == 1 + 50 * 2
    assert measured(by_variable).cost == 1 + 100 * 2  # not given: the most it could be
    nested = "{ accounts(first: 10) { nodes { bills(first: 5) { nodes { number } } } } }"
    assert measured(nested).cost == 1 + 10 * (1 + 1 + 5 * 2)
    listed = '{ account(number: "1") { supplies { since } } }'
    assert measured(listed).cost == 1 + 1 + 5


def test_what_must_be_reckoned_costs_more() -> None:
    assert measured('{ bill(number: "1") { wouldBe { total { minor } } } }').cost == 53
    assert measured('{ touched(fact: "x") { currentTotal { minor } } }').cost == 1000 + 5 * 2


def test_a_fragment_costs_wherever_it_is_spread() -> None:
    plain = "{ accounts(first: 3) { nodes { number openedOn } } }"
    spread = (
        "{ accounts(first: 3) { nodes { ...F } } } fragment F on Account { number openedOn }"
    )
    inline = "{ accounts(first: 3) { nodes { ... on Account { number } ... { openedOn } } } }"
    assert measured(spread) == measured(plain) == measured(inline)
    assert (
        measured(spread + "fragment F on Account { x: number }").aliases == 1
    )  # an alias is one


def test_introspection_as_tools_ask_it_is_answered(door: Door) -> None:
    asked = get_introspection_query(descriptions=True, input_value_deprecation=True)
    assert 10_000 < measured(asked).cost < COST
    assert door.ask(asked)["__schema"]["types"]


def test_introspection_that_multiplies_is_refused(door: Door) -> None:
    inner = "name"
    for _ in range(4):
        inner = f"name fields {{ type {{ {inner} }} }}"
    assert door.refused(f"{{ __schema {{ types {{ {inner} }} }} }}")[0] == "QUERY_TOO_COSTLY"


def test_documents_are_kept_by_their_bytes() -> None:
    documents = Documents(most=1000)
    for n in range(100):
        source = f"{{ utility {{ name }} }} # {n:03} {'x' * 70}"
        documents.keep(source, parse(source), None)
        documents.keep(source, parse(source), [])
    assert len(documents) == 10
    assert documents.bytes <= 1000
    assert documents.get(source) is not None
    large = "{ utility { name } } #" + "x" * 1000
    documents.keep(large, parse(large), None)  # larger than all there is room for
    assert (len(documents), documents.bytes) == (0, 0)


def test_a_query_too_deep_is_refused(door: Door) -> None:
    query = "{ accounts(first: 1) { nodes { "
    query += "customer { accounts(first: 1) { nodes { " * 8 + "number" + " } } }" * 8 + " } } }"
    code, sentence = door.refused(query)
    assert code == "QUERY_TOO_DEEP"
    assert str(DEPTH) in sentence


def test_a_query_with_too_many_aliases_is_refused(door: Door) -> None:
    fields = " ".join(f"a{n}: number" for n in range(ALIASES + 1))
    code, sentence = door.refused(f'{{ account(number: "1") {{ {fields} }} }}')
    assert (code, str(ALIASES) in sentence) == ("TOO_MANY_ALIASES", True)


def test_a_query_too_costly_is_refused_without_a_statement(door: Door) -> None:
    query = """query ($n: Int!) { accounts(first: $n) { nodes { bills(first: $n) {
        nodes { number lines { code quantity } } } } } }"""
    assert door.ask(query, n=10) == {"accounts": {"nodes": []}}
    with statements() as said:
        code, sentence = door.refused(query, n=100)
    assert code == "QUERY_TOO_COSTLY"
    assert f"{COST:,}" in sentence
    assert said == []


def test_a_query_of_too_many_words_is_refused(door: Door) -> None:
    words = " number" * (TOKENS + 1)
    code, sentence = door.refused(f'{{ account(number: "1") {{ {words} }} }}')
    assert (code, str(TOKENS) in sentence) == ("GRAPHQL_PARSE_FAILED", True)


def test_fragments_that_multiply_are_measured_at_once(door: Door) -> None:
    """Each spreads the next twice: 2^60 fields, were they written out."""
    query = '{ account(number: "1") { ...F0 } }'
    for n in range(60):
        query += f" fragment F{n} on Account {{ ...F{n + 1} ...F{n + 1} }}"
    query += " fragment F60 on Account { number }"
    assert measured(query).cost == COST + 1
    assert door.refused(query)[0] == "QUERY_TOO_COSTLY"


def test_a_fragment_that_spreads_itself_is_refused_by_validation(door: Door) -> None:
    query = '{ account(number: "1") { ...F } } fragment F on Account { number ...F }'
    assert door.refused(query)[0] == "GRAPHQL_VALIDATION_FAILED"


def test_what_does_not_exist_is_refused_by_validation(door: Door) -> None:
    query = "{ nothing { at { all } } accounts { nodes { number { number } } } }"
    assert door.refused(query)[0] == "GRAPHQL_VALIDATION_FAILED"
