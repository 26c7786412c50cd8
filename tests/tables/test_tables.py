"""Tables in memory and in Postgres answer alike, now and as known at any position."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import count
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.kit import Fact
from projections.kit.digest import digest
from projections.kit.postgres import PostgresTables, reading_pool
from projections.kit.table import (
    Folding,
    KeyNotDeclared,
    MemoryTables,
    Op,
    Projection,
    Table,
    Tables,
    Where,
    place,
)
from projections.kit.writer import TableOutdated, TablePosition, TablesMoved, TableWriter
from tests.things import (
    BOTH,
    DAYS,
    HISTORIES,
    MOMENTS,
    NAMES,
    PRICES,
    SMALL,
    TEXTS,
    Began,
    Colour,
    Ended,
    Spell,
    facts,
    fold_spells,
    spells,
    things,
)

SCHEMAS = count(1)
OPERATORS: list[Op] = ["=", "<", "<=", ">", ">=", "in"]


@pytest.fixture
def db(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("set timezone = 'Asia/Shanghai'")  # answers are in UTC all the same
        yield connection


def fold(db: psycopg.Connection[Any], batches: list[list[Fact]]) -> PostgresTables:
    """Facts folded into Postgres, in those batches, in a schema of their own."""
    schema = f"books_{next(SCHEMAS)}"
    writer = TableWriter(db, BOTH, schema)
    writer.make()
    position = 0
    for batch in batches:
        with db.transaction():
            writer.advance(
                {p.name: TablePosition(position, 0) for p in BOTH}, batch[-1].position
            )
            for projection in BOTH:
                wanted = [f for f in batch if isinstance(f.event, projection.events)]
                keys = {key for fact in wanted for key in projection.keys(fact)}
                rows = writer.fetch(projection.name, keys) if keys else {}
                folding = Folding(projection, rows)
                for fact in wanted:
                    folding.fold(fact)
                writer.write(projection.name, folding.changes)
            position = batch[-1].position
    return PostgresTables(db, BOTH, schema=schema)


def split(given: list[Fact], cuts: list[int]) -> list[list[Fact]]:
    """The same facts in batches that end where the cuts say."""
    ends = sorted({cut % len(given) for cut in cuts} | {len(given)}) if given else []
    starts = [0, *ends]
    return [given[a:b] for a, b in zip(starts, ends, strict=False) if a < b]


@st.composite
def questions(draw: st.DrawFn) -> tuple[Projection[Any], dict[str, Any], list[Where]]:
    """Something that can be asked of one of the tables."""
    projection = draw(st.sampled_from(BOTH))
    values: dict[str, st.SearchStrategy[Any]] = {"name": NAMES, "amount": SMALL}
    if projection is things:
        values |= {
            "colour": st.sampled_from(Colour), "flag": st.booleans(), "price": PRICES,
            "day": DAYS, "when": MOMENTS, "note": TEXTS, "due": DAYS, "rank": SMALL,
            "kind": st.sampled_from(["plain", "odd"]),
        }  # fmt: skip
    else:
        values["since"] = st.dates(date(2026, 1, 1), date(2026, 1, 3))
    where: list[Where] = []
    for name in draw(st.lists(st.sampled_from(sorted(values)), max_size=2)):
        op: Op = draw(st.sampled_from(OPERATORS))
        one = values[name]
        maybe = st.none() | one if name in ("note", "due", "rank") else one
        value = draw(st.lists(maybe, max_size=3) if op == "in" else maybe if op == "=" else one)
        where.append(Where(name, op, value))
    order = st.lists(st.sampled_from(sorted(values)), max_size=2, unique=True).map(tuple)
    how = {
        "order": draw(order),
        "limit": draw(st.none() | st.integers(1, 3)),
        "descending": draw(st.booleans()),
    }
    return projection, how, where


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_memory_and_postgres_answer_alike(
    db: psycopg.Connection[Any], data: st.DataObject
) -> None:
    told = facts(data.draw(HISTORIES))
    memory = MemoryTables(BOTH).fold(told)
    stored = fold(db, split(told, data.draw(st.lists(st.integers(0, 30), max_size=4))))
    assert stored.position == memory.position == len(told)
    known = st.none() | st.integers(0, len(told) + 1)
    for key in data.draw(st.lists(NAMES, min_size=1, max_size=4)):
        at = data.draw(known)
        assert stored.get(things, key, known_at=at) == memory.get(things, key, known_at=at)
        assert stored.past(things, key) == memory.past(things, key)
        pair = (key, date(2026, 1, 1))
        assert stored.get(spells, pair, known_at=at) == memory.get(spells, pair, known_at=at)
        assert stored.past(spells, pair) == memory.past(spells, pair)
    for projection, how, where in data.draw(st.lists(questions(), min_size=1, max_size=6)):
        at = data.draw(known)
        asked = _page_by_page(stored, projection, where, how, at)
        assert asked == _page_by_page(memory, projection, where, how, at)
    for projection in BOTH:
        assert digest(stored, projection) == digest(memory, projection)


def _page_by_page(
    tables: Tables, projection: Projection[Any], where: list[Where], how: Any, at: int | None
) -> list[list[Any]]:
    pages: list[list[Any]] = []
    after: tuple[Any, ...] | None = None
    while True:
        page = tables.find(projection, *where, **how, after=after, known_at=at)
        pages.append(page)
        if how["limit"] is None or not page:
            return pages
        after = place(projection, page[-1], how["order"])


def spell(name: str, day: int, amount: int = 0) -> Spell:
    return Spell(name, date(2026, 1, day), amount)


def fails(given: Projection[Any], event: object) -> MemoryTables:
    return MemoryTables([given]).fold(facts([event]))


def test_a_fold_sees_what_the_fact_touches_and_no_more() -> None:
    seen: list[Any] = []

    def project(table: Table[Any, Spell], _: Fact) -> None:
        seen.append(list(table))
        table.get(("b", date(2026, 1, 1)))

    nosy = replace(spells, project=project)
    with pytest.raises(KeyNotDeclared, match="'b'"):
        fails(nosy, Began(spell("a", 1)))
    assert seen == [[]]


def test_a_row_stands_under_its_own_key() -> None:
    def project(table: Table[Any, Spell], fact: Fact) -> None:
        table[fact.event.spell.name, fact.event.spell.since] = spell("b", 1)

    with pytest.raises(TypeError, match="not the row"):
        fails(replace(spells, project=project), Began(spell("a", 1)))


def test_a_fold_that_fails_leaves_nothing() -> None:
    def project(table: Table[Any, Spell], fact: Fact) -> None:
        fold_spells(table, fact)
        if fact.event.spell.amount < 0:
            raise ArithmeticError

    tables = MemoryTables([replace(spells, project=project)])
    good, bad = facts([Began(spell("a", 1, 1)), Began(spell("a", 1, -1))])
    tables.fold([good])
    with pytest.raises(ArithmeticError):
        tables.fold([bad])
    assert tables.get(spells, ("a", date(2026, 1, 1))) == spell("a", 1, 1)
    assert len(tables.past(spells, ("a", date(2026, 1, 1)))) == 1


def test_what_changes_nothing_is_no_change() -> None:
    same, back = Began(spell("a", 1)), [Began(spell("b", 1)), Ended("b", date(2026, 1, 1))]
    tables = MemoryTables(BOTH).fold(facts([same, same, *back]))
    assert tables.past(spells, ("a", date(2026, 1, 1))) == [(1, spell("a", 1))]
    assert tables.past(spells, ("b", date(2026, 1, 1))) == [(3, spell("b", 1)), (4, None)]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"name": "Things"}, "name of a table"),
        ({"name": "spells_past"}, "name of a table"),
        ({"key": ("since",)}, "first fields"),
        ({"key": ()}, "first fields"),
        ({"indexes": (("colour",),)}, "looked up"),
    ],
)
def test_what_cannot_be_a_table_is_refused(change: dict[str, Any], why: str) -> None:
    with pytest.raises(TypeError, match=why):
        replace(spells, **change)


def test_a_question_that_has_no_answer_is_refused(db: psycopg.Connection[Any]) -> None:
    every: list[Tables] = [MemoryTables(BOTH), fold(db, [])]
    for tables in every:
        with pytest.raises(ValueError, match="words"):
            tables.find(things, Where("words", "=", {}))
        with pytest.raises(ValueError, match="nothing"):
            tables.find(things, order=("nothing",))
        with pytest.raises(ValueError, match="2 values: amount, name"):
            tables.find(things, order=("amount",), after=(1,))
        assert tables.get(things, "\0") is None
        assert tables.get(things, "\ud800", known_at=1) is None
        assert tables.past(things, "\0") == []
    with pytest.raises(ValueError, match="stored"):
        Where("name", "in", ["a", "\0"])
    with pytest.raises(ValueError, match="None"):
        Where("rank", "<", None)


def test_tables_stand_still_for_as_long_as_asked(
    database_url: str, db: psycopg.Connection[Any]
) -> None:
    told = facts([Began(spell("a", 1)), Began(spell("a", 2))])
    writer = TableWriter(db, BOTH)
    writer.make()
    with reading_pool(database_url) as pool:
        live = PostgresTables(pool, BOTH)
        assert live.position == 0
        assert not live.wait_for(1, timeout=0.01)
        with live.snapshot() as snapshot:
            assert snapshot.find(spells) == []
            with db.transaction():
                changes = [(1, ("a", date(2026, 1, 1)), None, told[0].event.spell)]
                writer.write("spells", changes)
                writer.advance(
                    {"spells": TablePosition(0, 0), "things": TablePosition(0, 0)}, 1
                )
            assert live.wait_for(1, timeout=5)
            assert (snapshot.position, snapshot.find(spells)) == (0, [])
            assert (live.position, live.find(spells)) == (1, [spell("a", 1)])


def test_two_who_move_the_same_tables_collide(db: psycopg.Connection[Any]) -> None:
    writer = TableWriter(db, BOTH)
    writer.make()
    writer.advance({"spells": TablePosition(0, 0), "things": TablePosition(0, 0)}, 5)
    with pytest.raises(TablesMoved):
        writer.advance({"spells": TablePosition(5, 0), "things": TablePosition(0, 0)}, 6)
    writer.set_position("spells", 6)
    with pytest.raises(TablesMoved):
        writer.advance({"spells": TablePosition(6, 0)}, 7)
    assert writer.positions() == {"spells": TablePosition(6, 1), "things": TablePosition(5, 0)}


def test_another_version_asks_for_a_rebuild(db: psycopg.Connection[Any]) -> None:
    TableWriter(db, BOTH).make()
    with pytest.raises(TableOutdated, match=r"spells is at version 1, .*wattledger rebuild"):
        TableWriter(db, [things, replace(spells, version=2)]).make()
    with pytest.raises(TableOutdated, match="with other columns"):
        TableWriter(db, [replace(things, name="spells")]).make()


def test_every_lookup_has_its_index(db: psycopg.Connection[Any]) -> None:
    TableWriter(db, BOTH).make()
    query = "select indexname from pg_indexes where schemaname = 'books'"
    made = {name for (name,) in db.execute(query)}
    assert {
        "things_by_colour_day",
        "things_by_colour_day_past",
        "spells_pkey",
        "spells_past_pkey",
    } <= made
