"""
The book of the policies: how far each has answered, what it gave, what was refused.

Its commits do not wait for the disk: a plan is written before the command that it holds, in the
same log, and the command's commit waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import psycopg

Connection: TypeAlias = psycopg.Connection[Any]

TABLES = """
CREATE SCHEMA IF NOT EXISTS policies;
CREATE TABLE IF NOT EXISTS policies.standing (
    policy text PRIMARY KEY,
    since bigint NOT NULL, -- the head when it was first started
    position bigint NOT NULL, -- up to here every fact is answered
    stopped text -- why it answers no more, until an operator starts it again
);
CREATE TABLE IF NOT EXISTS policies.given (
    policy text NOT NULL,
    position bigint NOT NULL, -- of the fact
    n int NOT NULL,
    key text NOT NULL,
    command text NOT NULL,
    body text NOT NULL,
    correlation text NOT NULL,
    refused text, -- the code of the refusal; NULL while it is not answered
    details text,
    PRIMARY KEY (policy, position, n)
);
CREATE TABLE IF NOT EXISTS policies.place (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    place text NOT NULL -- the folder or database in which policies answer; '' for none yet
);
"""
NUMBER = "hashtextextended('wattledger policies', 0)"


@dataclass(frozen=True, slots=True)
class Planned:
    """A command that a policy gave and that is not answered yet."""

    n: int
    key: str
    command: str
    body: str
    correlation: str


@dataclass(frozen=True, slots=True)
class RefusedCommand:
    """A command of a policy that was refused; it is not asked for again."""

    policy: str
    position: int
    command: str
    body: str
    refused: str
    details: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a policy is."""

    policy: str
    since: int
    position: int
    stopped: str | None


def connect(database_url: str) -> Connection:
    """A connection that finds the tables there."""
    db = psycopg.connect(database_url, autocommit=True, application_name="wattledger policies")
    db.execute("SET synchronous_commit = off")
    with db.transaction():
        db.execute("SELECT pg_advisory_xact_lock(hashtextextended('wattledger book', 0))")
        if db.execute("SELECT to_regclass('policies.place')").fetchone() == (None,):
            db.execute(TABLES)
    return db


class Book:
    """Reads and writes it over one connection."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    def locked(self, *, wait: bool = False) -> bool:
        """Be the only one who answers, as long as the connection lives; whether that is so."""
        if wait:
            self._db.execute(f"SELECT pg_advisory_lock({NUMBER})")
            return True
        return self._db.execute(f"SELECT pg_try_advisory_lock({NUMBER})").fetchone() == (True,)

    def place(self) -> str | None:
        """Where policies answer; '' for nowhere yet; None before the first start."""
        row = self._db.execute("SELECT place FROM policies.place").fetchone()
        return None if row is None else str(row[0])

    def set_place(self, place: str) -> None:
        """From now on they answer there."""
        self._db.execute(
            "INSERT INTO policies.place (place) VALUES (%s)"
            " ON CONFLICT (one) DO UPDATE SET place = excluded.place",
            (place,),
        )

    def begin(self, policies: Iterable[str], head: int) -> None:
        """Those that are started for the first time begin at the head."""
        for name in policies:
            self._db.execute(
                "INSERT INTO policies.standing VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                (name, head, head),
            )

    def release(self) -> None:
        """Those that stopped go on with the fact at which they did."""
        self._db.execute("UPDATE policies.standing SET stopped = NULL")

    def standing(self) -> list[Standing]:
        """How far each is."""
        rows = self._db.execute(
            "SELECT policy, since, position, stopped FROM policies.standing ORDER BY policy"
        )
        return [Standing(*row) for row in rows]

    def refused(self) -> list[RefusedCommand]:
        """What was refused, by policy and position."""
        rows = self._db.execute(
            "SELECT policy, position, command, body, refused, details FROM policies.given"
            " WHERE refused IS NOT NULL ORDER BY policy, position, n"
        )
        return [RefusedCommand(*row) for row in rows]

    def planned(self, policy: str, position: int) -> list[Planned]:
        """What it gave for a fact and is not answered yet."""
        rows = self._db.execute(
            "SELECT n, key, command, body, correlation FROM policies.given"
            " WHERE policy = %s AND position = %s AND refused IS NULL ORDER BY n",
            (policy, position),
        )
        return [Planned(*row) for row in rows]

    def plan(self, policy: str, position: int, planned: Sequence[Planned]) -> None:
        """Write down what it gives for a fact; all before that fact is answered."""
        with self._db.transaction():
            self.moved([policy], position - 1)
            for each in planned:
                self._db.execute(
                    "INSERT INTO policies.given VALUES (%s, %s, %s, %s, %s, %s, %s)",
                    (policy, position, each.n, each.key, each.command, each.body,
                     each.correlation),
                )  # fmt: skip

    def answered(
        self, policy: str, position: int, n: int, *, last: bool, refused: tuple[str, str] | None
    ) -> None:
        """Strike a command off, or keep how it was refused; the last moves the position."""
        at = policy, position, n
        with self._db.transaction():
            if refused is None:
                self._db.execute(
                    "DELETE FROM policies.given WHERE policy = %s AND position = %s AND n = %s",
                    at,
                )
            else:
                self._db.execute(
                    "UPDATE policies.given SET refused = %s, details = %s"
                    " WHERE policy = %s AND position = %s AND n = %s",
                    (*refused, *at),
                )
            if last:  # or a plan that is done would look like none, and be made again
                self.moved([policy], position)

    def moved(self, policies: Sequence[str], position: int) -> None:
        """All facts up to a position are answered."""
        self._db.execute(
            "UPDATE policies.standing SET position = greatest(position, %s)"
            " WHERE policy = ANY (%s)",
            (position, list(policies)),
        )

    def stop(self, policy: str, position: int, why: str) -> None:
        """It answers no more, from a fact on, until an operator starts it again."""
        with self._db.transaction():
            self.moved([policy], position - 1)
            self._db.execute(
                "UPDATE policies.standing SET stopped = %s WHERE policy = %s", (why, policy)
            )
