"""Proofs that can be handed out: that a fact is in history, that history only grew."""

from __future__ import annotations

import base64
from typing import Any

import psycopg

from replay.merkle.frontier import (
    consistency,
    hash_leaf,
    inclusion,
    is_consistent,
    proof,
    root_by_inclusion,
)
from replay.merkle.leaves import LEAVES, Parts
from replay.proofs.notes import Forged, Verifier

NEXT = "SELECT size, note FROM history.checkpoints WHERE size >= %s ORDER BY size LIMIT 1"
AT = "SELECT note FROM history.checkpoints WHERE size = %s"


class NotSigned(Exception):
    """No checkpoint covers this yet."""


def inclusion_proof(connection: psycopg.Connection[Any], position: int) -> dict[str, Any]:
    """
    That the fact at a position is in history, under the first checkpoint that covers it.

    Raises NotSigned when there is none yet.
    """
    row = connection.execute(NEXT, (position,)).fetchone()
    if row is None or position < 1:
        raise NotSigned(f"no checkpoint covers position {position} yet")
    size, note = row
    found = connection.execute(LEAVES, (position - 1, position, 1), binary=True).fetchone()
    if found is None:
        raise KeyError(f"there is no fact at {position}")
    path = proof(inclusion(position - 1, size), Parts(connection))
    return {
        "proof": "inclusion",
        "position": position,
        "leaf": base64.b64encode(found[1]).decode(),
        "path": [each.hex() for each in path],
        "checkpoint": note,
    }


def consistency_proof(
    connection: psycopg.Connection[Any], old: int, new: int
) -> dict[str, Any]:
    """That history at one checkpoint begins with all of history at an older one."""
    notes = []
    for size in (old, new):
        row = connection.execute(AT, (size,)).fetchone()
        if row is None:
            raise NotSigned(f"there is no checkpoint of size {size}")
        notes.append(row[0])
    path = proof(consistency(old, new), Parts(connection))
    return {
        "proof": "consistency",
        "path": [each.hex() for each in path],
        "old": notes[0],
        "checkpoint": notes[1],
    }


def holds(given: dict[str, Any], verifier: Verifier) -> bool:
    """Whether a proof holds, offline.  Raises Forged when a checkpoint is not signed so."""
    try:
        path = [bytes.fromhex(each) for each in given["path"]]
        new = verifier.opened(given["checkpoint"])
        if given["proof"] == "consistency":
            old = verifier.opened(given["old"])
            same = old.log == new.log
            return same and is_consistent(old.size, old.root, new.size, new.root, path)
        leaf = base64.b64decode(given["leaf"], validate=True)
        # The leaf begins with its own position, so that a proof is of one place alone.
        if int.from_bytes(leaf[:8], "big") != given["position"]:
            return False
        at = given["position"] - 1
        return root_by_inclusion(at, new.size, hash_leaf(leaf), path) == new.root
    except (KeyError, ValueError, TypeError, AttributeError) as wrong:
        raise Forged(f"this is not a proof: {wrong}") from wrong
