"""
The notary: reads each fact once, grows a tree of its own, and signs checkpoints of it.

It does not sign what the database says the root is, but what the facts give; if the two differ,
history was changed behind our back, and it stops and says between which positions.

What it writes is kept twice: in `history.checkpoints`, and in a folder that ought to be copied
to where the keepers of the database cannot write:

    verifier.txt        the name and public key, for whoever checks
    checkpoints.jsonl   a line for each checkpoint: size, root, frontier, note
    leaves.bin          the hash of every fact, 32 bytes each, in order

The folder holds nothing of what the facts say.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Event
from typing import Any, cast

import orjson
import psycopg

from replay.merkle.frontier import Frontier
from replay.merkle.leaves import leaves
from replay.proofs.notes import Checkpoint, Signer, Verifier
from replay.store.append import HistoryBroken
from replay.store.history import History

EVERY = 10_000  # facts after which there is a checkpoint
SECONDS = 60.0  # in which there is one if anything was recorded
LOOK = 1.0  # seconds at most between two looks at whether to stop
HASH = 32

KEY, VERIFIER, CHECKPOINTS, LEAVES = (
    "signing-key.pem", "verifier.txt", "checkpoints.jsonl", "leaves.bin",
)  # fmt: skip

HEAD = "SELECT log::text, position, frontier FROM history.head"
LOCK = "SELECT pg_try_advisory_lock(hashtextextended('wattledger notary', 0))"
KEEP = (
    "INSERT INTO history.checkpoints (size, root, frontier, note) VALUES (%s, %s, %s, %s)"
    " ON CONFLICT (size) DO NOTHING"
)


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint as it is kept: with the frontier it was signed at, to go on from."""

    checkpoint: Checkpoint
    frontier: tuple[bytes, ...]
    note: str

    @property
    def line(self) -> bytes:
        """As a line of the folder's file."""
        return orjson.dumps(
            {
                "size": self.checkpoint.size,
                "root": self.checkpoint.root.hex(),
                "frontier": [peak.hex() for peak in self.frontier],
                "note": self.note,
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )


def kept_in(folder: Path, verifier: Verifier) -> list[Signed]:
    """The checkpoints of a folder, in order.  Raises Forged, or HistoryBroken for bad ones."""
    file = folder / CHECKPOINTS
    found: list[Signed] = []
    for line in file.read_bytes().splitlines() if file.exists() else ():
        kept = orjson.loads(line)
        checkpoint = verifier.opened(kept["note"])
        frontier = tuple(bytes.fromhex(peak) for peak in kept["frontier"])
        if Frontier(checkpoint.size, frontier).root != checkpoint.root:
            raise HistoryBroken(f"{file} does not fit what was signed at {checkpoint.size}")
        found.append(Signed(checkpoint, frontier, kept["note"]))
    return found


class Notary:
    """Signs checkpoints of one history into one folder.  One at a time; the rest stand by."""

    def __init__(
        self,
        history: History,
        database_url: str,
        folder: Path,
        *,
        every: int = EVERY,
        seconds: float = SECONDS,
    ) -> None:
        self._history, self._url, self._folder = history, database_url, folder
        self._every, self._seconds = every, seconds
        self._signer: Signer | None = None
        self._tree = Frontier()
        self._ends = -1  # of the folder's checkpoints in bytes, as this one left them

    def run(self, stop: Event) -> None:
        """Sign by count and by time until told to stop.  Raises HistoryBroken."""
        signed = time.monotonic()
        while not stop.is_set():
            left = max(signed + self._seconds - time.monotonic(), 0)
            many = self._history.wait(self._tree.size + self._every, min(left, LOOK))
            if many or time.monotonic() >= signed + self._seconds:
                signed = time.monotonic()
                if self._signed() is None:
                    stop.wait(min(self._seconds, LOOK))  # nothing new, or another one signs
        self._signed()

    def _signed(self) -> Checkpoint | None:
        """The same; on what is no longer what was signed, nothing is recorded any more."""
        try:
            return self.sign()
        except HistoryBroken as wrong:
            self._history.broken = wrong
            raise

    def sign(self) -> Checkpoint | None:
        """
        Sign what was recorded since the last checkpoint; None if nothing was.

        Raises HistoryBroken when what was recorded is no longer what is there.
        """
        with psycopg.connect(
            self._url, autocommit=True, application_name="wattledger notary"
        ) as connection:
            if not cast("tuple[bool]", connection.execute(LOCK).fetchone())[0]:
                return None  # another process signs
            log, head, frontier = cast(
                "tuple[str, int, list[bytes]]", connection.execute(HEAD).fetchone()
            )
            signer = self._resumed(log)
            if head < self._tree.size:
                raise HistoryBroken(f"{self._tree.size} facts were signed and {head} are there")
            if head == self._tree.size:
                return None
            begun = self._tree.size
            self._ends = -1  # until it is signed: what was read is read again otherwise
            self._read(connection, head)
            if self._tree.peaks != frontier:
                raise HistoryBroken(f"a fact from {begun + 1} to {head} was changed")
            return self._keep(connection, signer)

    def _resumed(self, log: str) -> Signer:
        """
        Who signs; go on from where the folder ends, if it is not where this one left it.

        Another process may have signed since then: a command line beside a server.
        """
        signed = self._folder / CHECKPOINTS
        ends = signed.stat().st_size if signed.exists() else 0
        if self._signer is None or ends != self._ends:
            self._folder.mkdir(parents=True, exist_ok=True)
            signer = Signer.kept(f"wattledger/{log}", self._folder / KEY)
            (self._folder / VERIFIER).write_text(f"{signer.verifier}\n")
            kept = kept_in(self._folder, signer.verifier)
            self._tree = (
                Frontier(kept[-1].checkpoint.size, kept[-1].frontier) if kept else Frontier()
            )
            with (self._folder / LEAVES).open("ab") as file:
                if file.tell() < self._tree.size * HASH:
                    raise HistoryBroken(f"{file.name} ends before {self._tree.size}")
                file.truncate(self._tree.size * HASH)  # what was read and not yet signed
            self._signer, self._ends = signer, ends
        return self._signer

    def _read(self, connection: psycopg.Connection[Any], head: int) -> None:
        with (self._folder / LEAVES).open("ab") as file:
            for page in leaves(connection, self._tree.size, head):
                if page[-1][0] != self._tree.size + len(page):
                    raise HistoryBroken(f"a fact is missing after {self._tree.size}")
                hashes = [sha256(b"\x00" + leaf).digest() for _, leaf in page]
                self._tree.add_hashed(hashes)
                file.write(b"".join(hashes))
            if self._tree.size != head:
                raise HistoryBroken(f"the facts after {self._tree.size} are missing")
            file.flush()
            os.fsync(file.fileno())

    def _keep(self, connection: psycopg.Connection[Any], signer: Signer) -> Checkpoint:
        made = Checkpoint(signer.verifier.name, self._tree.size, self._tree.root)
        signed = Signed(made, tuple(self._tree.peaks), signer.note(made))
        with (self._folder / CHECKPOINTS).open("ab") as file:
            file.write(signed.line)
            file.flush()
            os.fsync(file.fileno())
            self._ends = file.tell()
        row = made.size, made.root, list(signed.frontier), signed.note
        connection.execute(KEEP, row)
        return made
