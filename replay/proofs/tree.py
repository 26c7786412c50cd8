"""The Merkle tree over rows as they are read one after the other, outside the database."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from replay.merkle.frontier import Frontier
from replay.store.mapper import Row

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # of Postgres
MICROSECOND = timedelta(microseconds=1)
NODES_FROM = 8  # the lowest level of which the database keeps the nodes
PLACE = struct.Struct(">qqqi")
LENGTH = struct.Struct(">i")


def leaf_of(row: Row) -> bytes:
    """The bytes of a fact's leaf, as history.leaf (0002_merkle.sql) makes them."""
    stream, version, name, state, position, at = row
    streamed, named = stream.encode(), name.encode()
    since = (at - EPOCH) // MICROSECOND
    head = PLACE.pack(position, version, since, len(streamed))
    return head + streamed + LENGTH.pack(len(named)) + named + state


class Tree(Frontier):
    """
    A frontier that is told rows, and remembers what it was at the size of a checkpoint.

    With `nodes` it also keeps the roots of complete subtrees of 256 leaves and more, as
    (level, index, hash).
    """

    def __init__(self, checkpoint: dict[str, Any] | None, *, nodes: bool = False) -> None:
        super().__init__()
        self._checkpoint = checkpoint
        self._watched = checkpoint["size"] if checkpoint else -1
        self._keeps = nodes
        self.nodes: list[tuple[int, int, bytes]] = []
        self.peaks_then: list[bytes] = []

    def take(self, row: Row) -> None:
        """Append the next fact."""
        node = sha256(b"\x00" + leaf_of(row)).digest()
        level, index = 0, self.size
        while index & 1:
            node = sha256(b"\x01" + self.peaks.pop() + node).digest()
            level, index = level + 1, index >> 1
            if level >= NODES_FROM and self._keeps:
                self.nodes.append((level, index, node))
        self.peaks.append(node)
        self.size += 1
        if self.size == self._watched:
            self.peaks_then = list(self.peaks)

    @property
    def root_then(self) -> bytes:
        """The root it had at the size of the checkpoint."""
        return Frontier(self._watched, self.peaks_then).root

    def meets(self) -> bool:
        """Whether it came to the root of the checkpoint, if there is one."""
        if self._checkpoint is None:
            return True
        return bool(self.peaks_then) and self.root_then.hex() == self._checkpoint["root"]
