"""
Relay connections with keyset cursors: pages that stay right while rows are added before them.

A cursor is the place of a row in an order, in base64.  It names the table and the order, and no
direction: the same one serves `after` and `before`, in an order and in the same turned round.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Generic, TypeAlias, TypeVar, get_type_hints

import orjson
import strawberry
from pydantic import TypeAdapter

from api.graphql.errors import Problem
from projections.kit.table import Projection, place

T = TypeVar("T")

DEFAULT = 20
MOST = 100
COUNTED = 20  # what counting costs, in plain fields: see limits.py

First: TypeAlias = Annotated[
    int | None,
    strawberry.argument(
        description=f"How many to answer with: {DEFAULT} if not given, {MOST} at most; more is"
        " refused with the error PAGE_TOO_LARGE."
    ),
]
After: TypeAlias = Annotated[
    str | None,
    strawberry.argument(
        description="Go on behind this cursor: the `endCursor` of the page before, or that of"
        " any edge in the same order, whichever way it was turned."
    ),
]
Last: TypeAlias = Annotated[
    int | None,
    strawberry.argument(description="How many from the end, or of those before `before`."),
]
Before: TypeAlias = Annotated[
    str | None, strawberry.argument(description="Those before this cursor, with `last`.")
]
Reverse: TypeAlias = Annotated[
    bool, strawberry.argument(description="Turn the order round: the last ones first.")
]


@strawberry.type(description="Where a page stands among its neighbours (Relay).")
class PageInfo:
    has_next_page: bool = strawberry.field(
        description="Whether anything follows; going back, whether a cursor was given."
    )
    has_previous_page: bool = strawberry.field(
        description="Whether anything comes before; going on, whether a cursor was given."
    )
    start_cursor: str | None = strawberry.field(description="The cursor of the first edge.")
    end_cursor: str | None = strawberry.field(
        description="The cursor of the last edge: give it as `after` for the next page."
    )


@strawberry.type(description="One thing on a page, and its place.")
class Edge(Generic[T]):
    cursor: str = strawberry.field(
        description="Its place in the order. It stays right when others come before it."
    )
    node: T = strawberry.field(description="The thing itself.")


@strawberry.type(description="One page of things in order.")
class Connection(Generic[T]):
    edges: list[Edge[T]] = strawberry.field(description="The things, each with its cursor.")
    nodes: list[T] = strawberry.field(description="The same things without cursors.")
    page_info: PageInfo = strawberry.field(description="Whether there is more, and from where.")
    count: strawberry.Private[Callable[[], int]]

    @strawberry.field(
        description="How many there are on all pages; counted when it is asked for. Costs as"
        f" much as {COUNTED} fields.",
        metadata={"cost": COUNTED},
    )
    def total_count(self) -> int:
        return self.count()


@dataclass(frozen=True, slots=True)
class Asked:
    """The arguments of a page as they came.  Raises Problem where they make none."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None
    reverse: bool = False

    def __post_init__(self) -> None:
        back = self.last is not None
        if (back and (self.first, self.after) != (None, None)) or (not back and self.before):
            told = "Give `first` and `after` to go forward, or `last` and `before` to go back."
            raise Problem("BAD_REQUEST", told)
        if not 0 <= self.size <= MOST:
            code = "PAGE_TOO_LARGE" if self.size > MOST else "BAD_REQUEST"
            sentence = f"A page has between 0 and {MOST}; {self.size} were asked for."
            raise Problem(code, sentence, most=MOST)

    @property
    def back(self) -> bool:
        """Whether it goes back from the end, or from `before`."""
        return self.last is not None

    @property
    def size(self) -> int:
        """How many there may be."""
        size = self.last if self.back else self.first
        return DEFAULT if size is None else size

    @property
    def cursor(self) -> str | None:
        """From where."""
        return self.before if self.back else self.after


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the rows of a projection, by some columns and then by key."""

    projection: Projection[Any]
    order: tuple[str, ...]
    asked: Asked

    @property
    def read(self) -> dict[str, Any]:
        """What to ask the tables for: one row more than is shown."""
        cursor = self.asked.cursor
        return {
            "order": self.order,
            "after": None if cursor is None else self._place(cursor),
            "limit": self.asked.size + 1,
            "descending": self.asked.reverse is not self.asked.back,
        }

    def cut(self, rows: Sequence[Any]) -> tuple[list[Any], bool]:
        """Of rows read so, those of the page in order, and whether there are more."""
        shown = list(rows[: self.asked.size])
        return shown[::-1] if self.asked.back else shown, len(rows) > self.asked.size

    def connection(
        self, rows: Sequence[Any], nodes: Sequence[T], more: bool, count: Callable[[], int]
    ) -> Connection[T]:
        """The page with its cursors."""
        cursors = [self._cursor(row) for row in rows]
        edges = [Edge(cursor=c, node=n) for c, n in zip(cursors, nodes, strict=True)]
        return connection(self.asked, edges, more, count)

    @property
    def _name(self) -> str:
        return "-".join([self.projection.name, *self.order])

    def _cursor(self, row: Any) -> str:
        values = place(self.projection, row, self.order)
        said = orjson.dumps([self._name, *values], default=str)
        return urlsafe_b64encode(said).decode().rstrip("=")

    def _place(self, cursor: str) -> tuple[Any, ...]:
        try:
            padded = cursor + "=" * (-len(cursor) % 4)
            name, *values = orjson.loads(urlsafe_b64decode(padded.encode()))
            if name != self._name:
                raise ValueError(name)
            return _typed(self.projection, self.order)(values)
        except (ValueError, TypeError):
            raise Problem(
                "BAD_CURSOR", "This is not a cursor of this connection in this order."
            ) from None


def connection(
    asked: Asked, edges: Sequence[Edge[T]], more: bool, count: Callable[[], int]
) -> Connection[T]:
    """A page of edges; `more`: whether there are others on its way."""
    came = asked.cursor is not None
    return Connection(
        edges=list(edges),
        nodes=[edge.node for edge in edges],
        page_info=PageInfo(
            has_next_page=came if asked.back else more,
            has_previous_page=more if asked.back else came,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
        count=count,
    )


@cache
def _typed(
    projection: Projection[Any], order: tuple[str, ...]
) -> Callable[[list[Any]], tuple[Any, ...]]:
    hints = get_type_hints(projection.row)
    key = [name for name in projection.key if name not in order]
    kinds = tuple(hints[name] for name in (*order, *key))
    return TypeAdapter(tuple[kinds]).validate_python  # type: ignore[valid-type]
