"""Whether the tables that are there are those of the projections: what must be rebuilt."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from projections.kit.copying import Connection
from projections.kit.ddl import SCHEMA, Stored
from projections.kit.table import Projection

NEWER = "The tables were made by a newer release: {}. Start that release."
LOCK = "wattledger projections {schema}_next"  # whoever rebuilds holds it


class TablesAreNewer(Exception):
    """The tables were made by a newer release; the message says which and what to do."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a rebuild is that goes on at this moment, and of which tables."""

    tables: tuple[str, ...]
    position: int
    goal: int


class TableGrowing(Exception):
    """A table is rebuilt after an upgrade and cannot be read yet; try again in a moment."""

    def __init__(self, table: str, progress: Progress | None = None) -> None:
        told = f"The table {table} is rebuilt after an upgrade and cannot be read yet"
        if progress is not None:
            told += f": {progress.position} of {progress.goal} facts are folded"
        super().__init__(f"{told}.")
        self.table, self.progress = table, progress


@dataclass(frozen=True, slots=True)
class Versions:
    """
    The tables that are there against the projections of this program, by name.

    `changed` were made for another version or other columns (name -> what differs), `missing`
    were never made, `others` are of no projection here.  `current` may be read and followed.
    """

    current: frozenset[str]
    changed: dict[str, str] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()

    @property
    def outdated(self) -> frozenset[str]:
        """What has to be rebuilt before it can be read."""
        return self.missing.union(self.changed)


def versions(
    db: Connection,
    projections: Iterable[Projection[Any]],
    schema: str = SCHEMA,
) -> Versions:
    """
    Compare what is there with what this program has.

    Raises TablesAreNewer for a table of a later version than this program's.
    """
    stored = {one.name: Stored(schema, one) for one in projections}
    there = _there(db, schema)
    newer = [
        f"{name} is at version {there[name][0]}, this program knows {one.projection.version}"
        for name, one in stored.items()
        if name in there and there[name][0] > one.projection.version
    ]
    if newer:
        raise TablesAreNewer(NEWER.format("; ".join(newer)))
    changed = {
        name: _differs(there[name], one)
        for name, one in stored.items()
        if name in there and there[name] != (one.projection.version, one.shape)
    }
    return Versions(
        current=frozenset(name for name in stored if name in there and name not in changed),
        changed=changed,
        missing=frozenset(name for name in stored if name not in there),
        others=frozenset(name for name in there if name not in stored),
    )


def known(found: Versions, retired: Iterable[str]) -> None:
    """Raise TablesAreNewer where a table is of no projection that there is or ever was."""
    if unknown := sorted(found.others.difference(retired)):
        told = f"this program does not know {', '.join(unknown)}"
        raise TablesAreNewer(NEWER.format(told))


def rebuilding(db: Connection, schema: str = SCHEMA) -> Progress | None:
    """The rebuild that goes on at this moment, whoever does it; None if there is none."""
    if not _exists(db, f"{schema}.rebuilding"):
        return None
    query = (
        f'select projection, position, goal from "{schema}".rebuilding where exists'
        " (select from pg_locks where locktype = 'advisory' and objsubid = 1 and"
        " (classid::bigint << 32) | objid::bigint = hashtextextended(%s, 0) and"
        " database = (select oid from pg_database where datname = current_database()))"
        " order by projection"
    )
    rows = db.execute(query.encode(), (LOCK.format(schema=schema),)).fetchall()
    if not rows:
        return None
    return Progress(tuple(name for name, _, _ in rows), rows[0][1], rows[0][2])


def _there(db: Connection, schema: str) -> dict[str, tuple[int, str]]:
    if not _exists(db, f"{schema}.progress"):
        return {}
    query = f'select projection, version, shape from "{schema}".progress'
    return {name: (version, shape) for name, version, shape in db.execute(query.encode())}


def _exists(db: Connection, table: str) -> bool:
    return db.execute("select to_regclass(%s)", (table,)).fetchone() != (None,)


def _differs(there: tuple[int, str], asked: Stored) -> str:
    version, shape = there
    told = f"version {version}, asked is {asked.projection.version}"
    return told if shape == asked.shape else f"{told} with other columns"
