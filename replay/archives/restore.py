"""
Restore: an archive put into an empty database, all of it or nothing.

Every file is compared with its seal before the first row is loaded, and every line is checked
again while it is; what is wrong is told with its place, and then nothing has been done.  The
positions, versions, moments and bytes are those of the archive, so that tables folded from them
are the same to the last digit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from replay.archives.archive import Manifest, Progress, agree, command_of, manifest_of
from replay.archives.chunks import (
    FACTS,
    ArchiveBroken,
    ArchiveTrouble,
    Chunk,
    counted,
    objects,
    rows,
    sealed,
)
from replay.archives.keys import load
from replay.proofs.tree import Tree
from replay.store.keys import destroy, keyless
from replay.store.mapper import Row
from replay.store.migrations import migrate
from replay.store.sealing import MARK

BLOCK = 2_000  # lines handed to COPY at a time

ALONE = "SELECT pg_advisory_xact_lock(hashtextextended('wattledger history', 0))"
EMPTY = (
    "SELECT position = 0 AND NOT EXISTS (SELECT FROM history.events)"
    " AND NOT EXISTS (SELECT FROM history.commands) FROM history.head"
)
EVENTS = (
    "COPY history.events"
    " (originator_id, originator_version, topic, state, notification_id, at) FROM STDIN"
)
COPIED = re.compile(r"COPY \w+, line ([0-9]+)")  # how Postgres says which line it means
KEYS = "COPY history.commands (by, key, digest, cause, first, last) FROM STDIN"
HEAD = "UPDATE history.head SET position = %s, at = %s, frontier = %s"
NODES = "COPY history.nodes (level, index, hash) FROM STDIN"
CHECKPOINT = (
    "INSERT INTO history.checkpoints (size, root, frontier, note) VALUES (%s, %s, %s, %s)"
)
BROKEN_STREAM = (
    "SELECT originator_id, min(notification_id) FROM history.events GROUP BY originator_id"
    " HAVING max(originator_version) - min(originator_version) + 1 <> count(*) LIMIT 1"
)


class NotEmpty(ArchiveTrouble):
    """The database holds a history already; an archive is restored into an empty one."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put into a database."""

    manifest: Manifest
    facts: int
    commands: int


class KeysMissing(ArchiveTrouble):
    """What is personal in this archive cannot be read without the keys that belong to it."""


def restore(
    folder: Path,
    database_url: str,
    *,
    keys: Path | None = None,
    without_keys: bool = False,
    progress: Progress = lambda *_: None,
) -> Restored:
    """
    Put an archive into an empty database, in one transaction, with the keys of persons.

    A key of somebody who is erased in the archive is not taken.  Where a key is missing that is
    needed, KeysMissing is raised, unless it is asked for `without_keys`: who has none is erased
    then.  Raises ArchiveBroken with the place, NotEmpty; nothing is in the database then.
    Tables follow from history afterwards, as they always do.
    """
    manifest = manifest_of(folder)
    for done, chunk in enumerate(manifest.files, 1):
        sealed(folder, chunk)
        progress("files compared with their seals", done, len(manifest.files))
    migrate(database_url)
    with psycopg.connect(database_url, options="-c timezone=UTC") as connection:
        _hold(connection)
        loading = _Loading(folder, manifest, connection, progress)
        if keys is not None:
            load(connection, keys)
        for chunk in manifest.facts:
            loading.facts(chunk)
        for chunk in manifest.commands:
            loading.commands(chunk)
        loading.finish(without_keys=without_keys)
    return Restored(manifest, counted(manifest.facts), counted(manifest.commands))


def _hold(connection: psycopg.Connection[Any]) -> None:
    """Keep every other writer out.  Raises NotEmpty."""
    connection.execute(ALONE)
    found = connection.execute(EMPTY).fetchone()
    if not found or not found[0]:
        raise NotEmpty(NotEmpty.__doc__)


