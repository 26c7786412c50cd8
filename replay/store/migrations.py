"""The schema `history`, brought to its newest shape: numbered files, each applied once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
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


class FolderIsNewer(Exception):
    """The database was brought up to a newer release; the message says to which."""


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
    """
    The steps a database lacks.

    Raises FolderIsNewer when it has some that this program does not know, Migrated when an
    applied one was edited since.
    """
    applied: dict[int, bytes] = {}
    names: dict[int, str] = {}
    found = connection.execute("SELECT to_regclass('history.migrations')").fetchone()
    if found and found[0]:
        rows = connection.execute(
            "SELECT number, checksum, name FROM history.migrations", binary=True
        ).fetchall()
        applied = {number: checksum for number, checksum, _ in rows}
        names = {number: name for number, _, name in rows}
    newest = max(known(), key=lambda step: step.number)
    if max(names, default=0) > newest.number:
        there = max(names)
        raise FolderIsNewer(
            f"The data were brought up to a newer release: they are at migration"
            f" {there:04}_{names[there]}, this program knows up to"
            f" {newest.number:04}_{newest.name}. Start that release."
        )
    for step in known():
        if step.number in applied and applied[step.number] != step.checksum:
            raise Migrated(f"{step.number:04}_{step.name}.sql changed after it was applied")
    return [step for step in known() if step.number not in applied]


def newer_shapes(connection: psycopg.Connection[Any], shapes: Mapping[str, int]) -> None:
    """Raise FolderIsNewer where events were written in a version later than in `shapes`."""
    if connection.execute("SELECT to_regclass('history.shapes')").fetchone() == (None,):
        return
    written = connection.execute("SELECT name, version FROM history.shapes ORDER BY name")
    newer = [
        f"{name} v{version}, this program knows"
        + (f" v{shapes[name]}" if name in shapes else " no such event")
        for name, version in written.fetchall()
        if version > shapes.get(name, 0)
    ]
    if newer:
        raise FolderIsNewer(
            f"A newer release wrote in this history: {'; '.join(newer)}. Start that release."
        )


def keep_shapes(database_url: str, shapes: Mapping[str, int]) -> None:
    """Remember in which versions this program writes events, for older ones to see."""
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO history.shapes AS s SELECT * FROM unnest(%s::text[], %s::int[])"
            " ON CONFLICT (name) DO UPDATE SET version = excluded.version"
            " WHERE s.version < excluded.version",
            (list(shapes), list(shapes.values())),
        )


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
