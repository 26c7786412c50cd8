"""
Whether a history is the one that was signed, in a few look-ups: asked before it is served.

An old copy of the database, put in the place of a newer one, is a whole history; only what was
signed since then tells that its end is missing.  `audit` looks at every fact instead.
"""

from __future__ import annotations

import os
from pathlib import Path

import orjson
import psycopg

from replay.merkle.frontier import complete, joined
from replay.merkle.leaves import Parts
from replay.proofs.checkpoints import CHECKPOINTS, VERIFIER
from replay.proofs.notes import Checkpoint, Forged, Verifier
from replay.store.append import HistoryBroken

HEAD = "SELECT log::text, position FROM history.head"
NEWEST = "SELECT size, root FROM history.checkpoints ORDER BY size DESC LIMIT 1"
LONGEST = 1 << 16  # bytes of a checkpoint's line in the folder, and more


class HistoryCut(HistoryBroken):
    """It is not the history that was signed: facts at its end are lost, or others."""


def cut(database_url: str, witness: Path) -> HistoryCut | None:
    """
    What is known to be wrong with a history, if anything; None as well where nothing is signed.

    `witness` is the folder of the notary, or a copy of it.  Raises psycopg.OperationalError.
    """
    with psycopg.connect(database_url, autocommit=True) as connection:
        row = connection.execute(HEAD).fetchone()
        log, head = row if row is not None else ("", 0)
        signed = [_newest(witness, f"wattledger/{log}")]
        kept = connection.execute(NEWEST).fetchone()
        signed.append(None if kept is None else Checkpoint("", *kept))
        for each in filter(None, signed):
            if each.size > head:
                return HistoryCut(
                    f"{each.size} facts of this history were signed and {head} are there: its"
                    " end is lost, as when an old copy of the database is put in its place."
                    " Nothing is served or recorded on it. Bring back the newer database, or"
                    " `wattledger restore` an archive into an empty folder; verify and export"
                    " work."
                )
            if not _stands(connection, each):
                return HistoryCut(
                    f"The first {each.size} facts of this history are not those that were"
                    " signed. Nothing is served or recorded on it; `wattledger verify` says"
                    " which are others."
                )
    return None


def _stands(connection: psycopg.Connection[object], signed: Checkpoint) -> bool:
    try:
        parts = [Parts(connection)(part) for part in complete(0, signed.size)]
    except KeyError:
        return False
    return joined(parts) == signed.root


def _newest(witness: Path, log: str) -> Checkpoint | None:
    """The last checkpoint in a folder, if it has one of this history that can be read."""
    try:
        verifier = Verifier.parse((witness / VERIFIER).read_text())
        with (witness / CHECKPOINTS).open("rb") as file:
            file.seek(-min(LONGEST, file.seek(0, os.SEEK_END)), os.SEEK_END)
            line = file.read().splitlines()[-1]
        found = verifier.opened(orjson.loads(line)["note"])
    except (OSError, IndexError, ValueError, KeyError, Forged):
        return None  # nothing was signed yet; what cannot be read, the notary and `verify` tell
    return found if found.log == log else None
