#!/usr/bin/env python3
"""
Verify a Wattledger history without trusting Wattledger.

This file uses nothing of the product, only docs/proofs.md and docs/archive.md and the standard
library (psycopg too, for --database).  Copy it to where you keep the witness folder.

    verify_history.py --archive FOLDER --witness FOLDER [--verifier KEY]
    verify_history.py --database URL   --witness FOLDER [--verifier KEY]
    verify_history.py --proof FILE     --verifier KEY

KEY is the line that the keeper of the history gave you, or a file with it; without it the one
in the witness folder is believed.  Exit: 0 it holds, 1 it does not, 2 misused.
"""

from __future__ import annotations

import argparse
import base64
import datetime
import gzip
import hashlib
import io
import json
import pathlib
import struct
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

Fact = tuple[int, int, int, bytes, bytes, bytes]
"""position, version, microseconds since 2000, stream, name, state."""

SINCE = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)


# Ed25519, verification only (RFC 8032, 5.1.7)

P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)

Point = tuple[int, int, int, int]


def plus(a: Point, b: Point) -> Point:
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    i, j, k, m = f - e, h - g, h + g, f + e
    return i * j % P, k * m % P, j * k % P, i * m % P


def times(n: int, a: Point) -> Point:
    total = (0, 1, 1, 0)
    while n:
        if n & 1:
            total = plus(total, a)
        a, n = plus(a, a), n >> 1
    return total


def decoded(raw: bytes) -> Point | None:
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


