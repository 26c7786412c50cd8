"""Reading the tree: the leaves of history page by page, and the roots of its complete parts."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any, TypeAlias, cast

import psycopg

from replay.merkle.frontier import Range, root_of

Leaf: TypeAlias = tuple[int, bytes]
"""position, the bytes of the leaf."""

STORED_LEVEL = 8  # complete parts of 2 ** 8 leaves and more have their roots in the database
PAGE = 10_000

LEAVES = (
    "SELECT notification_id, history.leaf(notification_id, originator_version, at,"
    " originator_id, topic, state) FROM history.events"
    " WHERE notification_id > %s AND notification_id <= %s ORDER BY notification_id LIMIT %s"
)
NODE = "SELECT hash FROM history.nodes WHERE level = %s AND index = %s"


def leaves(
    connection: psycopg.Connection[Any], after: int, until: int, page: int = PAGE
) -> Iterator[list[Leaf]]:
    """
    Pages of leaves, by position; a missing one is simply not there.

    The next page is read while the caller works on the one before, over the same connection:
    nothing else may use it meanwhile.
    """

    def read(after: int) -> list[Leaf]:
        found = connection.execute(LEAVES, (after, until, page), binary=True, prepare=True)
        return cast("list[Leaf]", found.fetchall())

    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(read, after)
        while rows := coming.result():
            coming = reader.submit(read, rows[-1][0])
            yield rows


class Parts:
    """The roots of complete parts of the tree, for proofs."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def __call__(self, part: Range) -> bytes:
        """The root of an aligned range whose length is a power of two; KeyError if unknown."""
        start, end = part
        level = (end - start).bit_length() - 1
        if level >= STORED_LEVEL:
            row = self._connection.execute(NODE, (level, start >> level)).fetchone()
            if row is None:
                raise KeyError(f"the tree has no part from {start} to {end}")
            return cast("bytes", row[0])
        rows = self._connection.execute(LEAVES, (start, end, end - start), binary=True)
        hashes = [sha256(b"\x00" + leaf).digest() for _, leaf in rows]
        if len(hashes) != end - start:
            raise KeyError(f"facts are missing between {start + 1} and {end}")
        return root_of(hashes)
