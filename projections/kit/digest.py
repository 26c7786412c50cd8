"""One number for a whole table and its past: equal exactly where every row is equal."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from projections.kit.table import Projection, Tables


def digest(tables: Tables, projection: Projection[Any]) -> str:
    """
    The SHA-256, in hex, of a table and its past as they stand at `tables.position`.

    It is taken over what COPY gives of both in a session in UTC: a line a row by key, then a
    line a change by key and position.  So every value has one spelling: prices to their last
    digit, documents with their keys in order.
    """
    total = sha256(f"{projection.name} {projection.version}\n".encode())
    for piece in tables.spelled(projection):
        total.update(piece)
    return total.hexdigest()
