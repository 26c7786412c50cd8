"""
The keys of persons: made just before the first fact that needs one, and destroyed for ever.

A key is destroyed by the database itself, in the transaction that records `….erased` (see
0004_keys.sql): the fact cannot be there without it.  Nobody here keeps a key beyond the page of
facts that it opens.  `sweep` takes away what the database still has of it on its disk.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import orjson
import psycopg
from psycopg import sql

from projections.ddl import SCHEMA
from projections.kit import Projection
from replay.chunks import ArchiveBroken, ArchiveTrouble, place
from replay.sealing import KEY_BYTES, PERSONALS, new_key

Keys: TypeAlias = Mapping[str, bytes | None]
"""Person (the stream about them) -> their key; None where it was destroyed."""

OF = "SELECT person, key FROM history.keys WHERE person = ANY (%s)"
MADE = "SELECT person, key FROM history.keys_of(%s::text[], %s::bytea[])"
SUPERUSER = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
STATISTICS = "pg_catalog.pg_statistic"
EVERY = "SELECT person, key FROM history.keys WHERE key IS NOT NULL ORDER BY person"
ABSENT = (
    "SELECT person FROM unnest(%s::text[]) AS told (person)"
    " WHERE NOT EXISTS (SELECT FROM history.keys AS k WHERE k.person = told.person)"
)
OVERDUE = (
    "SELECT k.person FROM history.keys AS k WHERE k.key IS NOT NULL AND EXISTS (SELECT"
    " FROM history.events AS e WHERE e.originator_id = k.person AND e.topic LIKE '%.erased')"
)


class NotSwept(ArchiveTrouble):
    """Only a superuser of the database can take erased rows off its disk."""


def keys_for(connection: psycopg.Connection[Any], persons: Collection[str]) -> dict[str, bytes]:
    """
    Keys to write with, made and committed where a person has none yet.

    Whose key was destroyed gets one that nobody keeps: whatever is sealed with it is erased at
    once.  (It is refused as stale anyway, since the person was erased meanwhile.)
    """
    wanted = sorted(set(persons))
    rows = connection.execute(MADE, (wanted, [new_key() for _ in wanted]), binary=True)
    return {person: key or new_key() for person, key in rows.fetchall()}


def overdue(connection: psycopg.Connection[Any]) -> list[str]:
    """Persons who are erased and have a key all the same: there can be none."""
    return [person for (person,) in connection.execute(OVERDUE.encode()).fetchall()]


def keyless(connection: psycopg.Connection[Any], persons: Collection[str]) -> list[str]:
    """Those of some persons of whom it is not even known that their key was destroyed."""
    rows = connection.execute(ABSENT, (sorted(persons),)).fetchall()
    return [person for (person,) in rows]


def destroy(connection: psycopg.Connection[Any], persons: Collection[str]) -> None:
    """Remember that there is no key of some persons, and never will be."""
    connection.execute(
        "INSERT INTO history.keys (person, destroyed_at) SELECT unnest(%s::text[]), now()",
        (list(persons),),
    )


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
    names = [p.name for p in projections if any(PERSONALS[wanted] for wanted in p.wants)]
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
