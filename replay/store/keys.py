"""
The keys of persons: made just before the first fact that needs one, and destroyed for ever.

A key is destroyed by the database itself, in the transaction that records `….erased` (see
0004_keys.sql): the fact cannot be there without it.  Nobody here keeps a key beyond the page of
facts that it opens.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeAlias

import psycopg

from replay.store.sealing import new_key

Keys: TypeAlias = Mapping[str, bytes | None]
"""Person (the stream about them) -> their key; None where it was destroyed."""

OF = "SELECT person, key FROM history.keys WHERE person = ANY (%s)"
MADE = "SELECT person, key FROM history.keys_of(%s::text[], %s::bytea[])"
ABSENT = (
    "SELECT person FROM unnest(%s::text[]) AS told (person)"
    " WHERE NOT EXISTS (SELECT FROM history.keys AS k WHERE k.person = told.person)"
)
OVERDUE = (
    "SELECT k.person FROM history.keys AS k WHERE k.key IS NOT NULL AND EXISTS (SELECT"
    " FROM history.events AS e WHERE e.originator_id = k.person AND e.topic LIKE '%.erased')"
)


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
