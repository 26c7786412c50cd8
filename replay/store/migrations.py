"""The schema `history`, brought to its newest shape: numbered files, each applied once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import psycopg
from psycopg import sql

LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('wattledger migrations', 0))"

LEDGER = """
CREATE SCHEMA IF NOT EXISTS history;
CREATE TABLE IF NOT EXISTS history.migrations (
    number int PRIMARY KEY,
    name text NOT NULL,
    checksum bytea NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
"""


class Migrated(Exception):
    """The database was migrated by a file that reads differently today."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step: its number, its name and the SQL of its file."""

    number: int
    name: str
    text: str

    @property
    def checksum(self) -> bytes:
        """SHA-256 of the file: an applied step is never edited."""
        return hashlib.sha256(self.text.encode()).digest()


def known() -> Iterator[Migration]:
    """The steps this program knows, in order."""
    folder = files("replay.store") / "sql"
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        number, _, name = file.name.removesuffix(".sql").partition("_")
        if number.isdigit():
            yield Migration(int(number), name, file.read_text("utf-8"))


def pending(connection: psycopg.Connection[Any]) -> list[Migration]:
    """The steps a database lacks.  Raises Migrated when an applied one was edited since."""
    applied: dict[int, bytes] = {}
    found = connection.execute("SELECT to_regclass('history.migrations')").fetchone()
    if found and found[0]:
        rows = connection.execute(
            "SELECT number, checksum FROM history.migrations", binary=True
        )
        applied.update(rows.fetchall())
    for step in known():
        if step.number in applied and applied[step.number] != step.checksum:
            raise Migrated(f"{step.number:04}_{step.name}.sql changed after it was applied")
    return [step for step in known() if step.number not in applied]


def migrate(database_url: str) -> list[str]:
    """Apply what is pending, as the owner of the database; the names of what was applied."""
    with psycopg.connect(database_url) as connection:
        connection.execute(LOCK)
        connection.execute(LEDGER)
        steps = pending(connection)
        for step in steps:
            connection.execute(sql.SQL(step.text))
            connection.execute(
                "INSERT INTO history.migrations (number, name, checksum) VALUES (%s, %s, %s)",
                (step.number, step.name, step.checksum),
            )
    return [f"{step.number:04}_{step.name}" for step in steps]
