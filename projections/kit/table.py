"""
The words every projection is written in: Projection, Table, Tables, Where; tables in memory.

A projection is a pure fold of facts into one table, and a table is a mapping of frozen rows.
The same fold runs over a dict (in tests, and to stand in the past) and over Postgres (in
service).  A table keeps its past: what a row was at any position of history can be asked.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from operator import attrgetter, ge, gt, le, lt
from typing import Any, Generic, Literal, Protocol, Self, TypeAlias, TypeVar, cast

from domain.kit import Fact
from projections.kit.columns import NAME, Column, columns, plain, spelled, storable
from projections.kit.declaration import Link

K = TypeVar("K")
R = TypeVar("R")

Table: TypeAlias = MutableMapping[K, R]
Op: TypeAlias = Literal["=", "<", "<=", ">", ">=", "in", "within", "not <=", "has"]
NO_PLACE = "a place in this order has {} values: {}"
OPS: dict[str, Callable[[Any, Any], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}


@dataclass(frozen=True, slots=True, eq=False)  # itself and no other: it is looked up often
class Projection(Generic[R]):
    """
    One read model: its table, the events it wants, and the fold.  A new version is a new table.

    `key` names the leading fields of the row; with one the key is its value, with several a
    tuple.  `keys` gives the keys that the fold reads or writes for a fact, and no other.
    `indexes` are what people look by: columns, the most equal first.

    For doors: `since` and `until` name the days between which a row is there on a business day
    (no `until`: from that day on); `filters` the columns it may be filtered by; `orders` those
    it may be sorted by before its key, each the beginning of an index; `links` the rows of
    other tables that it names; `search` the column of grams that it is found by (see
    projections.kit.search).  Raises TypeError where the row cannot be a table, or be looked up
    so.
    """

    name: str
    version: int
    row: type[R]
    key: tuple[str, ...]
    events: tuple[type, ...]
    keys: Callable[[Fact], Iterable[Any]]
    project: Callable[[Table[Any, R], Fact], None]
    indexes: tuple[tuple[str, ...], ...] = ()
    since: str | None = None
    until: str | None = None
    filters: tuple[str, ...] = ()
    orders: tuple[tuple[str, ...], ...] = ()
    links: tuple[Link, ...] = ()
    search: str | None = None

    def __post_init__(self) -> None:
        made = columns(self.row)
        known = {column.name: column for column in made}
        if not NAME.fullmatch(self.name) or self.name.endswith("_past"):
            raise TypeError(f"{self.name!r} cannot be the name of a table")
        if not self.key or self.key != tuple(c.name for c in made[: len(self.key)]):
            raise TypeError(f"the key of {self.name} is not the first fields of its row")
        if any(known[name].optional or not known[name].ordered for name in self.key):
            raise TypeError(f"a key of {self.name} may be absent or is a document")
        for name in {name for index in self.indexes for name in index}:
            if name not in known or not known[name].ordered:
                raise TypeError(f"{self.name} cannot be looked up by {name!r}")
        if self.search and (self.search not in known or known[self.search].sql != "jsonb"):
            raise TypeError(f"{self.name} has no list of texts called {self.search!r}")
        self._check_what_doors_show(known)

    def _check_what_doors_show(self, known: Mapping[str, Column]) -> None:
        days = [name for name in (self.since, self.until) if name is not None]
        for name in (*days, *self.filters, *(link.column for link in self.links)):
            if name not in known or not known[name].ordered:
                raise TypeError(f"{self.name} has no column {name!r} to look by")
        for name in days:
            if known[name].sql != "date":
                raise TypeError(f"{name!r} of {self.name} is no day")
        backs = [
            (link.column, *link.back.order)
            for link in self.links
            if link.back and not link.back.short
        ]
        for order in (*self.orders, *backs):
            if not any(index[: len(order)] == order for index in self.sorted_by):
                raise TypeError(f"no index of {self.name} begins with {', '.join(order)}")

    @property
    def sorted_by(self) -> tuple[tuple[str, ...], ...]:
        """The columns of each index, the key's first."""
        return (self.key, *((*i, *(k for k in self.key if k not in i)) for i in self.indexes))

    def key_of(self, row: R) -> Any:
        """The key of a row: a value, or a tuple of them."""
        return attrgetter(*self.key)(row)


