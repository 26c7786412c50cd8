"""Projections of the counters of tests.counters, some of which can be told to fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from domain.kit import Fact
from projections.kit.table import Projection, Table
from tests.counters import Counted, Renamed


@dataclass(frozen=True, slots=True)
class Tally:
    """One row a counter."""

    counter: str
    many: int
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """One row for all counters of one first letter, in the order they were counted."""

    letter: str
    counters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Count:
    """One row a fact."""

    counter: str
    version: int
    many: int


def _tallies(table: Table[str, Tally], fact: Fact) -> None:
    row = table.get(fact.key) or Tally(fact.key, 0)
    match fact.event:
        case Counted(many=many) if row.many + many == 0:
            table.pop(fact.key, None)
        case Counted(many=many):
            table[fact.key] = replace(row, many=row.many + many)
        case Renamed(name=name):
            table[fact.key] = replace(row, name=name)


def _letters(table: Table[str, Letter], fact: Fact) -> None:
    row = table.get(fact.key[0]) or Letter(fact.key[0], ())
    counters = (*row.counters, f"{fact.key}{fact.position}")[-50:]
    table[row.letter] = replace(row, counters=counters)


def _counts(table: Table[tuple[str, int], Count], fact: Fact) -> None:
    table[fact.key, fact.version] = Count(fact.key, fact.version, fact.event.many)


tallies = Projection(
    name="tallies",
    version=1,
    row=Tally,
    key=("counter",),
    events=(Counted, Renamed),
    keys=lambda fact: (fact.key,),
    project=_tallies,
    indexes=(("many",),),
)
letters = Projection(
    name="letters",
    version=1,
    row=Letter,
    key=("letter",),
    events=(Counted, Renamed),
    keys=lambda fact: (fact.key[0],),
    project=_letters,
)
counts = Projection(
    name="counts",
    version=1,
    row=Count,
    key=("counter", "version"),
    events=(Counted,),
    keys=lambda fact: ((fact.key, fact.version),),
    project=_counts,
)
TALLIES: tuple[Projection[Any], ...] = (tallies, letters, counts)


@dataclass
class Failing:
    """A fold that fails at some positions, until it is mended."""

    project: Callable[[Any, Fact], None]
    at: set[int] = field(default_factory=set)

    def __call__(self, table: Table[Any, Any], fact: Fact) -> None:
        self.project(table, fact)
        if fact.position in self.at:
            raise ArithmeticError("this fold is broken")

    __hash__ = object.__hash__


def failing(projection: Projection[Any], *at: int) -> tuple[Projection[Any], Failing]:
    """The same projection with a fold that fails at those positions; and the fold."""
    fold = Failing(projection.project, set(at))
    return replace(projection, project=fold), fold
