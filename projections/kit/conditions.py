"""Conditions on rows as SQL says them, over a table or its past called v."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from projections.kit.columns import plain
from projections.kit.ddl import Stored, quoted
from projections.kit.table import NO_PLACE, Where


def is_key(stored: Stored) -> str:
    """What is true of the row of a key, whose values are asked with."""
    return " and ".join(f"{quoted(column.name)} = %s" for column in stored.key)


def was_known(stored: Stored) -> str:
    """True of the version of a row in which no other came between it and the position."""
    same = " and ".join(f"n.{quoted(c.name)} = v.{quoted(c.name)}" for c in stored.key)
    return (
        f"not v.gone and v.known_from <= %s and not exists (select from {stored.past} n"
        f" where {same} and n.known_from > v.known_from and n.known_from <= %s)"
    )


def conditions(stored: Stored, where: Iterable[Where]) -> tuple[list[str], list[Any]]:
    """The text of each condition, and the values that all of them are asked with."""
    kinds = {column.name: column.sql for column in stored.columns}
    text: list[str] = []
    values: list[Any] = []
    for one in where:
        name = f"v.{quoted(one.field)}"
        if one.op == "in":
            either = f"{name} = any(%s::{kinds[one.field]}[])"
            text.append(f"({either} or {name} is null)" if None in one.value else either)
            values.append([value for value in one.value if value is not None])
        elif one.op == "within":
            units, path = one.value
            text.append(_lies(name, kinds[one.field], path, stored.schema))
            values.append(list(units))
        elif one.op == "has":
            text.append(f"{name} @> %s::jsonb")
            values.append(json.dumps(one.value))
        elif one.value is None:
            text.append(f"{name} is null")
        elif one.op == "not <=":
            text.append(f"({name} <= %s) is not true")
            values.append(one.value)
        else:
            text.append(f"{name} {one.op} %s")
            values.append(one.value)
    return text, values


def _lies(name: str, kind: str, path: tuple[tuple[str, str, str], ...], schema: str) -> str:
    """
    True of what lies in one of the units that are asked with, by a way through tables.

    Each step of the way is (table, its column, the column that leads on).
    """
    if not path:
        return f"{name} ?| %s::text[]" if kind == "jsonb" else f"{name} = any(%s::text[])"
    (table, column, on), *rest = path
    further = _lies(f"{table}.{quoted(on)}", "text", tuple(rest), schema)
    return (
        f"{name} in (select {table}.{quoted(column)} from {quoted(schema)}.{quoted(table)}"
        f" as {table} where {further})"
    )


def beyond(
    stored: Stored, by: tuple[str, ...], after: tuple[Any, ...], descending: bool
) -> tuple[str, list[Any]]:
    """What is true of the rows behind a place in the order.  Raises ValueError for no place."""
    optional = {column.name for column in stored.columns if column.optional}
    after = tuple(map(plain, after))
    if len(after) != len(by):
        raise ValueError(NO_PLACE.format(len(by), ", ".join(by)))
    sign = "<" if descending else ">"
    if not optional.intersection(by):
        marks = ", ".join(["%s"] * len(by))
        names = ", ".join(f"v.{quoted(name)}" for name in by)
        return f"({names}) {sign} ({marks})", list(after)
    either: list[str] = []
    values: list[Any] = []
    for n, name in enumerate(by):
        column = f"v.{quoted(name)}"
        same = [f"v.{quoted(by[i])} " + _equal(after[i]) for i in range(n)]
        if after[n] is None:
            if not descending:
                continue  # behind what is absent comes nothing
            beyond = f"{column} is not null"
        elif descending or name not in optional:
            beyond = f"{column} {sign} %s"
        else:
            beyond = f"({column} > %s or {column} is null)"
        either.append(" and ".join([*same, beyond]))
        values += [value for value in after[: n + 1] if value is not None]
    return f"({' or '.join(either)})", values


def _equal(value: Any) -> str:
    return "is null" if value is None else "= %s"
