"""
Relay connections with keyset cursors: pages that stay right while rows are added before them.

A cursor is the place of a row in an order, in base64; it names the connection it belongs to, so
that it cannot be taken to another one.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Generic, TypeAlias, TypeVar, get_type_hints

import orjson
import strawberry
from pydantic import TypeAdapter

from api.graphql.errors import Problem
from api.graphql.view import BatchLoader, View
from projections.kit.table import Projection, Where, place

T = TypeVar("T")
R = TypeVar("R")

DEFAULT = 20
MOST = 100

First: TypeAlias = Annotated[
    int,
    strawberry.argument(
        description=f"How many to answer with, {MOST} at most; more is refused with the error"
        " PAGE_TOO_LARGE."
    ),
]
After: TypeAlias = Annotated[
    str | None,
    strawberry.argument(
        description="Go on behind this cursor: the `endCursor` of the page before, or of any"
        " edge. Order and direction must be the same."
    ),
]
Reverse: TypeAlias = Annotated[
    bool, strawberry.argument(description="Turn the order round: the last ones first.")
]


@strawberry.type(description="Where a page stands among its neighbours (Relay).")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether anything follows this page.")
    has_previous_page: bool = strawberry.field(
        description="Whether the page was asked for with `after`: something went before it."
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


@dataclass(frozen=True, slots=True)
class Order(Generic[R]):
    """What is paged through: a projection, and the columns it is ordered by before its key."""

    projection: Projection[R]
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """The arguments of a connection.  Raises Problem for a page too large or too small."""

    first: int = DEFAULT
    after: str | None = None
    reverse: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.first <= MOST:
            code = "PAGE_TOO_LARGE" if self.first > MOST else "BAD_REQUEST"
            sentence = f"`first` is between 0 and {MOST}; {self.first} was asked for."
            raise Problem(code, sentence, most=MOST)


def page_of(
    view: View,
    order: Order[R],
    page: Page,
    build: Callable[[View, Sequence[R]], Sequence[T]],
    where: Iterable[Where] = (),
    keep: Callable[[R], bool] | None = None,
) -> Connection[T]:
    """One page of the rows of which all conditions hold; `keep` is what no table can tell."""
    rows: list[R] = []
    after, most, whole = _place(order, page), page.first + 1, False
    while len(rows) < most and not whole:
        found = view.find(
            order.projection,
            *where,
            order=order.columns,
            after=after,
            limit=most,
            descending=page.reverse,
        )
        whole = len(found) < most
        rows += found if keep is None else filter(keep, found)
        after = place(order.projection, found[-1], order.columns) if found else None
    shown = rows[: page.first]
    return _connection(order, page, shown, build(view, shown), len(rows) > page.first)


def nested(
    group: BatchLoader[Any],
    key: str,
    order: Order[R],
    page: Page,
    build: Callable[[View, Sequence[R]], Sequence[T]],
    by: str,
    where: tuple[Where, ...] = (),
) -> Connection[T]:
    """
    The page of what belongs to one of many: of a customer its accounts.

    `by` is the column that names the owner, here and in the rows paged through.  It is looked
    up for all who are shown together.
    """

    def pages(owners: Sequence[Any]) -> dict[Any, Connection[T]]:
        keys = list(dict.fromkeys(getattr(owner, by) for owner in owners))
        return _pages(group.view, order, page, build, (by, keys), where)

    return group.ask((order, page, by, where), pages)[key]


def linked(
    group: BatchLoader[Any],
    column: str,
    key: str,
    projection: Projection[R],
    build: Callable[[View, Sequence[R]], Sequence[T]],
) -> T | None:
    """What a column of these rows names: the customer of an account."""

    def found(owners: Sequence[Any]) -> dict[Any, T]:
        keys = (getattr(owner, column) for owner in owners)
        rows = group.view.among(projection, projection.key[0], keys)
        named = (projection.key_of(row) for row in rows)
        return dict(zip(named, build(group.view, rows), strict=True))

    return group.ask((projection.name, column), found).get(key)


def listed(
    group: BatchLoader[Any],
    key: str,
    order: Order[R],
    build: Callable[[View, Sequence[R]], Sequence[T]],
    by: str,
    where: tuple[Where, ...] = (),
    *,
    keep: Callable[[R], bool] | None = None,
    of: str | None = None,
) -> list[T]:
    """All that belongs to one of many, in order; `of`: how the owner calls its own `by`."""

    def lists(owners: Sequence[Any]) -> dict[Any, list[T]]:
        keys = sorted({getattr(owner, of or by) for owner in owners})
        rows = group.view.find(
            order.projection, Where(by, "in", keys), *where, order=order.columns
        )
        rows = rows if keep is None else [row for row in rows if keep(row)]
        found: dict[Any, list[T]] = {key: [] for key in keys}
        for row, made in zip(rows, build(group.view, rows), strict=True):
            found[getattr(row, by)].append(made)
        return found

    return group.ask((order, by, where), lists)[key]


def _pages(
    view: View,
    order: Order[R],
    page: Page,
    build: Callable[[View, Sequence[R]], Sequence[T]],
    by: tuple[str, Sequence[Any]],
    where: tuple[Where, ...],
) -> dict[Any, Connection[T]]:
    field, keys = by
    found: dict[Any, list[R]] = {key: [] for key in keys}
    rows = view.first_of_each(
        order.projection,
        field,
        keys,
        *where,
        order=order.columns,
        after=_place(order, page),
        limit=page.first + 1,
        descending=page.reverse,
    )
    for row in rows:
        found[getattr(row, field)].append(row)
    shown = {key: mine[: page.first] for key, mine in found.items()}
    built = iter(build(view, [row for mine in shown.values() for row in mine]))
    return {
        key: _connection(
            order, page, mine, [next(built) for _ in mine], len(found[key]) > page.first
        )
        for key, mine in shown.items()
    }


def _connection(
    order: Order[R], page: Page, rows: Sequence[R], nodes: Sequence[T], more: bool
) -> Connection[T]:
    cursors = [_cursor(order, page, row) for row in rows]
    return Connection(
        edges=[Edge(cursor=c, node=n) for c, n in zip(cursors, nodes, strict=True)],
        nodes=list(nodes),
        page_info=PageInfo(
            has_next_page=more,
            has_previous_page=page.after is not None,
            start_cursor=cursors[0] if cursors else None,
            end_cursor=cursors[-1] if cursors else None,
        ),
    )


# Cursors


def _name(order: Order[Any], page: Page) -> str:
    return "-".join([order.projection.name, *order.columns, "back" if page.reverse else "on"])


def _cursor(order: Order[R], page: Page, row: R) -> str:
    values = place(order.projection, row, order.columns)
    said = orjson.dumps([_name(order, page), *values], default=str)
    return urlsafe_b64encode(said).decode().rstrip("=")


def _place(order: Order[R], page: Page) -> tuple[Any, ...] | None:
    if page.after is None:
        return None
    try:
        padded = page.after + "=" * (-len(page.after) % 4)
        name, *values = orjson.loads(urlsafe_b64decode(padded.encode()))
        if name != _name(order, page):
            raise ValueError(name)
        return _typed(order)(values)
    except (ValueError, TypeError):
        raise Problem(
            "BAD_CURSOR", "`after` is not a cursor of this connection in this order."
        ) from None


@cache
def _typed(order: Order[Any]) -> Callable[[list[Any]], tuple[Any, ...]]:
    hints = get_type_hints(order.projection.row)
    key = [name for name in order.projection.key if name not in order.columns]
    kinds = tuple(hints[name] for name in (*order.columns, *key))
    return TypeAdapter(tuple[kinds]).validate_python  # type: ignore[valid-type]
