"""One number for a whole table and its past: equal exactly where every row is equal."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from projections.columns import line
from projections.kit import Projection, Tables, key_values


def digest(tables: Tables, projection: Projection[Any]) -> str:
    """
    The SHA-256, in hex, of a table and its past as they stand at `tables.position`.

    It is taken over one line a row, in order of the key, then one line a change, in order of
    key and position; a line is the row as COPY writes it, and so of one spelling: money and
    prices to their last digit, moments in UTC, documents with sorted keys.
    """
    total = sha256(f"{projection.name} {projection.version}\n".encode())
    for piece in _pieces(_lines(tables, projection)):
        total.update(piece)
    return total.hexdigest()


def _lines(tables: Tables, projection: Projection[Any]) -> Iterator[str]:
    tell = line(projection.row)
    for row in tables.rows(projection):
        yield tell(row)
    yield "\\."
    for position, key, row in tables.changes(projection):
        yield f"{position}\t{tell(row) if row is not None else key_values(projection, key)}"


def _pieces(lines: Iterator[str]) -> Iterator[bytes]:
    gathered: list[str] = []
    for one in lines:
        gathered.append(one)
        if len(gathered) == 4096:
            yield ("\n".join(gathered) + "\n").encode()
            gathered.clear()
    yield "\n".join(gathered).encode()
