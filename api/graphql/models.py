"""
GraphQL types made of the read models: objects, links both ways, connections, filters, orders.

Of a row come the fields, of its projection filters, orders and links.  By hand stays what is no
column: a function over the rows that are shown side by side, with `@computed` (another field)
or `@restated` (what a column says under `asOf`).  It answers for all of them at once, so that
none of them is looked up alone; its docstring describes the field, its annotation is the type.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias, TypeVar, get_args, get_type_hints

import strawberry
from pydantic import TypeAdapter

from api.graphql.errors import Problem
from api.graphql.filters import Conditions, conditions_of, input_of, kind_of, order_of
from api.graphql.pages import After, Asked, Before, Connection, First, Last, Page, Reverse
from api.graphql.view import BatchLoader, Node, View
from api.visibility import MASKED
from projections.kit.declaration import Back, Field, Link, Unit, shown
from projections.kit.table import Projection, Where

R = TypeVar("R")
Answer: TypeAlias = Callable[..., Sequence[Any]]

SELF = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
PAGE = {
    "first": (First, None),
    "after": (After, None),
    "last": (Last, None),
    "before": (Before, None),
    "reverse": (Reverse, False),
}


@dataclass(frozen=True, slots=True)
class Computed:
    """A field written by hand; `cost` is what one answer costs, in plain fields."""

    of: Projection[Any]
    answer: Answer
    cost: int


COMPUTED: list[Computed] = []
RESTATED: dict[tuple[Projection[Any], str], Answer] = {}


def computed(of: Projection[Any], cost: int = 1) -> Callable[[Answer], Answer]:
    """Declare a field by a function of the view and rows that answers for each, in order."""

    def declare(answer: Answer) -> Answer:
        COMPUTED.append(Computed(of, answer, cost))
        return answer

    return declare


def restated(of: Projection[Any], column: str) -> Callable[[Answer], Answer]:
    """Declare what a column is under `asOf`: values as they would be stored."""

    def declare(answer: Answer) -> Answer:
        RESTATED[of, column] = answer
        return answer

    return declare


class Shown(Node):
    """A row where a query stands, and the rows shown beside it."""

    model: Model

    def __init__(self, row: Any, loader: BatchLoader[Any]) -> None:
        self.row, self.loader = row, loader

    def identity(self) -> str:
        """Its opaque id."""
        key = [getattr(self.row, name) for name in self.model.projection.key]
        return self.loader.view.identity(self.model.name, key)


class Model:
    """A read model as it is shown: its type, and how rows become things of that type."""

    def __init__(self, projection: Projection[Any]) -> None:
        self.projection, self.name = projection, projection.row.__name__
        told = " ".join((projection.row.__doc__ or "").split())
        made: Any = strawberry.type(
            type(self.name, (Shown,), {"model": self}), name=self.name, description=told
        )
        made.__init__ = Shown.__init__  # not that of a dataclass without fields
        self.type = made
        self.fields = {one.column: one for one in shown(projection.row)}
        self.filter = input_of(self.name, projection, self.fields)
        self.order = order_of(self.name, projection)

    def nodes(self, view: View, rows: Sequence[Any]) -> list[Any]:
        """Rows that are shown side by side."""
        loader = BatchLoader(view, rows)
        return [self.type(row, loader) for row in rows]

    def one(self, view: View, key: Any) -> Any:
        """One row by its key, if it is there where the query stands."""
        row = view.get(self.projection, key)
        there = row is not None and all(
            where.holds(row) for where in view.there(self.projection)
        )
        return self.nodes(view, [row])[0] if there else None

    def by_key(self, view: View, key: Sequence[Any]) -> Any:
        """One row by the values of its key, as an id has them.  Raises ValueError."""
        hints = get_type_hints(self.projection.row)
        kinds = tuple(hints[name] for name in self.projection.key)
        values = TypeAdapter(tuple[kinds]).validate_python(key)  # type: ignore[valid-type]
        return self.one(view, values if len(values) > 1 else values[0])

    def many(self, view: View, given: Mapping[str, Any]) -> Connection[Any]:
        """A page of all rows that are there."""
        page, where = self.page(given), self.where(view, given)
        rows, more = page.cut(view.find(self.projection, *where, **page.read))
        count = lambda: view.counts(self.projection, *where)[None]  # noqa: E731
        return page.connection(rows, self.nodes(view, rows), more, count)

    def page(self, given: Mapping[str, Any], usual: tuple[str, ...] = ()) -> Page:
        """The page that arguments ask for.  Raises Problem."""
        chosen = given.get("order_by")
        orders = {} if self.order is None else self.order[1]
        order = usual if chosen is None else orders[chosen.value]
        asked = {name: given.get(name, usual) for name, (_, usual) in PAGE.items()}
        return Page(self.projection, order, Asked(**asked))

    def where(self, view: View, given: Mapping[str, Any]) -> Conditions:
        """What holds of the rows asked for.  Raises Problem for what cannot be looked by."""
        asked = conditions_of(self.projection, given.get("filter"))
        for one in asked:
            if view.as_of and (self.projection, one.field) in RESTATED:
                told = f"`{one.field}` is calculated under `asOf`, so it is no filter there."
                raise Problem("BAD_REQUEST", told)
        return (*view.there(self.projection), *asked)

    @property
    def arguments(self) -> dict[str, tuple[Any, Any]]:
        """What a connection of it takes: each argument with its type and default."""
        found: dict[str, tuple[Any, Any]] = {}
        if self.filter is not None:
            told = strawberry.argument(description="Only those of which all of it is true.")
            found["filter"] = (Annotated[self.filter | None, told], None)
        if self.order is not None:
            told = strawberry.argument(description="By what they are sorted, then by number.")
            found["order_by"] = (Annotated[self.order[0] | None, told], None)
        return {**found, **PAGE}


# Fields


def add_field(
    to: Any,
    name: str,
    told: str,
    kind: Any,
    resolve: Callable[..., Any],
    arguments: Mapping[str, tuple[Any, Any]] | None = None,
    *,
    before: Sequence[inspect.Parameter] = (SELF,),
    cost: int = 1,
) -> None:
    """Give a type a field; `arguments` are its arguments by name: type and default."""
    more = [
        inspect.Parameter(each, inspect.Parameter.KEYWORD_ONLY, default=usual, annotation=hint)
        for each, (hint, usual) in (arguments or {}).items()
    ]

    def resolver(*known: Any, **given: Any) -> Any:
        return resolve(*known, **given)

    resolver.__name__ = name
    signed: Any = resolver
    signed.__signature__ = inspect.Signature([*before, *more], return_annotation=kind)
    field: Any = strawberry.field(resolver=signed, description=told, metadata={"cost": cost})
    field.python_name = field.name = name
    field.origin = to
    to.__strawberry_definition__.fields.append(field)


def complete(models: Mapping[Projection[Any], Model]) -> None:
    """Give each type its fields: columns, links, other ends of links, what is by hand."""
    for model in models.values():
        for one in model.fields.values():
            _add_column(model, one)
        for link in model.projection.links:
            _add_link(model, link, models[link.to])
    for model in models.values():
        for link in model.projection.links:
            if link.back is not None:
                _add_back(models[link.to], link, link.back, model)
    for each in COMPUTED:
        add_computed(models[each.of].type, each)


def _add_column(model: Model, one: Field) -> None:
    again = RESTATED.get((model.projection, one.column))
    kind, members = kind_of(model.name, one)
    name = "number" if model.projection.key == (one.column,) else one.name

    def resolve(self: Shown) -> Any:
        view = self.loader.view
        if again is None or view.as_of is None:
            value = getattr(self.row, one.column)
        else:
            value = self.loader.each(again, self.row)
        if value is None:
            return None
        if not view.sight.shown(model.projection, one.column, self.row):
            return MASKED
        if one.unit is Unit.MINOR:
            return view.money(value)
        return members[value] if members else value

    add_field(model.type, name, one.told, kind | None if one.optional else kind, resolve)


def _add_link(model: Model, link: Link, to: Model) -> None:
    def named(view: View, rows: Sequence[Any]) -> list[Any]:
        keys = [getattr(row, link.column) for row in rows]
        wanted = {key for key in keys if key is not None}
        found = view.among(link.to, link.to.key[0], wanted, *view.there(link.to))
        nodes = dict(zip(map(link.to.key_of, found), to.nodes(view, found), strict=True))
        return [nodes.get(key) for key in keys]

    def resolve(self: Shown) -> Any:
        return self.loader.each(named, self.row)

    add_field(model.type, link.called, link.told, to.type | None, resolve)


def _add_back(to: Model, link: Link, back: Back, model: Model) -> None:
    key = link.to.key[0]

    def whole(self: Shown) -> Any:
        return listed(self.loader, self.row, model, link.column, key, back.order)

    def paged(self: Shown, **given: Any) -> Any:
        return nested(self.loader, self.row, model, link.column, key, given, back.order)

    if back.short:
        add_field(to.type, back.name, back.told, list[model.type], whole)  # type: ignore[name-defined]
    else:
        kind = Connection[model.type]  # type: ignore[name-defined]
        add_field(to.type, back.name, back.told, kind, paged, model.arguments)


def add_computed(to: Any, each: Computed) -> None:
    """Give a type a field that a function answers for all rows."""
    hints = get_type_hints(each.answer, include_extras=True)
    asked = list(inspect.signature(each.answer).parameters.values())[2:]
    arguments = {one.name: (hints[one.name], one.default) for one in asked}

    def resolve(self: Shown, **given: Any) -> Any:
        return self.loader.each(each.answer, self.row, **given)

    told = " ".join((each.answer.__doc__ or "").split())
    (kind,) = get_args(hints["return"])
    add_field(to, each.answer.__name__, told, kind, resolve, arguments, cost=each.cost)


# What belongs to many rows at once


def listed(
    loader: BatchLoader[Any],
    row: Any,
    model: Model,
    column: str,
    key: str,
    order: tuple[str, ...] = (),
) -> list[Any]:
    """All rows whose column names this one by its key, looked up for all beside it."""

    def lists(view: View, owners: Sequence[Any]) -> list[list[Any]]:
        keys = [getattr(owner, key) for owner in owners]
        there = view.there(model.projection)
        rows = view.among(model.projection, column, keys, *there, order=order)
        found: dict[Any, list[Any]] = {one: [] for one in keys}
        for each, node in zip(rows, model.nodes(view, rows), strict=True):
            found[getattr(each, column)].append(node)
        return [found[one] for one in keys]

    found: list[Any] = loader.each(lists, row, question=(model.projection, column, key, order))
    return found


def nested(
    loader: BatchLoader[Any],
    row: Any,
    model: Model,
    column: str,
    key: str,
    given: Mapping[str, Any],
    order: tuple[str, ...] = (),
) -> Connection[Any]:
    """The page of the rows whose column names this row, looked up for all beside it."""
    page, projection = model.page(given, order), model.projection
    where = model.where(loader.view, given)

    def counts(view: View, owners: Sequence[Any]) -> list[int]:
        keys = [getattr(owner, key) for owner in owners]
        among = Where(column, "in", keys)
        found = view.counts(projection, among, *where, by=column)
        return [found.get(one, 0) for one in keys]

    def pages(view: View, owners: Sequence[Any]) -> list[Connection[Any]]:
        keys = [getattr(owner, key) for owner in owners]
        mine: dict[Any, list[Any]] = {one: [] for one in keys}
        for each in view.first_of_each(projection, column, list(mine), *where, **page.read):
            mine[getattr(each, column)].append(each)
        cuts = {one: page.cut(rows) for one, rows in mine.items()}
        nodes = iter(model.nodes(view, [one for rows, _ in cuts.values() for one in rows]))
        return [
            page.connection(
                rows,
                [next(nodes) for _ in rows],
                more,
                lambda owner=owner: loader.each(  # type: ignore[misc]
                    counts, owner, question=("count", projection, column, where)
                ),
            )
            for owner, (rows, more) in zip(owners, (cuts[one] for one in keys), strict=True)
        ]

    found: Connection[Any] = loader.each(pages, row, question=(page, column, where))
    return found
