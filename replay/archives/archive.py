"""
The archive: history as a sealed set of files that need no database and no program of ours.

    export(history, folder)     writes it, or goes on where a run before was cut off
    check(folder)               reads it all and says what it holds
    replay.archives.restore.restore      makes an empty database of it

`manifest.json` is written last and names every other file with its SHA-256: a folder without
one is not an archive yet.  docs/archive.md is the whole format.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias, cast

import orjson
import psycopg

from replay.archives.chunks import (
    COMMANDS,
    FACTS,
    ArchiveBroken,
    ArchiveTrouble,
    Chunk,
    counted,
    fact_line,
    line_of,
    objects,
    place,
    rows,
    sealed,
    write,
)
from replay.merkle.frontier import Frontier
from replay.proofs.tree import Tree
from replay.store.history import History, HistoryBroken
from replay.store.mapper import Row
from replay.store.sealing import personal_names

Connection: TypeAlias = psycopg.Connection[Any]
Progress: TypeAlias = Callable[[str, int, int], None]
"""Told as it goes: what is being done, how many are done, how many there are."""

FORMAT = "wattledger-archive/1"
MANIFEST = "manifest.json"
PARTIAL = "manifest.part.json"  # of a run that is not done: what stands already
LINES_MOST = 100_000  # in one file
PAGE = 10_000  # rows read at a time

LOG = "SELECT log, position, frontier FROM history.head"
CHECKPOINT = (
    "SELECT size, root, note FROM history.checkpoints WHERE size <= %s"
    " ORDER BY size DESC LIMIT 1"
)
# Of what was asked about a person no digest leaves the database: a name could be guessed by it.
OUTCOMES = (
    "SELECT by, key, CASE WHEN EXISTS (SELECT FROM history.events AS e WHERE"
    " e.notification_id BETWEEN c.first AND c.last AND e.topic = ANY (%s))"
    " THEN ''::bytea ELSE digest END, cause, first, last"
    " FROM history.commands AS c WHERE last <= %s ORDER BY by, key"
)


class ArchiveBusy(ArchiveTrouble):
    """Another process is writing into this folder."""


class NotThisHistory(ArchiveTrouble):
    """The folder holds the archive of another history, or of more of it than is asked for."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive holds: positions 1 to `last` of a utility, in which files."""

    utility: str
    last: int
    files: tuple[Chunk, ...]
    log: str  # the id of the log, which its checkpoints name
    root: str | None  # of the Merkle tree over all its facts, in hex
    checkpoint: dict[str, Any] | None  # the newest signed one that it covers
    format: str = FORMAT

    @property
    def facts(self) -> tuple[Chunk, ...]:
        """The files of facts, in order."""
        return tuple(chunk for chunk in self.files if chunk.content == FACTS)

    @property
    def commands(self) -> tuple[Chunk, ...]:
        """The files of what each Idempotency-Key led to."""
        return tuple(chunk for chunk in self.files if chunk.content == COMMANDS)


def export(
    history: History,
    folder: Path,
    *,
    utility: str = "",
    until: int | None = None,
    progress: Progress = lambda *_: None,
    lines_most: int = LINES_MOST,
) -> Manifest:
    """
    Write history up to a position (its head, if none is given) into a folder, and seal it.

    Files that a run before has finished stay, once each line of them has been read again.
    `utility` is the name that the manifest gives.  The same history gives the same bytes.
    Raises ArchiveBusy, ArchiveBroken for a file that was changed since, NotThisHistory,
    HistoryBroken when the facts do not lead to the root that history has for them, ValueError
    for a position not reached.
    """
    head = history.head()
    last = head if until is None else until
    if not 0 <= last <= head:
        raise ValueError(f"history has come to position {head}, not to {last}")
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder), psycopg.connect(history.recorder.url) as connection:
        manifest = Manifest(utility, last, (), *_log(connection, last))
        export = _Export(history, folder, manifest, lines_most, progress)
        export.take_up()
        export.facts()
        export.commands(connection)
        return export.seal()


