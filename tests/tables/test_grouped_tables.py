"""Tables in Postgres: the first rows of each of many, and sums, are what single rows say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections.kit.table import Where, place
from tests.tables.test_tables import fold, split
from tests.things import HISTORIES, NAMES, facts, spells


@pytest.fixture
def db(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_many_at_once_are_as_one_by_one(
    db: psycopg.Connection[Any], data: st.DataObject
) -> None:
    told = facts(data.draw(HISTORIES))
    tables = fold(db, split(told, []))
    keys = data.draw(st.lists(NAMES, max_size=5))
    where = [Where("amount", ">", data.draw(st.integers(-3, 1)))]
    at = data.draw(st.none() | st.integers(0, len(told)))
    how: dict[str, Any] = {
        "order": data.draw(st.sampled_from([(), ("since",), ("amount",)])),
        "descending": data.draw(st.booleans()),
        "known_at": at,
    }
    rows = tables.find(spells, **how)
    later = data.draw(st.booleans())
    if rows and later:
        how["after"] = place(spells, data.draw(st.sampled_from(rows)), how["order"])
    limit = data.draw(st.integers(0, 3))
    one_by_one = [
        row
        for key in dict.fromkeys(keys)
        for row in tables.find(spells, Where("name", "=", key), *where, limit=limit, **how)
    ]
    assert tables.first_of_each(spells, "name", keys, *where, limit=limit, **how) == one_by_one
    sums: dict[str, int] = {}
    for row in tables.find(spells, *where, known_at=at):
        sums[row.name] = sums.get(row.name, 0) + row.amount
    assert tables.sums(spells, "amount", *where, by="name", known_at=at) == sums


def test_what_no_column_is_cannot_be_grouped_by(db: psycopg.Connection[Any]) -> None:
    tables = fold(db, [])
    with pytest.raises(ValueError, match="nothing"):
        tables.first_of_each(spells, "nothing", ["a"], limit=1)
    with pytest.raises(ValueError, match="nothing"):
        tables.sums(spells, "amount", by="nothing")