@dataclass(frozen=True, slots=True)
class Where:
    """
    One condition on a row: Where("account", "=", "000120").  `in` takes a collection.

    `not <=` is true of what is absent, too: until is not <= a day, or there is no until. `has`
    is true of a list that has all the texts given; `within`, for Postgres, see conditions.
    """

    field: str
    op: Op
    value: Any

    def __post_init__(self) -> None:
        values = tuple(self.value) if self.op in ("in", "has") else (self.value,)
        if (self.op in OPS or self.op == "not <=") and self.value is None:
            raise ValueError(f"nothing is {self.op} None; ask for = None")
        if not all(map(storable, values)):
            raise ValueError(f"no row has {self.value!r} in it: it cannot be stored as text")
        if self.op in ("in", "has"):
            object.__setattr__(self, "value", tuple(map(plain, values)))
        else:
            object.__setattr__(self, "value", plain(self.value))

    def holds(self, row: object) -> bool:
        """Whether it is true of a row; what is absent is neither smaller nor greater."""
        has = plain(getattr(row, self.field))
        if self.op == "=":
            return bool(has == self.value)
        if self.op == "in":
            return has in self.value
        if self.op == "has":
            return set(self.value) <= set(has)
        if self.op == "not <=":
            return has is None or not has <= self.value
        return has is not None and OPS[self.op](has, self.value)


class Tables(Protocol):
    """What can be asked of projected tables.  In memory and in Postgres they answer alike."""

    @property
    def position(self) -> int:
        """The position up to which facts are folded; 0 before the first."""

    def get(
        self, projection: Projection[R], key: Any, *, known_at: int | None = None
    ) -> R | None:
        """One row, as it is or as it was known at a position."""

    def find(
        self,
        projection: Projection[R],
        *where: Where,
        order: tuple[str, ...] = (),
        after: tuple[Any, ...] | None = None,
        limit: int | None = None,
        descending: bool = False,
        known_at: int | None = None,
    ) -> list[R]:
        """
        The rows of which all conditions hold, in order (of the key, if none is given).

        Rows equal in `order` follow by key.  What is absent comes last, descending first.
        `after` is the `place` of the last row seen.  Raises ValueError for a field that the
        row has not or that is a document.
        """

    def past(self, projection: Projection[R], key: Any) -> list[tuple[int, R | None]]:
        """Every change of one row, by position; None where it was removed."""

    def rows(self, projection: Projection[R]) -> Iterator[R]:
        """Every row, by key, a few at a time."""

    def changes(self, projection: Projection[R]) -> Iterator[tuple[int, Any, R | None]]:
        """Every change of every row: (position, key, row), by key and position."""

    def spelled(self, projection: Projection[Any]) -> Iterator[bytes]:
        """Every row, then every change, as text in pieces: what a digest is taken over."""


def checked(
    projection: Projection[Any], where: Iterable[Where], order: tuple[str, ...]
) -> tuple[str, ...]:
    """All columns that rows are sorted by.  Raises ValueError for one that none can be."""
    known = {column.name for column in columns(projection.row) if column.ordered}
    free = (("has", projection.search), *(("within", one.field) for one in where))
    asked = (one.field for one in where if (one.op, one.field) not in free)
    for name in (*asked, *order):
        if name not in known:
            raise ValueError(f"{projection.name} has no column {name!r} to look by")
    return (*order, *(name for name in projection.key if name not in order))


