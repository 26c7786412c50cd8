"""
What a query sees: what was known by a moment, and what was there on a business day.

A request reads one snapshot of the tables, so that all its answers are of one moment.  Rows
shown side by side share a BatchLoader: asked of one, a nested thing is looked up for all.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Annotated, Any, Generic, TypeAlias, TypeVar
from zoneinfo import ZoneInfo

import orjson
import strawberry
from strawberry.fastapi import BaseContext

from api.authority import Rights
from api.graphql.errors import Problem
from api.graphql.scalars import Moment, Money, Position, money
from api.system import System
from api.visibility import Sight, sight_of
from domain.customers.account import Account, accounts
from domain.kit import Fact, Stream, day_of
from projections.kit.columns import storable
from projections.kit.postgres import PostgresTables
from projections.kit.table import Projection, Where
from projections.organisation import Settings, settings
from replay.billing.calculation import BillCalculator
from replay.billing.office import NoSuchFact

R = TypeVar("R")

PATIENCE = 5.0  # seconds that a query waits for the tables to be folded far enough

KNOWN = 1.0  # seconds for which it is known what was laid aside
STALE_MOST = 100  # facts named in one answer

KnownAt: TypeAlias = Annotated[
    Moment | None,
    strawberry.argument(
        description="Answer from what was recorded up to this moment and nothing later. Not"
        " given: from all that is recorded."
    ),
]
AsOf: TypeAlias = Annotated[
    date | None,
    strawberry.argument(
        description="The business date to stand on: what is dated later is not shown, and what"
        " lasts is shown if it covers the day. Not given: no filter."
    ),
]
MinPosition: TypeAlias = Annotated[
    Position | None,
    strawberry.argument(
        description="Wait (some seconds at most) until facts up to this position can be seen:"
        " give the position that a command answered with, and you read what you wrote. Past the"
        " bound the error is LAGGING."
    ),
]


def decoded(id: str) -> list[Any]:
    """What an opaque id names: type, key, and perhaps a moment.  Raises ValueError."""
    named = orjson.loads(urlsafe_b64decode(id + "=" * (-len(id) % 4)))
    if not isinstance(named, list):
        raise ValueError(f"{id!r} is no id")
    return named


@strawberry.interface(description="Whatever has an id.")
class Node:
    @strawberry.field(
        description="Names the thing, and under `at` the moment it is shown at: two moments"
        " have two ids. Give it to `node`; what it is made of is not told."
    )
    def id(self) -> strawberry.ID:
        return strawberry.ID(self.identity())

    def identity(self) -> str:
        """The id as text."""
        raise NotImplementedError


@dataclass
class View:
    """The tables as they were known at a position, for one root of a query."""

    system: System
    tables: PostgresTables
    known_at: int | None  # None: all that the snapshot has
    as_of: date | None
    sight: Sight
    pinned: bool = False  # chosen by `at`: what has an id there names the moment in it
    _settled: dict[str, Account] = field(default_factory=dict)

    def get(self, projection: Projection[R], key: Any) -> R | None:
        """One row."""
        mine = self.sight.rows(projection)
        if not mine:
            return self.tables.get(projection, key, known_at=self.known_at)
        values = key if len(projection.key) > 1 else (key,)
        same = (Where(n, "=", value) for n, value in zip(projection.key, values, strict=True))
        return next(iter(self.find(projection, *same)), None)

    def find(self, projection: Projection[R], *where: Where, **more: Any) -> list[R]:
        """Rows in order; see projections.kit.table.Tables."""
        where = (*where, *self.sight.rows(projection))
        return self.tables.find(projection, *where, known_at=self.known_at, **more)

    def among(
        self,
        projection: Projection[R],
        field: str,
        keys: Iterable[Any],
        *where: Where,
        order: tuple[str, ...] = (),
    ) -> list[R]:
        """The rows whose field is one of the keys."""
        wanted = sorted(set(keys))
        among = Where(field, "in", wanted)
        return self.find(projection, among, *where, order=order) if wanted else []

    def counts(
        self, projection: Projection[Any], *where: Where, by: str | None = None
    ) -> dict[Any, int]:
        """How many rows there are, by a column; of all under None."""
        where = (*where, *self.sight.rows(projection))
        return self.tables.counts(projection, *where, by=by, known_at=self.known_at)

    def first_of_each(
        self,
        projection: Projection[R],
        column: str,
        keys: Sequence[Any],
        *where: Where,
        **more: Any,
    ) -> list[R]:
        """The first rows in order for each of many keys."""
        where = (*where, *self.sight.rows(projection))
        return self.tables.first_of_each(
            projection, column, keys, *where, known_at=self.known_at, **more
        )

    def sums(
        self, projection: Projection[Any], column: str, *where: Where, by: str
    ) -> dict[Any, int]:
        """Sums of a column over rows, by another column."""
        where = (*where, *self.sight.rows(projection))
        return self.tables.sums(projection, column, *where, by=by, known_at=self.known_at)

    def there(self, projection: Projection[Any]) -> tuple[Where, ...]:
        """What is true of the rows that are there on the business day asked about."""
        if self.as_of is None:
            return ()
        since, until = projection.since, projection.until
        begun = (Where(since, "<=", self.as_of),) if since else ()
        return (*begun, Where(until, "not <=", self.as_of)) if until else begun

    def identity(self, kind: str, key: Sequence[Any]) -> str:
        """The opaque id of a thing: its kind and key, and under `at` the moment."""
        moment = [self.as_of, self.position] if self.pinned else []
        told = orjson.dumps([kind, list(key), *moment], default=str)
        return urlsafe_b64encode(told).decode().rstrip("=")

    @cached_property
    def position(self) -> int:
        """The position that is answered from."""
        return self.tables.position if self.known_at is None else self.known_at

    @cached_property
    def settings(self) -> Settings | None:
        """The settings of the utility."""
        return self.get(settings, "settings")

    @cached_property
    def currency(self) -> str:
        """The currency of the books."""
        return self.settings.currency if self.settings else ""

    @property
    def day(self) -> date:
        """The business date asked about, or today where the utility is."""
        zone = self.settings.zone if self.settings else "UTC"
        return self.as_of or datetime.now(UTC).astimezone(ZoneInfo(zone)).date()

    @cached_property
    def calculator(self) -> BillCalculator:
        """What calculates bills on these tables."""
        return BillCalculator(self.tables)

    def history(self, stream: str) -> list[Fact]:
        """What is known to have happened to one thing, in order."""
        if not storable(stream) or not self.sight.stream(Stream(stream)):
            return []
        return self.system.history.of(Stream(stream), until=self.position)

    def fact(self, ref: str) -> Fact:
        """A fact by its name, meter-M1@3, if it is known yet.  Raises NoSuchFact."""
        stream, _, version = ref.rpartition("@")
        for fact in self.history(stream):
            if str(fact.version) == version:
                return fact
        raise NoSuchFact(fact=ref)

    def dated(self, fact: Fact) -> bool:
        """Whether a fact is about the business day asked about, an earlier one, or none."""
        return self.as_of is None or (day_of(fact.event) or date.min) <= self.as_of

    def settled(self, numbers: Iterable[str]) -> list[Account]:
        """Accounts after their movements dated on or before `as_of`, bill by bill."""
        asked = list(numbers)
        new = {accounts.stream(one): one for one in asked if one not in self._settled}
        if new:
            told = self.system.history.of_each(new, until=self.position)
            for stream, facts in told.items():
                there = (f.event for f in facts if self.dated(f))
                self._settled[new[stream]] = accounts.fold(there)
        return [self._settled[one] for one in asked]

    def money(self, minor: int) -> Money:
        """Minor units in the currency of the books."""
        return money(minor, self.currency)


@dataclass
class BatchLoader(Generic[R]):
    """Rows shown side by side: what is asked of one of them is answered for all at once."""

    view: View
    rows: Sequence[R]
    _known: dict[Hashable, dict[int, Any]] = field(default_factory=dict)

    def each(
        self,
        answer: Callable[..., Sequence[Any]],
        row: R,
        question: Hashable = None,
        **given: Hashable,
    ) -> Any:
        """
        What a function answers for one row; it is asked once, for all of them in order.

        `question` names what is asked where the function itself does not.  An exception in the
        place of an answer is raised for that row alone.
        """
        asked = (question or answer, *sorted(given.items()))
        if (known := self._known.get(asked)) is None:
            found = answer(self.view, self.rows, **given)
            known = {id(one): each for one, each in zip(self.rows, found, strict=True)}
            self._known[asked] = known
        if isinstance(told := known[id(row)], Exception):
            raise told
        return told


class QueryContext(BaseContext):
    """One request: who asks, and the snapshot it reads.  Close it when it is answered."""

    def __init__(self, system: System, rights: Rights) -> None:
        super().__init__()
        self.system = system
        self.sight = sight_of(system.history, rights)
        self._open = ExitStack()
        self._snapshot: PostgresTables | None = None
        self._shows = 0  # a position that the snapshot has for certain

    def close(self) -> None:
        """Let the snapshot go."""
        self._open.close()
        self._snapshot = None

    def stale(self) -> list[dict[str, Any]]:
        """The facts that could not be folded into the tables that were read."""
        used = frozenset[str]() if self._snapshot is None else self._snapshot.used
        return [
            {"table": one.projection, "stream": one.stream, "position": one.position}
            for one in self.system.tables.parked(since=KNOWN)
            if one.projection in used
        ][:STALE_MOST]

    @cached_property
    def now(self) -> View:
        """All that is recorded, with no business date."""
        return self.view(None, None, None)

    def view(
        self, as_of: date | None, known_at: Moment | None, min_position: int | None
    ) -> View:
        """Where a root stands.  Raises Problem: NOT_YET_RECORDED, LAGGING."""
        known = self._position(known_at)
        needed = max(known or 0, min_position or 0)
        if self._snapshot is None or self._shows < needed:
            self._wait(needed)
            self.close()
            self._snapshot = self._open.enter_context(self.system.tables.snapshot())
            self._shows = needed
        return View(self.system, self._snapshot, known, as_of, self.sight)

    def _position(self, known_at: Moment | None) -> int | None:
        if known_at is None:
            return None
        if (at := known_at.at) is not None:
            if at > (now := datetime.now(UTC)):
                told = f"{at.isoformat()} is still to come; now it is {now.isoformat()}."
                raise Problem("NOT_YET_RECORDED", told, now=now)
            return self.system.history.moment(at)
        return known_at.position

    def _wait(self, position: int) -> None:
        if not position or self.system.tables.wait_for(position, 0):
            return
        head = self.system.history.head()
        if head < position:
            raise Problem(
                "NOT_YET_RECORDED",
                f"Nothing is recorded at position {position} yet; the last is {head}.",
                head=head,
            )
        if not self.system.tables.wait_for(position, PATIENCE):
            raise Problem(
                "LAGGING",
                f"The tables do not show position {position} yet; try again in a moment.",
                position=position,
            )


Info: TypeAlias = strawberry.Info[QueryContext, None]