def check(folder: Path, progress: Progress = lambda *_: None) -> Manifest:
    """Read every line of an archive.  Raises ArchiveBroken with the place of what is wrong."""
    manifest = manifest_of(folder)
    done, every = 0, counted(manifest.files)
    tree = Tree(manifest.checkpoint)
    for chunk in manifest.files:
        sealed(folder, chunk)
        if chunk.content == FACTS:
            for _, row in rows(folder, chunk):
                tree.take(row)
        else:
            for _ in objects(folder, chunk):
                pass
        done += chunk.count
        progress("lines checked", done, every)
    agree(manifest, tree)
    return manifest


def agree(manifest: Manifest, tree: Tree) -> None:
    """Raise ArchiveBroken unless its facts lead to the roots that a manifest has for them."""
    if tree.root.hex() != manifest.root:
        raise ArchiveBroken("the facts do not lead to its root", MANIFEST)
    if not tree.meets():
        raise ArchiveBroken("the facts do not lead to the root of its checkpoint", MANIFEST)


def manifest_of(folder: Path, name: str = MANIFEST) -> Manifest:
    """The manifest of a folder; its files are not looked at yet.  Raises ArchiveBroken."""
    try:
        said = orjson.loads((folder / name).read_bytes())
        seal = said.pop("seal")
        if said["format"] != FORMAT:
            raise ArchiveBroken(f"its format is {said['format']!r}, not {FORMAT!r}", name)
        files = tuple(Chunk(**each) for each in said.pop("files"))
        manifest = Manifest(**said, files=files)
    except FileNotFoundError as wrong:
        reason = f"{folder} is no archive, or its export was never finished"
        raise ArchiveBroken(reason, name) from wrong
    except (ValueError, KeyError, TypeError, AttributeError) as wrong:
        raise ArchiveBroken(f"it cannot be read: {wrong}", name) from wrong
    if seal != _seal(manifest):
        raise ArchiveBroken("it is not what was sealed: its seal differs", name)
    _in_order(manifest, name)
    return manifest


def _in_order(manifest: Manifest, name: str) -> None:
    """Raise ArchiveBroken unless the files hold every position once, in order."""
    for chunks, last in ((manifest.facts, manifest.last), (manifest.commands, None)):
        at = 1
        for chunk in chunks:
            if Path(chunk.file).name != chunk.file or chunk.first != at or chunk.count < 1:
                raise ArchiveBroken(f"{chunk.file} is out of order", name, None, at)
            at += chunk.count
        if last is not None and name == MANIFEST and at != last + 1:
            raise ArchiveBroken(f"its files end before position {last}", name, None, at)


def _told(manifest: Manifest) -> bytes:
    said = {**asdict(manifest), "seal": _seal(manifest)}
    return orjson.dumps(said, option=orjson.OPT_INDENT_2) + b"\n"


