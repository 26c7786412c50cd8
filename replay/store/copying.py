"""
Large batches go in by COPY: the client gives out positions and hashes leaves itself.

The lock is taken first, so that the positions are known; then the rows, then the head with the
frontier that they lead to, all in the transaction that holds the lock.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

import psycopg

from replay.merkle.leaves import STORED_LEVEL
from replay.store.wire import LENGTHS, byteas, int4s, int8s, texts

if TYPE_CHECKING:
    from replay.store.entry import Line

Node: TypeAlias = tuple[int, int, bytes]
"""level, index, hash: the root of a complete part of the tree."""

SINCE = datetime(2000, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SIGNATURE = b"PGCOPY\n\xff\r\n\x00" + bytes(8)  # of the binary format: no flags, no extension
END = b"\xff\xff"
AT_A_TIME = 200  # rows
FIELDS = struct.pack(">h", 6)

COPY = "COPY history.events FROM STDIN (FORMAT binary)"
ADVANCE = (
    "SELECT history.advance(%b::bigint, %b::bigint, %b::timestamptz, %b::bytea[], %b::int[],"
    " %b::bigint[], %b::bytea[])"
)
REMEMBER = (
    "INSERT INTO history.commands (by, key, digest, cause, first, last) SELECT * FROM unnest("
    "%b::text[], %b::text[], %b::bytea[], %b::text[], %b::bigint[], %b::bigint[])"
)


class Growing:
    """Rows in the binary format of COPY, and the tree that they make grow."""

    def __init__(self, base: int, at: datetime, peaks: Iterable[bytes]) -> None:
        self.base, self.at = base, at
        self.peaks = list(peaks)
        self.nodes: list[Node] = []
        self.size = base

    def rows(self, lines: Iterable[Line]) -> bytes:
        """The rows of some events, in order; they are in the tree then."""
        at = struct.pack(">q", (self.at - SINCE) // MICROSECOND)
        at_field = LENGTHS[8] + at
        numbers, version_field = struct.Struct(">qq").pack, struct.Struct(">iq").pack
        position_field = struct.Struct(">iq").pack
        position = self.size
        parts: list[bytes] = []
        for stream, version, name, state in lines:
            position += 1
            stream_field = _sized(stream.encode())
            name_field = _sized(name.encode())
            leaf = numbers(position, version) + at + stream_field + name_field + state
            self._add(sha256(b"\x00" + leaf).digest())
            parts += (
                FIELDS, stream_field, version_field(8, version), name_field,
                _length(len(state)), state, position_field(8, position), at_field,
            )  # fmt: skip
        return b"".join(parts)

    def _add(self, node: bytes) -> None:
        rest, level, peaks = self.size, 0, self.peaks
        while rest & 1:
            node = sha256(b"\x01" + peaks.pop() + node).digest()
            rest >>= 1
            level += 1
            if level >= STORED_LEVEL:
                self.nodes.append((level, rest, node))
        peaks.append(node)
        self.size += 1


def copy(connection: psycopg.Connection[Any], tree: Growing, lines: Iterable[Line]) -> None:
    """Write events and move the head, in a transaction that holds the lock already."""
    with connection.cursor() as cursor:
        with cursor.copy(COPY) as into:
            into.write(SIGNATURE)
            coming = iter(lines)
            # Some at a time: the server takes in what it has while the next are made.
            while some := list(islice(coming, AT_A_TIME)):
                into.write(tree.rows(some))
            into.write(END)
        cursor.execute(
            ADVANCE,
            (
                tree.base,
                tree.size - tree.base,
                tree.at,
                byteas(tree.peaks),
                int4s([level for level, _, _ in tree.nodes]),
                int8s([index for _, index, _ in tree.nodes]),
                byteas([node for _, _, node in tree.nodes]),
            ),
        )


def remember(
    connection: psycopg.Connection[Any],
    keyed: Iterable[tuple[str, str, bytes, str, int, int]],
) -> None:
    """Write what Idempotency-Keys led to: by, key, digest, cause, first, last."""
    rows = list(zip(*keyed, strict=True))
    if rows:
        by, key, digest, cause, first, last = rows
        connection.execute(
            REMEMBER,
            (texts(by), texts(key), byteas(digest), texts(cause), int8s(first), int8s(last)),
        )


def _length(n: int) -> bytes:
    return LENGTHS[n] if n < len(LENGTHS) else struct.pack(">i", n)


def _sized(value: bytes) -> bytes:
    return _length(len(value)) + value
