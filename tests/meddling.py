"""What the application never does to history, for tests of what happens when somebody does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg


@contextmanager
def writing_held(database_url: str) -> Iterator[None]:
    """While inside, nobody gets the lock under which facts are written."""
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('wattledger history', 0))"
        )
        yield


def altered(database_url: str, statement: str) -> None:
    """Change the database behind history's back, as its superuser."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")  # no trigger stops us
        connection.execute(statement)


def refit(database_url: str) -> None:
    """Calculate the whole tree again over what is there now, as a clever forger would."""
    altered(database_url, "DELETE FROM history.nodes")
    altered(
        database_url,
        "UPDATE history.head SET frontier = history.grown(0, '{}', leaves.hashes) FROM (SELECT"
        " array_agg(sha256('\\x00'::bytea || history.leaf(notification_id, originator_version,"
        " at, originator_id, topic, state)) ORDER BY notification_id) AS hashes"
        " FROM history.events) AS leaves",
    )
