"""
The files of an archive: JSON lines, each with a check of its own, in gzip, never changed again.

A line is one JSON object whose last member, `crc`, is the CRC-32 (IEEE) of all bytes of the
line before `,"crc":`, as eight hex digits.  docs/archive.md is the whole format.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import orjson

from replay.store.mapper import Row

FACTS: Final = "facts"
COMMANDS: Final = "commands"
LEVEL = 3  # of gzip: beyond it a file gets hardly smaller, and takes twice as long
TAIL = len(',"crc":"00000000"}')
OPENED = 1 << 20  # bytes read at a time

Content: TypeAlias = Literal["facts", "commands"]


class ArchiveTrouble(Exception):
    """An archive cannot be written, read or restored; the message says why."""


class ArchiveBroken(ArchiveTrouble):
    """An archive is not what was sealed; says which file, which line and which position."""

    def __init__(
        self, reason: str, file: str, line: int | None = None, position: int | None = None
    ) -> None:
        place = file
        if line is not None:
            place += f", line {line}"
        if position is not None:
            place += f", position {position}"
        super().__init__(f"{place}: {reason}")
        self.reason, self.file, self.line, self.position = reason, file, line, position


@dataclass(frozen=True, slots=True)
class Chunk:
    """One file, whole: what is in it, how many lines, its SHA-256 (of the file as it lies)."""

    file: str
    content: Content
    first: int  # position of its first line; of commands: number of the first, from 1
    count: int
    sha256: str

    @property
    def last(self) -> int:
        """Position of its last line."""
        return self.first + self.count - 1


def fact_line(row: Row) -> bytes:
    """A stored fact as one line, without the newline.  Its state stands in it as a text."""
    stream, version, name, state, position, at = row
    said: dict[str, Any] = {
        "position": position,
        "stream": stream,
        "version": version,
        "name": name,
        "at": at,
    }
    try:
        said["state"] = state.decode()
    except UnicodeDecodeError:
        said["hex"] = state.hex()
    return line_of(said)


def line_of(said: dict[str, Any]) -> bytes:
    """An object as one line with its check, without the newline."""
    body = orjson.dumps(said, option=orjson.OPT_UTC_Z)[:-1]
    return b'%b,"crc":"%08x"}' % (body, zlib.crc32(body))


def fact_of(said: dict[str, Any]) -> Row:
    """The stored fact of a line.  Raises KeyError, TypeError, ValueError."""
    state = bytes.fromhex(said["hex"]) if "hex" in said else said["state"].encode()
    at = datetime.fromisoformat(said["at"])
    return said["stream"], said["version"], said["name"], state, said["position"], at


def write(folder: Path, file: str, content: Content, first: int, lines: list[bytes]) -> Chunk:
    """Write a file that is there whole or not at all, whatever dies."""
    told = b"\n".join(lines) + b"\n"
    packed = gzip.compress(told, LEVEL, mtime=0)
    place(folder / file, packed)
    return Chunk(file, content, first, len(lines), hashlib.sha256(packed).hexdigest())


def place(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Put a file in its place with one rename, once all of it is on the disk."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sealed(folder: Path, chunk: Chunk) -> None:
    """Raise ArchiveBroken unless a file is as it was sealed; with the line, if one is wrong."""
    found = hashlib.sha256()
    try:
        with (folder / chunk.file).open("rb") as file:
            while piece := file.read(OPENED):
                found.update(piece)
    except FileNotFoundError as wrong:
        first = chunk.first if chunk.content == FACTS else None
        raise ArchiveBroken("the file is missing", chunk.file, None, first) from wrong
    if found.hexdigest() == chunk.sha256:
        return
    for _ in objects(folder, chunk):
        pass  # raises at the line that is wrong, if a line is
    raise ArchiveBroken("it is not the file that was sealed: its SHA-256 differs", chunk.file)


def objects(folder: Path, chunk: Chunk) -> Iterator[tuple[int, dict[str, Any]]]:
    """The number and the object of every line, each checked.  Raises ArchiveBroken."""
    number = 0

    def broken(reason: str) -> ArchiveBroken:
        at = chunk.first + number if chunk.content == FACTS else None
        return ArchiveBroken(reason, chunk.file, number + 1, at)

    try:
        with gzip.open(folder / chunk.file) as file:
            for line in file:
                if number == chunk.count:
                    raise broken(f"it has more than its {chunk.count} lines")
                said = _checked(line)
                if said is None:
                    raise broken("the line is not what was written: its check differs")
                if chunk.content == FACTS and said.get("position") != chunk.first + number:
                    raise broken(f"here stands position {said.get('position')}")
                number += 1
                yield number, said
    except FileNotFoundError as wrong:
        raise broken("the file is missing") from wrong
    except (EOFError, OSError, zlib.error) as wrong:
        raise broken(f"it cannot be unpacked: {wrong}") from wrong
    if number < chunk.count:
        raise broken(f"it ends after {number} of {chunk.count} lines")


def _checked(line: bytes) -> dict[str, Any] | None:
    line = line.rstrip(b"\n")
    body, tail = line[:-TAIL], line[-TAIL:]
    if tail != b',"crc":"%08x"}' % zlib.crc32(body):
        return None
    try:
        said = orjson.loads(line)
    except ValueError:
        return None
    return said if isinstance(said, dict) else None


def rows(folder: Path, chunk: Chunk) -> Iterator[tuple[int, Row]]:
    """The facts of a file, in order, with the number of their line.  Raises ArchiveBroken."""
    for number, said in objects(folder, chunk):
        try:
            row = fact_of(said)
        except (KeyError, TypeError, ValueError, AttributeError) as wrong:
            at = chunk.first + number - 1
            raise ArchiveBroken(f"it is no fact: {wrong}", chunk.file, number, at) from wrong
        yield number, row


def counted(chunks: Iterable[Chunk]) -> int:
    """How many lines there are in files."""
    return sum(chunk.count for chunk in chunks)
