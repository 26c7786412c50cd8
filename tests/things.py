"""Two tables of nothing in particular, with columns of every type, to try the kit with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, NewType

from hypothesis import strategies as st

from domain.kit import Fact, Stream
from projections.kit.table import Projection, Table

AT = datetime(2026, 1, 1, tzinfo=UTC)
Name = NewType("Name", str)


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True)
class Part:
    code: str
    price: Decimal
    on: date | None = None


@dataclass(frozen=True, slots=True)
class Thing:
    """A row with a column of every type."""

    name: Name
    amount: int
    kind: Literal["plain", "odd"]
    colour: Colour
    flag: bool
    price: Decimal
    day: date
    when: datetime
    parts: tuple[Part, ...]
    words: dict[str, int]
    note: str | None = None
    due: date | None = None
    rank: int | None = None


@dataclass(frozen=True, slots=True)
class Spell:
    """A row under two keys."""

    name: str
    since: date
    amount: int


@dataclass(frozen=True, slots=True)
class Put:
    thing: Thing


@dataclass(frozen=True, slots=True)
class Moved:
    name: str
    amount: int


@dataclass(frozen=True, slots=True)
class Dropped:
    name: str


@dataclass(frozen=True, slots=True)
class Began:
    spell: Spell


@dataclass(frozen=True, slots=True)
class Ended:
    name: str
    since: date


def fold_things(table: Table[str, Thing], fact: Fact) -> None:
    match fact.event:
        case Put(thing):
            table[thing.name] = replace(thing, amount=0)  # only the last of both is kept
            table[thing.name] = thing
        case Moved(name, amount):
            if row := table.get(name):
                table[name] = replace(row, amount=row.amount + amount)
        case Dropped(name):
            table.pop(name, None)


def fold_spells(table: Table[tuple[str, date], Spell], fact: Fact) -> None:
    match fact.event:
        case Began(spell):
            table[spell.name, spell.since] = spell
        case Ended(name, since):
            table.pop((name, since), None)


things = Projection(
    name="things",
    version=1,
    row=Thing,
    key=("name",),
    events=(Put, Moved, Dropped),
    keys=lambda fact: (getattr(fact.event, "name", None) or fact.event.thing.name,),
    project=fold_things,
    indexes=(("amount",), ("due",), ("colour", "day")),
)
spells = Projection(
    name="spells",
    version=1,
    row=Spell,
    key=("name", "since"),
    events=(Began, Ended),
    keys=lambda fact: (
        (fact.event.spell.name, fact.event.spell.since)
        if isinstance(fact.event, Began)
        else (fact.event.name, fact.event.since),
    ),
    project=fold_spells,
    indexes=(("amount",),),
)
BOTH: tuple[Projection[Any], ...] = (things, spells)

TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=4
) | st.sampled_from(
    ["a", "B", "\\N", "\t", "\n\r", "\\", "é", "名", "\U0001f50c", "  ", "\x0b"]
)
NAMES = st.sampled_from(["a", "B", "_", "ä", "\\N", "\t\\", "名", "\U0001f50c", "￿"])
DAYS = st.dates(date(2026, 1, 1), date(2026, 1, 4)) | st.dates()
MOMENTS = st.datetimes(
    datetime(1900, 1, 1), datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=8))]),
)  # fmt: skip
SMALL = st.integers(-2, 2)
PRICES = st.decimals(allow_nan=False, allow_infinity=False, places=3) | st.sampled_from(
    [Decimal("1.50"), Decimal("1E+3"), Decimal("-0.0"), Decimal("0.000000000000000000001")]
)
THINGS = st.builds(
    Thing,
    name=NAMES,
    amount=SMALL | st.integers(-(2**63), 2**63 - 1),
    kind=st.sampled_from(["plain", "odd"]),
    colour=st.sampled_from(Colour),
    flag=st.booleans(),
    price=PRICES,
    day=DAYS,
    when=MOMENTS,
    parts=st.lists(st.builds(Part, TEXTS, PRICES, st.none() | DAYS), max_size=2).map(tuple),
    words=st.dictionaries(TEXTS, SMALL, max_size=3),
    note=st.none() | TEXTS,
    due=st.none() | DAYS,
    rank=st.none() | SMALL,
)
SPELLS = st.builds(Spell, NAMES, st.dates(date(2026, 1, 1), date(2026, 1, 3)), SMALL)
EVENTS = st.one_of(
    st.builds(Put, THINGS),
    st.builds(Moved, NAMES, st.integers(-1, 1)),
    st.builds(Dropped, NAMES),
    st.builds(Began, SPELLS),
    st.builds(Ended, NAMES, st.dates(date(2026, 1, 1), date(2026, 1, 3))),
)
HISTORIES = st.lists(EVENTS, max_size=30)


def facts(events: Sequence[object]) -> list[Fact]:
    """Events in envelopes, from position 1 on."""
    stream = Stream("thing-1")
    return [
        Fact(stream, n, event, AT, "ada", "clerk", "c", "c", n)
        for n, event in enumerate(events, 1)
    ]
