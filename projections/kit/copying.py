"""COPY out of Postgres by the piece: row by row the driver takes longer than Postgres."""

from __future__ import annotations

from collections.abc import Iterator
from select import select
from typing import Any, TypeAlias

import psycopg
from psycopg import pq

Connection: TypeAlias = psycopg.Connection[Any]

PIECE = 2000  # rows


def copied(db: Connection, query: str) -> Iterator[bytes]:
    """
    What COPY gives of a query, as text, many rows to a piece.

    Who stops before the end loses the connection.
    """
    server = db.pgconn
    begun = server.exec_(f"copy ({query}) to stdout".encode())
    if begun.status != pq.ExecStatus.COPY_OUT:
        raise psycopg.errors.error_from_result(begun)
    rows: list[bytes] = []
    try:
        while (size := (given := server.get_copy_data(1))[0]) >= 0:
            if size:
                rows.append(bytes(given[1]))
                if len(rows) < PIECE:
                    continue
                yield b"".join(rows)
                rows.clear()
            else:
                select([server.socket], [], [])
                server.consume_input()
    except GeneratorExit:
        db.close()
        raise
    yield b"".join(rows)
    while ended := server.get_result():
        if ended.status != pq.ExecStatus.COMMAND_OK:
            raise psycopg.errors.error_from_result(ended)
