"""Keys of persons as a file of their own, and what was destroyed taken off the disk."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
import psycopg
from psycopg import sql

from projections.kit.ddl import SCHEMA
from projections.kit.table import Projection
from replay.archives.chunks import ArchiveBroken, ArchiveTrouble, place
from replay.store.sealing import KEY_BYTES, PERSONALS

SUPERUSER = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
STATISTICS = "pg_catalog.pg_statistic"
EVERY = "SELECT person, key FROM history.keys WHERE key IS NOT NULL ORDER BY person"


class NotSwept(ArchiveTrouble):
    """Only a superuser of the database can take erased rows off its disk."""


def save(connection: psycopg.Connection[Any], file: Path) -> int:
    """Write all keys into a file that only we can read, a JSON object a line; how many."""
    lines = []
    for person, key in connection.execute(EVERY, binary=True):
        told = {"person": person, "key": base64.b64encode(key).decode()}
        lines.append(orjson.dumps(told) + b"\n")
    place(file, b"".join(lines), mode=0o600)
    return len(lines)


def load(connection: psycopg.Connection[Any], file: Path) -> int:
    """Take keys from a file, but for those destroyed here.  Raises ArchiveBroken; how many."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO history.keys (person, key) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            _read(file),
        )
        return max(cursor.rowcount, 0)


def _read(file: Path) -> Iterable[tuple[str, bytes]]:
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                said = orjson.loads(line)
                person, key = said["person"], base64.b64decode(said["key"], validate=True)
                if not isinstance(person, str) or len(key) != KEY_BYTES:
                    raise ValueError("a key has 32 bytes")
            except (ValueError, KeyError, TypeError) as wrong:
                raise ArchiveBroken(f"it is no key: {wrong}", file.name, number) from wrong
            yield person, key


def tables_about_persons(
    projections: Iterable[Projection[Any]], schema: str = SCHEMA
) -> list[str]:
    """The tables, and tables of the past, in which something personal stands."""
    names = [p.name for p in projections if any(PERSONALS[wanted] for wanted in p.events)]
    return [f"{schema}.{name}{past}" for name in names for past in ("", "_past")]


def sweep(database_url: str, projections: Iterable[Projection[Any]]) -> None:
    """
    Take what was destroyed off the disk as well: from the keys, and from tables of people.

    Rows that are gone leave their bytes behind, in pages and in the statistics of the planner,
    until something else is written over them; so each table is written anew, in a lock of
    its own that lasts as long as that takes.  Then the write-ahead log is begun anew, and its
    old segments go as the server lets go of them.  Raises NotSwept unless a superuser connects:
    Postgres passes over what is not ours to rewrite, and says so to nobody.
    """
    with psycopg.connect(database_url, autocommit=True) as connection:
        if connection.execute(SUPERUSER).fetchone() != (True,):
            raise NotSwept(NotSwept.__doc__)
        for table in ("history.keys", *tables_about_persons(projections), STATISTICS):
            name = sql.Identifier(*table.split("."))
            if table != STATISTICS:
                connection.execute(sql.SQL("ANALYZE {}").format(name))
            connection.execute(sql.SQL("VACUUM (FULL) {}").format(name))
        for _ in range(2):  # a segment is let go of by the checkpoint after the next
            connection.execute("SELECT pg_switch_wal()")
            connection.execute("CHECKPOINT")