def place(projection: Projection[R], row: R, order: tuple[str, ...] = ()) -> tuple[Any, ...]:
    """Where a row stands in an order: what `after` takes to go on behind it."""
    return tuple(plain(getattr(row, name)) for name in checked(projection, (), order))


def key_values(projection: Projection[Any], key: Any) -> tuple[Any, ...]:
    """The values of a key's columns, in order, as they are kept."""
    return tuple(map(plain, key)) if len(projection.key) > 1 else (plain(key),)


def tombstone(projection: Projection[Any], key: Any) -> str:
    """What is kept of a row that was removed: the line of its key, the rest absent."""
    made = columns(projection.row)
    values = key if len(projection.key) > 1 else (key,)
    told = [column.spell(value) for column, value in zip(made, values, strict=False)]
    return "\t".join([*told, *["\\N"] * (len(made) - len(told))])


class KeyNotDeclared(Exception):
    """A fold asked for a key that its projection's `touches` does not give for the fact."""


Change: TypeAlias = tuple[int, Any, Any, Any]  # position, key, the row before, the row now


class Folding(MutableMapping[Any, R]):
    """
    The table as a fold sees it: the rows that the present fact touches, and no others.

    `rows` holds what is known of the table, None where a row is known to be absent.  A row
    set to what it was is no change; several changes by one fact are one.
    """

    def __init__(self, projection: Projection[R], rows: dict[Any, R | None]) -> None:
        self.projection, self.rows = projection, rows
        self.changes: list[Change] = []
        self._keys: tuple[Any, ...] = ()
        self._before: dict[Any, R | None] = {}
        self._row, self._key_of = projection.row, attrgetter(*projection.key)

    def fold(self, fact: Fact, keys: tuple[Any, ...] | None = None) -> None:
        """Fold one fact, which touches `keys`; if the fold raises, nothing of it remains."""
        rows, before, projection = self.rows, self._before, self.projection
        try:
            self._keys = tuple(projection.keys(fact)) if keys is None else keys
            projection.project(self, fact)
        except Exception:
            rows.update(before)
            before.clear()
            raise
        for key, old in before.items():
            row = rows[key]
            if row is old:
                continue
            if row is not None and old is not None and row == old:
                rows[key] = old
            else:
                self.changes.append((fact.position, key, old, row))
        before.clear()

    def undo(self) -> None:
        """Take back the changes that are not written yet."""
        for _, key, before, _ in reversed(self.changes):
            self.rows[key] = before
        self.changes.clear()

    def _seen(self, key: Any) -> Any:
        if key not in self._keys:
            raise KeyNotDeclared(f"{self.projection.name} folds {key!r} and does not touch it")
        return key

    def __getitem__(self, key: Any) -> R:
        if (row := self.rows.get(self._seen(key))) is None:
            raise KeyError(key)
        return row

    def __setitem__(self, key: Any, row: R) -> None:
        if type(row) is not self._row or self._key_of(row) != key:
            raise TypeError(f"{row!r} is not the row {key!r} of {self.projection.name}")
        if key not in self._before:
            self._before[self._seen(key)] = self.rows.get(key)
        self.rows[key] = row

    def __delitem__(self, key: Any) -> None:
        self._before.setdefault(key, self[key])  # KeyError where there is nothing to remove
        self.rows[key] = None

    def get(self, key: Any, default: Any = None) -> Any:
        """The row, or `default` where there is none."""
        if key not in self._keys:
            self._seen(key)
        row = self.rows.get(key)
        return default if row is None else row

    def __iter__(self) -> Iterator[Any]:
        return iter([k for k in dict.fromkeys(self._keys) if self.rows.get(k) is not None])

    def __len__(self) -> int:
        return sum(1 for _ in iter(self))


