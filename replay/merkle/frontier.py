"""
The Merkle tree over history, as RFC 9162 (section 2.1) and RFC 6962 before it define it.

A leaf is hashed as SHA-256(0x00 ‖ leaf), a node as SHA-256(0x01 ‖ left ‖ right); the left
part of a tree of n leaves has as many as the largest power of two below n.  The first fact is
leaf 0.

A range is (start, end), half open, in leaves; the proofs below name the ranges whose roots
they consist of, in the order of the RFC, and leave it to the caller to find those roots.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import TypeAlias

Range: TypeAlias = tuple[int, int]

EMPTY = sha256().digest()


def hash_leaf(leaf: bytes) -> bytes:
    """The hash of a leaf, given its bytes."""
    return sha256(b"\x00" + leaf).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """The hash of two neighbours."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """A tree that only grows: its size, and the roots of its complete parts, largest first."""

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        if len(peaks) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} complete parts")
        self.size = size
        self.peaks = list(peaks)

    def add(self, leaves: Iterable[bytes]) -> None:
        """Append leaves, given as their bytes."""
        self.add_hashed(sha256(b"\x00" + leaf).digest() for leaf in leaves)

    def add_hashed(self, hashes: Iterable[bytes]) -> None:
        """Append leaves, given as their hashes."""
        size, peaks = self.size, self.peaks
        for node in hashes:
            rest = size
            while rest & 1:
                node = sha256(b"\x01" + peaks.pop() + node).digest()
                rest >>= 1
            peaks.append(node)
            size += 1
        self.size = size

    @property
    def root(self) -> bytes:
        """The root of the whole tree."""
        if not self.peaks:
            return EMPTY
        *rest, root = self.peaks
        for peak in reversed(rest):
            root = hash_node(peak, root)
        return root


def root_of(hashes: Iterable[bytes]) -> bytes:
    """The root of a tree, given the hashes of its leaves."""
    tree = Frontier()
    tree.add_hashed(hashes)
    return tree.root


def split(size: int) -> int:
    """How many leaves the left part of a tree has: the largest power of two below its size."""
    return 1 << (size - 1).bit_length() - 1


def complete(start: int, end: int) -> list[Range]:
    """A range that some proof names, as the complete subtrees it consists of, in order."""
    parts = []
    while start < end:
        size = min(start & -start or 1 << 62, 1 << (end - start).bit_length() - 1)
        parts.append((start, start + size))
        start += size
    return parts


def joined(roots: Sequence[bytes]) -> bytes:
    """The root of a range from the roots of its complete parts."""
    *rest, root = roots
    for part in reversed(rest):
        root = hash_node(part, root)
    return root


def inclusion(leaf: int, size: int) -> list[Range]:
    """The ranges that prove a leaf is in a tree, the lowest first (RFC 9162, 2.1.3.1)."""
    if not 0 <= leaf < size:
        raise ValueError(f"leaf {leaf} is not in a tree of {size}")
    path: list[Range] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + split(end - start)
        if leaf < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start = middle
    return path[::-1]


def consistency(old: int, size: int) -> list[Range]:
    """The ranges that prove a tree goes on from an older one (RFC 9162, 2.1.4.1)."""
    if not 0 < old <= size:
        raise ValueError(f"a tree of {size} cannot go on from one of {old}")
    path: list[Range] = []
    start, end, whole = 0, size, True
    while end != old:
        middle = start + split(end - start)
        if old <= middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start, whole = middle, False
    return ([] if whole else [(start, end)]) + path[::-1]


def root_by_inclusion(
    leaf: int, size: int, hashed: bytes, path: Sequence[bytes]
) -> bytes | None:
    """The root that an inclusion proof leads to, or None if it has the wrong length."""
    if not 0 <= leaf < size:
        return None
    at, last, root = leaf, size - 1, hashed
    for sibling in path:
        if last == 0:
            return None
        if at & 1 or at == last:
            root = hash_node(sibling, root)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            root = hash_node(root, sibling)
        at, last = at >> 1, last >> 1
    return root if last == 0 else None


def is_consistent(
    old: int, old_root: bytes, size: int, root: bytes, path: Sequence[bytes]
) -> bool:
    """Whether a consistency proof shows that the newer tree begins with the older one."""
    if old == size:
        return not path and old_root == root
    if not 0 < old < size or not path:
        return False
    first, *rest = path if old & (old - 1) else [old_root, *path]
    at, last = old - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    was = now = first
    for sibling in rest:
        if last == 0:
            return False
        if at & 1 or at == last:
            was, now = hash_node(sibling, was), hash_node(sibling, now)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            now = hash_node(now, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and was == old_root and now == root


def proof(ranges: Iterable[Range], root_of_complete: Callable[[Range], bytes]) -> list[bytes]:
    """The hashes of a proof, given where to find the roots of complete subtrees."""
    return [joined([root_of_complete(part) for part in complete(*r)]) for r in ranges]
