"""
Arrays as Postgres reads them from the wire, packed without a call for every element.

The layout is the one that `array_recv` expects: the number of dimensions, whether there are
nulls, the type of the elements, their number, the first index; then for every element its
length and its bytes (a length of -1 stands for null).  All numbers big-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain
from typing import Any

from psycopg import Connection
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

BYTEA, INT8, INT4, TEXT = 17, 20, 23, 25

HEADER = struct.Struct(">iiIii")
LENGTHS = tuple(struct.pack(">i", n) for n in range(4096))
NULL = struct.pack(">i", -1)


class Packed(bytes):
    """An array, already in its binary form."""


class _PackedDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Any) -> Buffer:
        packed: bytes = obj
        return packed


def teach(connection: Connection[Any]) -> None:
    """Let a connection take packed arrays as parameters."""
    connection.adapters.register_dumper(Packed, _PackedDumper)


def _header(kind: int, n: int, nulls: bool = False) -> bytes:
    if n == 0:
        return HEADER.pack(0, 0, kind, 0, 0)[:12]
    return HEADER.pack(1, nulls, kind, n, 1)


@cache
def _numbers(code: str, n: int) -> struct.Struct:
    return struct.Struct(">" + ("i" + code) * n)


def _pack_numbers(code: str, width: int, kind: int, values: Sequence[int]) -> Packed:
    parts = [_header(kind, len(values))]
    # By 64 at a time: few distinct layouts, so that each is compiled once.
    for start in range(0, len(values), 64):
        some = values[start : start + 64]
        interleaved = chain.from_iterable((width, value) for value in some)
        parts.append(_numbers(code, len(some)).pack(*interleaved))
    return Packed(b"".join(parts))


def int4s(values: Sequence[int]) -> Packed:
    """An int[]."""
    return _pack_numbers("i", 4, INT4, values)


def int8s(values: Sequence[int]) -> Packed:
    """A bigint[]."""
    return _pack_numbers("q", 8, INT8, values)


def _pack_bytes(kind: int, values: Iterable[bytes], n: int) -> Packed:
    parts = [_header(kind, n)]
    add = parts.append
    for value in values:
        size = len(value)
        add(LENGTHS[size] if size < 4096 else struct.pack(">i", size))
        add(value)
    return Packed(b"".join(parts))


def byteas(values: Sequence[bytes]) -> Packed:
    """A bytea[]."""
    return _pack_bytes(BYTEA, values, len(values))


def texts(values: Sequence[str]) -> Packed:
    """A text[]; the encoding of the database is UTF-8."""
    return _pack_bytes(TEXT, map(str.encode, values), len(values))
