"""Filters, orders and enumerations, made of what a projection and its row declare."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, TypeAlias, get_origin

import strawberry

from api.graphql.errors import Problem
from api.graphql.scalars import BigInt, Money, Position
from projections.kit.declaration import Field, Unit
from projections.kit.table import Op, Projection, Where

Conditions: TypeAlias = tuple[Where, ...]
Orders: TypeAlias = tuple[type[Enum], Mapping[str, tuple[str, ...]]]

EQUAL: dict[str, Op] = {"eq": "=", "in_": "in"}
COMPARED: dict[str, Op] = {**EQUAL, "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
TOLD = {
    "eq": "It is this.",
    "in_": "It is one of these.",
    "lt": "It is less, or earlier.",
    "le": "It is at most this, or this day at the latest.",
    "gt": "It is more, or later.",
    "ge": "It is at least this, or this day at the earliest.",
}
UNITS: dict[Unit, Any] = {Unit.MINOR: Money, Unit.POSITION: Position, Unit.FACT: strawberry.ID}
TESTS: dict[str, Any] = {}
ENUMS: dict[str, tuple[Any, dict[Any, Enum]]] = {}


def kind_of(name: str, one: Field) -> tuple[Any, dict[Any, Enum] | None]:
    """The type of a column, and of a closed set its members by what is stored."""
    if one.values is not None and get_origin(one.kind) is Literal:
        return _enumeration(
            name + "".join(map(str.capitalize, one.name.split("_"))), one.values
        )
    return UNITS[one.unit] if one.unit else one.kind, None


def _enumeration(name: str, values: Mapping[str, str]) -> tuple[Any, dict[Any, Enum]]:
    if name not in ENUMS:
        told = {_constant(value): value for value in values}
        described = {
            key: strawberry.enum_value(value, description=values[value])
            for key, value in told.items()
        }
        made: Any = Enum(name, described)  # type: ignore[misc]
        kind = strawberry.enum(made, name=name, description="One of a closed set.")
        ENUMS[name] = kind, {value: kind[key] for key, value in told.items()}
    return ENUMS[name]


def _constant(value: str) -> str:
    return value.replace("-", "_").replace(".", "_").upper()


def input_of(name: str, projection: Projection[Any], fields: Mapping[str, Field]) -> Any:
    """The input type of a projection's filters; None where it has none."""
    if not projection.filters:
        return None
    links = {link.column: link for link in projection.links}
    made = []
    for column in projection.filters:
        one, link = fields.get(column), links.get(column)
        called = link.called if link else one.name if one else column
        told = link.told if link else one.told if one else "By number."
        kind: Any = strawberry.ID
        if one is not None and link is None:
            kind = kind_of(name, one)[0]
        tests = _tests(BigInt if kind is Money else kind)
        field_ = strawberry.field(default=None, description=told)
        made.append((called, tests | None, field_))
    return _input(f"{name}Filter", made)


def _input(name: str, fields: list[tuple[str, Any, Any]]) -> Any:
    """An input type: names, types, and what strawberry is to know of each."""
    told: dict[str, Any] = {field: each for field, _, each in fields}
    told["__annotations__"] = {field: hint for field, hint, _ in fields}
    made: Any = type(name, (), told)
    return strawberry.input(made, description="All that is given must be true.")


def _tests(kind: Any) -> Any:
    name = {str: "String", strawberry.ID: "ID", date: "Date", int: "Int", Decimal: "Decimal",
            bool: "Boolean"}.get(kind) or kind.__name__  # fmt: skip
    if name not in TESTS:
        plain = kind in (str, strawberry.ID, bool) or (
            isinstance(kind, type) and issubclass(kind, Enum)
        )
        made: list[Any] = []
        for op in EQUAL if plain else COMPARED:
            hint = list[kind] | None if op == "in_" else kind | None
            called = "in" if op == "in_" else None
            told = strawberry.field(default=None, name=called, description=TOLD[op])
            made.append((op, hint, told))
        TESTS[name] = _input(f"{name}Test", made)
    return TESTS[name]


def conditions_of(projection: Projection[Any], asked: Any) -> Conditions:
    """What a filter asks of the rows.  Raises Problem for text that no row can have."""
    if asked is None:
        return ()
    found = []
    for column, tests in zip(projection.filters, vars(asked).values(), strict=True):
        for op, value in vars(tests).items() if tests is not None else ():
            if value is not None:
                found.append((column, COMPARED[op], value))
    try:
        return tuple(Where(column, op, value) for column, op, value in found)
    except ValueError as wrong:
        raise Problem("BAD_REQUEST", f"{wrong}.".capitalize()) from wrong


def order_of(name: str, projection: Projection[Any]) -> Orders | None:
    """The enumeration of what a projection may be sorted by; None where it has no choice."""
    if not projection.orders:
        return None
    orders = {"_".join(order).upper(): order for order in ((), *projection.orders) if order}
    orders = {"NUMBER": (), **orders}
    told = {key: strawberry.enum_value(key, description=_order(order)) for key, order in
            orders.items()}  # fmt: skip
    made: Any = Enum(f"{name}Order", told)  # type: ignore[misc]
    return strawberry.enum(made, description="By what a list is sorted."), orders


def _order(order: tuple[str, ...]) -> str:
    return f"By {', then '.join(order) or 'number'}." if order else "By its own key."
