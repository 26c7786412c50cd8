"""Where a table is not what its facts say: the row, the field, what is stored and right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any, TypeVar

from projections.kit.table import Projection, Tables, key_values

T = TypeVar("T")

LONGEST = 120  # characters of a value that are told


def differences(stored: Tables, right: Tables, projection: Projection[Any]) -> Iterator[str]:
    """What is not the same in two tables and their pasts, a sentence each, by key."""

    def by_key(row: Any) -> Any:
        return key_values(projection, projection.key_of(row))

    def by_change(change: tuple[int, Any, Any]) -> Any:
        return key_values(projection, change[1]), change[0]

    for a, b in _paired(stored.rows(projection), right.rows(projection), by_key):
        if a != b:
            yield f"{projection.name} {projection.key_of(a or b)!r}: {_unlike(a, b)}"
    for c, d in _paired(stored.changes(projection), right.changes(projection), by_change):
        if c != d:
            position, key, _ = c or d or (0, None, None)
            unlike = _unlike(c and c[2], d and d[2])
            yield f"{projection.name} {key!r} as of position {position}: {unlike}"


def _unlike(stored: Any, right: Any) -> str:
    """How a row is not what it ought to be; None where there is none."""
    if stored is None:
        return f"missing; its facts say {_short(right)}"
    if right is None:
        return f"stands on no fact: {_short(stored)}"
    pairs = ((f.name, getattr(stored, f.name), getattr(right, f.name)) for f in fields(right))
    return ", ".join(
        f"{name} is {_short(is_)}, its facts say {_short(ought)}"
        for name, is_, ought in pairs
        if is_ != ought
    )


def _short(value: object) -> str:
    told = repr(value) if not isinstance(value, int | str) else str(value)
    return told if len(told) <= LONGEST else f"{told[: LONGEST - 1]}…"


def _paired(
    left: Iterator[T], right: Iterator[T], rank: Callable[[T], Any]
) -> Iterator[tuple[T | None, T | None]]:
    """What has the same rank in two ascending runs, None where one has nothing."""
    a, b = next(left, None), next(right, None)
    while a is not None or b is not None:
        if b is None or (a is not None and rank(a) < rank(b)):
            yield a, None
            a = next(left, None)
        elif a is None or rank(b) < rank(a):
            yield None, b
            b = next(right, None)
        else:
            yield a, b
            a, b = next(left, None), next(right, None)
