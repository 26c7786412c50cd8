"""
The audit: every fact is hashed again and compared with what was signed.

Where the notary's folder has the hash of each fact, a difference is located to the fact;
without it, to the facts between two checkpoints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Self, TypeAlias, cast

import psycopg

from replay.merkle.frontier import Frontier
from replay.merkle.leaves import leaves
from replay.proofs.checkpoints import CHECKPOINTS, HASH, HEAD, LEAVES, VERIFIER, kept_in
from replay.proofs.notes import Checkpoint, Forged, Verifier

Progress: TypeAlias = Callable[[int, int], None]  # facts looked at, facts there are

NOTES = "SELECT size, note FROM history.checkpoints ORDER BY size"
AT_GOES_BACK = (
    "SELECT notification_id FROM (SELECT notification_id, at, lag(at) OVER (ORDER BY"
    " notification_id) AS before FROM history.events) AS e WHERE at < before LIMIT 1"
)
SHOWN = 20  # findings of one kind that are told apart


@dataclass(slots=True)
class Audit:
    """What was found: so many facts, their root, the checkpoints that fit, what is wrong."""

    facts: int = 0
    root: bytes = b""
    checkpoints: int = 0
    findings: list[str] = field(default_factory=list)
    located: list[int] = field(default_factory=list)  # the positions that are not as they were

    @property
    def whole(self) -> bool:
        """Whether nothing was found wrong."""
        return not self.findings

    def changed(self, position: int, how: str) -> None:
        """A fact is not as it was."""
        self.located.append(position)
        if len(self.located) <= SHOWN:
            self.findings.append(f"position {position} {how}")


def audit(
    database_url: str,
    folder: Path | None = None,
    *,
    verifier: Verifier | None = None,
    progress: Progress = lambda *_: None,
) -> Audit:
    """
    Compare all of history with what was signed: with the folder of the notary, or a copy of it.

    Without a folder the checkpoints in the database itself are used, with the verifier given;
    who can write to both can then hide a change of what is newer than the last copy they know.
    """
    found = Audit()
    if folder is not None and verifier is None:
        verifier = Verifier.parse((folder / VERIFIER).read_text())
    with psycopg.connect(database_url) as connection:
        # One snapshot: what is recorded meanwhile is not looked at.
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        log, head, frontier = cast(
            "tuple[str, int, list[bytes]]", connection.execute(HEAD).fetchone()
        )
        signed = _signed(connection, folder, verifier, log, found)
        tree = _walk(connection, folder, signed, head, found, progress)
        found.facts, found.root = tree.size, tree.root
        _look_round(connection, tree, head, frontier, signed, found)
    if not found.findings and len(found.located) > SHOWN:
        found.findings.append(f"{len(found.located)} facts are not as they were")
    return found


def _signed(
    connection: psycopg.Connection[Any],
    folder: Path | None,
    verifier: Verifier | None,
    log: str,
    found: Audit,
) -> dict[int, Checkpoint]:
    """The checkpoints by size; those of the folder and of the database must say the same."""
    signed: dict[int, Checkpoint] = {}
    if verifier is None:
        return signed
    if folder is not None and (folder / CHECKPOINTS).exists():
        signed = {each.checkpoint.size: each.checkpoint for each in kept_in(folder, verifier)}
    for size, note in connection.execute(NOTES):
        try:
            opened = verifier.opened(note)
        except Forged as wrong:
            found.findings.append(f"checkpoint {size} in the database: {wrong}")
            continue
        if signed.setdefault(opened.size, opened) != opened or opened.size != size:
            found.findings.append(f"two checkpoints of size {size} differ: history was forked")
    if any(each.log != f"wattledger/{log}" for each in signed.values()):
        found.findings.append("the checkpoints are of another history")
    return signed


def _walk(
    connection: psycopg.Connection[Any],
    folder: Path | None,
    signed: dict[int, Checkpoint],
    head: int,
    found: Audit,
    progress: Progress,
) -> Frontier:
    """Grow the tree over every fact, and stop at each checkpoint to compare."""
    tree = Frontier()
    stops = sorted(size for size in signed if size <= head)
    fits = True
    with _Noted(folder) as noted:
        for page in _hashed(connection, head):
            at = 0
            hashes = _compared(page, tree.size, noted, found)
            while at < len(page):
                stop = stops[0] if stops else head + 1
                some = hashes[at : at + stop - tree.size]
                tree.add_hashed(some)
                at += len(some)
                if tree.size == stop:
                    fits = _compare(tree, signed[stops.pop(0)], fits, found)
            progress(tree.size, head)
    return tree


def _compare(tree: Frontier, checkpoint: Checkpoint, fits: bool, found: Audit) -> bool:
    if tree.root == checkpoint.root:
        found.checkpoints += 1
        return True
    if fits:  # those after the first that does not fit cannot fit either
        found.findings.append(f"the facts up to {tree.size} are not those that were signed")
    return False


def _hashed(connection: psycopg.Connection[Any], head: int) -> Iterator[list[bytes | None]]:
    """The hash of every fact in order, None where there is none."""
    position = 0
    for page in leaves(connection, 0, head):
        if page[-1][0] == position + len(page):
            yield [sha256(b"\x00" + leaf).digest() for _, leaf in page]
        else:
            there = dict(page)
            span = range(position + 1, page[-1][0] + 1)
            yield [sha256(b"\x00" + there[n]).digest() if n in there else None for n in span]
        position = page[-1][0]
    if position < head:
        yield [None] * (head - position)


class _Noted:
    """The hashes that the notary wrote down, if we have them."""

    def __init__(self, folder: Path | None) -> None:
        there = folder is not None and (folder / LEAVES).exists()
        self._file = (folder / LEAVES).open("rb") if folder is not None and there else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def next(self, n: int) -> bytes:
        """The next n, one after the other; fewer at the end."""
        return b"" if self._file is None else self._file.read(n * HASH)


def _compared(page: list[bytes | None], size: int, noted: _Noted, found: Audit) -> list[bytes]:
    """The hashes of a page; what differs from what the notary wrote down is told."""
    written = noted.next(len(page))
    if written == b"".join(each or b"" for each in page):
        return cast("list[bytes]", page)
    hashes = []
    for n, each in enumerate(page):
        was = written[n * HASH : (n + 1) * HASH]
        if each is None:
            found.changed(size + n + 1, "is missing")
        elif was and was != each:
            found.changed(size + n + 1, "is not what was recorded")
        hashes.append(each or was or bytes(HASH))
    return hashes


def _look_round(
    connection: psycopg.Connection[Any],
    tree: Frontier,
    head: int,
    frontier: list[bytes],
    signed: dict[int, Checkpoint],
    found: Audit,
) -> None:
    """What else must agree: the head, its frontier, the order in time, what was signed."""
    newest = max(signed, default=0)
    if newest > head:
        found.findings.append(
            f"{newest} facts were signed and {head} are there: this is an old copy or a part"
        )
    if tree.peaks != frontier:
        found.findings.append("the facts do not give the root that the database has")
    count = connection.execute("SELECT count(*), max(notification_id) FROM history.events")
    n, last = cast("tuple[int, int | None]", count.fetchone())
    if (last or 0) > head or n != head:
        found.findings.append(f"there are {n} facts up to {last}, and the head says {head}")
    back = connection.execute(AT_GOES_BACK).fetchone()
    if back is not None:
        found.findings.append(f"at position {back[0]} time goes back")