class MemoryTables:
    """Tables in dicts, with all their past.  `fold` raises what a fold raises."""

    def __init__(self, projections: Iterable[Projection[Any]]) -> None:
        self.position = 0
        self._folding: dict[str, Folding[Any]] = {p.name: Folding(p, {}) for p in projections}
        self._past: dict[str, dict[Any, list[tuple[int, Any]]]] = {n: {} for n in self._folding}
        self._wanted: dict[type, list[Folding[Any]]] = {}
        for folding in self._folding.values():
            for wanted in folding.projection.events:
                self._wanted.setdefault(wanted, []).append(folding)

    def fold(self, facts: Iterable[Fact], aside: Container[tuple[str, int]] = ()) -> Self:
        """Fold facts, in order of position, but those laid aside: (projection, position)."""
        for fact in facts:
            for folding in self._wanted.get(type(fact.event), ()):
                if aside and (folding.projection.name, fact.position) in aside:
                    continue
                folding.fold(fact)
                past = self._past[folding.projection.name]
                for position, key, _, row in folding.changes:
                    past.setdefault(key, []).append((position, row))
                folding.changes.clear()
            self.position = fact.position
        return self

    def get(
        self, projection: Projection[R], key: Any, *, known_at: int | None = None
    ) -> R | None:
        """One row, as it is or as it was known at a position."""
        if known_at is None:
            return self._rows(projection).get(key)
        return _known(self._past[projection.name].get(key, []), known_at)

    def find(
        self,
        projection: Projection[R],
        *where: Where,
        order: tuple[str, ...] = (),
        after: tuple[Any, ...] | None = None,
        limit: int | None = None,
        descending: bool = False,
        known_at: int | None = None,
    ) -> list[R]:
        """The rows of which all conditions hold, in order: see Tables."""
        by = checked(projection, where, order)
        if after is not None and len(after) != len(by):
            raise ValueError(NO_PLACE.format(len(by), ", ".join(by)))
        if known_at is None:
            every: Iterable[R | None] = self._rows(projection).values()
        else:
            past = self._past[projection.name].values()
            every = (_known(changes, known_at) for changes in past)
        rows = [row for row in every if row is not None and all(w.holds(row) for w in where)]
        ranked = sorted(((_rank(getattr(r, n) for n in by), r) for r in rows), key=_first)
        if descending:
            ranked.reverse()
        if after is not None:
            last = _rank(after)
            beyond = lt if descending else gt
            ranked = [(rank, row) for rank, row in ranked if beyond(rank, last)]
        return [row for _, row in ranked[:limit]]

    def past(self, projection: Projection[R], key: Any) -> list[tuple[int, R | None]]:
        """Every change of one row, by position; None where it was removed."""
        return list(self._past[projection.name].get(key, []))

    def rows(self, projection: Projection[R]) -> Iterator[R]:
        """Every row, by key."""
        return iter(self.find(projection))

    def changes(self, projection: Projection[R]) -> Iterator[tuple[int, Any, R | None]]:
        """Every change of every row: (position, key, row), by key and position."""
        past = self._past[projection.name]
        for key in sorted(past, key=lambda key: key_values(projection, key)):
            yield from ((position, key, row) for position, row in past[key])

    def spelled(self, projection: Projection[Any]) -> Iterator[bytes]:
        """Every row, then every change, as text in pieces."""
        tell = spelled(projection.row)
        for row in self.rows(projection):
            yield f"{tell(row)}\n".encode()
        for position, key, row in self.changes(projection):
            told = tombstone(projection, key) if row is None else tell(row)
            yield f"{position}\t{told}\t{'t' if row is None else 'f'}\n".encode()

    def _rows(self, projection: Projection[R]) -> dict[Any, R | None]:
        return cast("dict[Any, R | None]", self._folding[projection.name].rows)


def _known(changes: list[tuple[int, R | None]], at: int) -> R | None:
    found = bisect_right(changes, at, key=_first)
    return changes[found - 1][1] if found else None


def _first(pair: tuple[Any, Any]) -> Any:
    return pair[0]


def _rank(values: Iterable[Any]) -> tuple[tuple[bool, Any], ...]:
    return tuple((value is None, plain(value)) for value in values)