BASE = decoded((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def is_signed(key: bytes, message: bytes, signature: bytes) -> bool:
    if len(key) != 32 or len(signature) != 64 or BASE is None:
        return False
    a, r = decoded(key), decoded(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= Q:
        return False
    hashed = hashlib.sha512(signature[:32] + key + message).digest()
    left = times(s, BASE)
    right = plus(r, times(int.from_bytes(hashed, "little") % Q, a))
    same_x = (left[0] * right[2] - right[0] * left[2]) % P == 0
    return same_x and (left[1] * right[2] - right[1] * left[2]) % P == 0


# The tree (RFC 9162, 2.1)


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def leaf_of(fact: Fact) -> bytes:
    position, version, at, stream, name, state = fact
    return b"".join(
        (
            struct.pack(">qqq", position, version, at),
            struct.pack(">i", len(stream)), stream,
            struct.pack(">i", len(name)), name,
            state,
        )
    )  # fmt: skip


def hash_of(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + leaf).digest()


class Tree:
    """Grows leaf by leaf; knows its root."""

    def __init__(self) -> None:
        self.size = 0
        self.parts: list[tuple[int, bytes]] = []  # (leaves, root), the largest first

    def add(self, hashed: bytes) -> None:
        n = 1
        while self.parts and self.parts[-1][0] == n:
            hashed, n = node(self.parts.pop()[1], hashed), 2 * n
        self.parts.append((n, hashed))
        self.size += 1

    def root(self) -> bytes:
        if not self.parts:
            return hashlib.sha256().digest()
        root = self.parts[-1][1]
        for _, part in self.parts[-2::-1]:
            root = node(part, root)
        return root


def root_from_inclusion(at: int, size: int, hashed: bytes, path: list[bytes]) -> bytes | None:
    """Folds a proof by walking down to the leaf, then up again with the path."""
    sides = []
    start, end = 0, size
    while end - start > 1:
        middle = start + (1 << (end - start - 1).bit_length() - 1)
        sides.append(at >= middle)
        start, end = (middle, end) if at >= middle else (start, middle)
    if len(path) != len(sides) or not 0 <= at < size:
        return None
    for right, sibling in zip(reversed(sides), path, strict=True):
        hashed = node(sibling, hashed) if right else node(hashed, sibling)
    return hashed


def roots_from_consistency(old: int, size: int, path: list[bytes], old_root: bytes) -> Any:
    """The old and the new root that a consistency proof leads to (RFC 9162, 2.1.4)."""
    rest = list(path)

    def fold(n: int, size: int, whole: bool) -> tuple[bytes, bytes]:
        if n == size:
            part = old_root if whole else rest.pop(0)
            return part, part
        middle = 1 << (size - 1).bit_length() - 1
        if n <= middle:
            was, now = fold(n, middle, whole)
            return was, node(now, rest.pop(0))
        was, now = fold(n - middle, size - middle, False)
        left = rest.pop(0)
        return node(left, was), node(left, now)

    try:
        found = fold(old, size, True)
    except IndexError:
        return None
    return None if rest else found


# Checkpoints (c2sp.org/tlog-checkpoint)


class Wrong(Exception):
    """Something is not as it should be."""


def opened(note: str, verifier: str) -> tuple[str, int, bytes]:
    """Log, size and root of a signed checkpoint."""
    name, hashed, encoded = verifier.strip().split("+", 2)
    raw = base64.b64decode(encoded)
    expected = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
    if raw[:1] != b"\x01" or expected.hex() != hashed:
        raise Wrong("the verifier key is not one")
    text, _, signatures = note.rpartition("\n\n")
    for line in signatures.splitlines():
        words = line.split(" ")
        if len(words) == 3 and words[0] == "\u2014" and words[1] == name:
            blob = base64.b64decode(words[2])
            if blob[:4] == expected and is_signed(raw[1:], f"{text}\n".encode(), blob[4:]):
                log, size, root = text.split("\n")[:3]
                return log, int(size), base64.b64decode(root)
    raise Wrong(f"a checkpoint is not signed by {name}")


# Where facts are read from


def of_archive(folder: pathlib.Path) -> Iterator[Fact]:
    manifest = json.loads((folder / "manifest.json").read_text())
    for chunk in manifest["files"]:
        if chunk["content"] != "facts":
            continue
        with gzip.open(folder / chunk["file"], "rb") as lines:
            for line in lines:
                fact = json.loads(line)
                state = (
                    fact["state"].encode() if "state" in fact else bytes.fromhex(fact["hex"])
                )
                yield (
                    fact["position"], fact["version"], micros(fact["at"]),
                    fact["stream"].encode(), fact["name"].encode(), state,
                )  # fmt: skip


def micros(stamp: str) -> int:
    at = datetime.datetime.fromisoformat(stamp.replace("Z", "+00:00"))
    return (at - SINCE) // datetime.timedelta(microseconds=1)


def of_database(url: str) -> Iterator[Fact]:
    import psycopg

    query = (
        "SELECT notification_id, originator_version,"
        " (extract(epoch FROM at - '2000-01-01Z') * 1000000)::bigint,"
        " convert_to(originator_id, 'UTF8'), convert_to(topic, 'UTF8'), state"
        " FROM history.events ORDER BY notification_id"
    )
    with psycopg.connect(url) as connection, connection.cursor("facts", binary=True) as cursor:
        cursor.itersize = 10_000
        cursor.execute(query)
        yield from cursor


# Verifying


def verify(facts: Iterator[Fact], witness: pathlib.Path, verifier: str) -> list[str]:
    """What is wrong, in words; nothing if all is as it was signed."""
    signed = checkpoints(witness, verifier)
    file = witness / "leaves.bin"
    with file.open("rb") if file.exists() else io.BytesIO() as noted:
        tree, wrong, fits = walk(facts, noted, signed)
    newest = max(signed, default=0)
    if tree.size < newest:
        wrong.append(f"{newest} facts were signed and {tree.size} are there")
    print(
        f"{tree.size} facts, root {tree.root().hex()}, {fits} of {len(signed)} checkpoints fit"
    )
    return wrong


def walk(facts: Iterator[Fact], noted: BinaryIO, signed: dict[int, bytes]) -> Any:
    """The tree of all facts, what is wrong with which, how many checkpoints fit."""
    tree, wrong, fits, before = Tree(), list[str](), 0, 0
    for fact in facts:
        for missing in range(tree.size + 1, fact[0]):
            wrong.append(f"position {missing} is missing")
            tree.add(noted.read(32))
            fits += compared(tree, signed, wrong)
        if fact[0] != tree.size + 1:
            wrong.append(f"position {fact[0]} is where {tree.size + 1} should be")
            continue
        hashed, was = hash_of(leaf_of(fact)), noted.read(32)
        if was and was != hashed:
            wrong.append(f"position {fact[0]} is not what was recorded")
        if fact[2] < before:
            wrong.append(f"position {fact[0]} was recorded before the one before it")
        before = fact[2]
        tree.add(hashed)
        fits += compared(tree, signed, wrong)
    return tree, wrong, fits


def compared(tree: Tree, signed: dict[int, bytes], wrong: list[str]) -> int:
    if tree.size not in signed:
        return 0
    if tree.root() == signed[tree.size]:
        return 1
    wrong.append(f"the facts up to {tree.size} are not those that were signed")
    return 0


def checkpoints(witness: pathlib.Path, verifier: str) -> dict[int, bytes]:
    signed: dict[int, bytes] = {}
    logs = set()
    for line in (witness / "checkpoints.jsonl").read_text().splitlines():
        log, size, root = opened(json.loads(line)["note"], verifier)
        logs.add(log)
        if signed.setdefault(size, root) != root:
            raise Wrong(f"two checkpoints of size {size} differ: history was forked")
    if len(logs) > 1:
        raise Wrong("the checkpoints are of several histories")
    return signed


def prove(given: dict[str, Any], verifier: str) -> list[str]:
    """What is wrong with one proof."""
    log, size, root = opened(given["checkpoint"], verifier)
    path = [bytes.fromhex(each) for each in given["path"]]
    if given["proof"] == "consistency":
        old_log, old_size, old_root = opened(given["old"], verifier)
        roots = roots_from_consistency(old_size, size, path, old_root)
        holds = roots == (old_root, root) and old_log == log
        print(f"{log}: the first {old_size} of {size} facts")
    else:
        leaf = base64.b64decode(given["leaf"])
        position, version, at = struct.unpack(">qqq", leaf[:24])
        found = root_from_inclusion(position - 1, size, hash_of(leaf), path)
        holds = found == root and position == given["position"]
        state = leaf[24:]
        for _ in range(2):
            (length,) = struct.unpack(">i", state[:4])
            print(state[4 : 4 + length].decode(), end=" ")
            state = state[4 + length :]
        print(f"version {version}, position {position} of {size}")
        recorded = SINCE + datetime.timedelta(microseconds=at)
        print(f"{recorded:%Y-%m-%dT%H:%M:%S.%fZ} {state.decode()}")
    return [] if holds else ["the proof does not hold"]


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    what = asked.add_mutually_exclusive_group(required=True)
    what.add_argument("--archive", type=pathlib.Path)
    what.add_argument("--database")
    what.add_argument("--proof", type=pathlib.Path)
    asked.add_argument("--witness", type=pathlib.Path)
    asked.add_argument("--verifier")
    given = asked.parse_args()
    if not given.witness and not (given.proof and given.verifier):
        asked.error("name the witness folder, or for a proof the verifier key")
    verifier = given.verifier or (given.witness / "verifier.txt").read_text()
    if pathlib.Path(verifier.strip()).is_file():
        verifier = pathlib.Path(verifier.strip()).read_text()
    try:
        if given.proof:
            wrong = prove(json.loads(given.proof.read_text()), verifier)
        else:
            facts = of_archive(given.archive) if given.archive else of_database(given.database)
            wrong = verify(facts, given.witness, verifier)
    except (Wrong, ValueError, KeyError) as bad:
        wrong = [str(bad)]
    for each in wrong:
        print(f"WRONG: {each}")
    print("it does not hold" if wrong else "it holds")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