def _seal(manifest: Manifest) -> str:
    """SHA-256 over the manifest's other members, keys sorted, without spaces."""
    plain = orjson.dumps(asdict(manifest), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(plain).hexdigest()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as wrong:
        raise ArchiveBusy(f"another process is writing into {folder}") from wrong
    finally:
        os.close(descriptor)


def _ours(name: str) -> bool:
    return name.startswith((f"{FACTS}-", f"{COMMANDS}-", MANIFEST, PARTIAL))


def _log(connection: Connection, last: int) -> tuple[str, str | None, dict[str, Any] | None]:
    """The id of the log, its root at a position if it is the head, its newest checkpoint."""
    head = connection.execute(LOG).fetchone()
    assert head is not None
    log, position, frontier = head
    root = Frontier(position, frontier).root.hex() if position == last else None
    checkpoint = connection.execute(CHECKPOINT, (last,)).fetchone()
    if checkpoint is None:
        return str(log), root, None
    size, hashed, note = checkpoint
    return str(log), root, {"size": size, "root": hashed.hex(), "note": note}


class _Export:
    """One export under way: the files that stand, and the tree over the facts in them."""

    def __init__(
        self,
        history: History,
        folder: Path,
        manifest: Manifest,
        lines_most: int,
        progress: Progress,
    ) -> None:
        self.history, self.folder, self.manifest = history, folder, manifest
        self.lines_most, self.progress = lines_most, progress
        self.chunks: list[Chunk] = []
        self.tree = Tree(manifest.checkpoint)

    def take_up(self) -> None:
        """Take up the files of facts that stand, if they are whole and of this very history."""
        last, folder = self.manifest.last, self.folder
        known: list[Chunk] = []
        for name in (MANIFEST, PARTIAL):
            if (folder / name).exists():
                known = max(known, list(manifest_of(folder, name).facts), key=counted)
        foreign = {path.name for path in folder.iterdir() if not _ours(path.name)}
        if not known and foreign:
            raise NotThisHistory(f"{folder} holds {min(foreign)!r}: choose an empty folder")
        if counted(known) > last:
            raise NotThisHistory(f"{folder} holds more: positions 1 to {counted(known)}")
        for chunk in known:
            self._take_up(chunk)
            self.progress("facts checked", chunk.last, last)

    def _take_up(self, chunk: Chunk) -> None:
        sealed(self.folder, chunk)
        newest: Row | None = None
        for _, row in rows(self.folder, chunk):
            self.tree.take(row)
            newest = row
        page = next(self.history.rows(chunk.last - 1, until=chunk.last), [])
        if page != [newest]:
            reason = f"{chunk.file} ends with another fact"
            raise NotThisHistory(f"{self.folder} holds another history: {reason}")
        self.chunks.append(chunk)

    def facts(self) -> None:
        """Write the facts that are not in a file yet.  Raises HistoryBroken."""
        position, last = counted(self.chunks), self.manifest.last
        lines: list[bytes] = []
        batch = min(PAGE, self.lines_most)
        for page in self.history.rows(position, until=last, batch=batch):
            for row in page:
                lines.append(fact_line(row))
                self.tree.take(row)
                if len(lines) == self.lines_most or row[4] == last:
                    self._write_facts(lines)
                    lines = []
        if (done := counted(self.chunks)) != last:
            raise HistoryBroken(f"position {done + 1} is missing")
        if self.manifest.root not in (None, self.tree.root.hex()):
            raise HistoryBroken("the facts do not lead to the root that history has for them")
        if not self.tree.meets():
            raise HistoryBroken("the facts do not lead to the root of the newest checkpoint")

    def _write_facts(self, lines: list[bytes]) -> None:
        first = counted(self.chunks) + 1
        file = f"{FACTS}-{first:012}.jsonl.gz"
        self.chunks.append(write(self.folder, file, FACTS, first, lines))
        place(self.folder / PARTIAL, _told(replace(self.manifest, files=tuple(self.chunks))))
        self.progress("facts written", self.chunks[-1].last, self.manifest.last)

    def commands(self, connection: Connection) -> None:
        """Write what each key led to, in order of whose it is."""
        last, first = self.manifest.last, 1
        with connection.cursor("outcomes", binary=True) as cursor:
            cursor.itersize = PAGE
            cursor.execute(OUTCOMES, (personal_names(), last))
            while some := cursor.fetchmany(self.lines_most):
                file = f"{COMMANDS}-{last:012}-{first:012}.jsonl.gz"
                lines = [line_of(_outcome(row)) for row in some]
                self.chunks.append(write(self.folder, file, COMMANDS, first, lines))
                first += len(some)
                self.progress("commands written", first - 1, first - 1)

    def seal(self) -> Manifest:
        """Write the manifest, then take away what it does not name."""
        files, root = tuple(self.chunks), self.tree.root.hex()
        manifest = replace(self.manifest, files=files, root=root)
        place(self.folder / MANIFEST, _told(manifest))
        named = {chunk.file for chunk in files} | {MANIFEST}
        for path in self.folder.iterdir():
            if path.name not in named and _ours(path.name):
                path.unlink()
        return manifest


def _outcome(row: tuple[Any, ...]) -> dict[str, Any]:
    by, key, digest, cause, first, last = row
    said = {"by": by, "key": key, "digest": digest.hex(), "cause": cause}
    return {**said, "first": first, "last": last}


def command_of(said: dict[str, Any]) -> tuple[str, str, bytes, str, int, int]:
    """The row of a line of commands.  Raises KeyError, TypeError, ValueError."""
    digest = bytes.fromhex(said["digest"])
    row = said["by"], said["key"], digest, said["cause"], said["first"], said["last"]
    return cast("tuple[str, str, bytes, str, int, int]", row)