class _Loading:
    """One restore under way."""

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        connection: psycopg.Connection[Any],
        progress: Progress,
    ) -> None:
        self.folder, self.manifest, self.connection = folder, manifest, connection
        self.progress, self.done, self.every = progress, 0, counted(manifest.files)
        self.at: datetime | None = None  # of the newest fact
        self.persons: set[str] = set()  # about whom something is sealed
        self.tree = Tree(manifest.checkpoint, nodes=True)

    def facts(self, chunk: Chunk) -> None:
        """Load a file of facts.  Raises ArchiveBroken."""
        number = 0
        try:
            with self.connection.cursor() as cursor, cursor.copy(EVENTS) as copy:
                block: list[str] = []
                for number, row in rows(self.folder, chunk):
                    if self.at is not None and row[5] < self.at:
                        raise _wrong(chunk, number, "it was recorded before the one before it")
                    self.at = row[5]
                    self.tree.take(row)
                    if MARK in row[3]:
                        self.persons.add(row[0])
                    block.append(_copied(row))
                    if len(block) == BLOCK:
                        copy.write("".join(block))
                        block.clear()
                copy.write("".join(block))
        except psycopg.Error as wrong:
            raise _refused(chunk, wrong) from wrong
        self._tell(chunk)

    def commands(self, chunk: Chunk) -> None:
        """Load a file of what keys led to.  Raises ArchiveBroken."""
        try:
            with self.connection.cursor() as cursor, cursor.copy(KEYS) as copy:
                for row in _commands(self.folder, chunk):
                    copy.write_row(row)
        except psycopg.Error as wrong:
            raise _refused(chunk, wrong) from wrong
        self._tell(chunk)

    def finish(self, *, without_keys: bool) -> None:
        """Set the head of history and its tree.  Raises ArchiveBroken, KeysMissing."""
        agree(self.manifest, self.tree)
        if missing := keyless(self.connection, self.persons):
            if not without_keys:
                raise KeysMissing(f"no key for {len(missing)} persons, such as {missing[0]}")
            destroy(self.connection, missing)
        found = self.connection.execute(BROKEN_STREAM).fetchone()
        if found:
            reason = f"{found[0]} has a version that is missing"
            raise ArchiveBroken(reason, _file_of(self.manifest, found[1]), None, found[1])
        self.connection.execute("UPDATE history.head SET log = %s", (self.manifest.log,))
        if self.manifest.last:
            self.connection.execute(HEAD, (self.manifest.last, self.at, self.tree.peaks))
        with self.connection.cursor() as cursor, cursor.copy(NODES) as copy:
            for node in self.tree.nodes:
                copy.write_row(node)
        if (checkpoint := self.manifest.checkpoint) is not None:
            row = checkpoint["size"], self.tree.root_then, self.tree.peaks_then
            self.connection.execute(CHECKPOINT, (*row, checkpoint["note"]))

    def _tell(self, chunk: Chunk) -> None:
        self.done += chunk.count
        self.progress("lines loaded", self.done, self.every)


def _wrong(chunk: Chunk, number: int, reason: str) -> ArchiveBroken:
    position = chunk.first + number - 1 if chunk.content == FACTS else None
    return ArchiveBroken(reason, chunk.file, number, position)


def _refused(chunk: Chunk, wrong: psycopg.Error) -> ArchiveBroken | psycopg.Error:
    """What the database says of the data is said of the archive; the rest stays what it is."""
    if not isinstance(wrong, psycopg.DataError | psycopg.IntegrityError):
        return wrong
    said = wrong.diag
    reason = " ".join(filter(None, (said.message_primary, said.message_detail)))
    line = COPIED.search(said.context or "")
    if line is None:
        return ArchiveBroken(f"the database refuses it: {reason}", chunk.file)
    return _wrong(chunk, int(line[1]), f"the database refuses it: {reason}")


def _file_of(manifest: Manifest, position: int) -> str:
    return next(c.file for c in manifest.facts if c.first <= position <= c.last)


def _copied(row: Row) -> str:
    """A fact as one line of COPY's text format."""
    stream, version, name, state, position, at = row
    return (
        f"{_escaped(stream)}\t{version:d}\t{_escaped(name)}\t\\\\x{state.hex()}\t{position:d}"
        f"\t{at.isoformat()}\n"
    )


def _escaped(text: str) -> str:
    if text.isprintable() and "\\" not in text:
        return text
    for plain, told in (("\\", "\\\\"), ("\n", "\\n"), ("\t", "\\t"), ("\r", "\\r")):
        text = text.replace(plain, told)
    return text


def _commands(folder: Path, chunk: Chunk) -> Iterator[tuple[Any, ...]]:
    for number, said in objects(folder, chunk):
        try:
            yield command_of(said)
        except (KeyError, TypeError, ValueError) as wrong:
            raise _wrong(chunk, number, f"it is no outcome of a command: {wrong}") from wrong
