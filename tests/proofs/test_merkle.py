"""The tree of RFC 9162: its own examples, published roots, and every proof of small trees."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from itertools import pairwise

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.merkle.frontier import (
    EMPTY,
    Frontier,
    Range,
    complete,
    consistency,
    hash_leaf,
    hash_node,
    inclusion,
    is_consistent,
    proof,
    root_by_inclusion,
    root_of,
)
from replay.store.history import History
from replay.store.migrations import migrate
from tests.counters import counting

# The leaves and roots of Certificate Transparency's own reference tests (google/
# certificate-transparency, cpp/merkletree/merkle_tree_test.cc).
LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def by_definition(hashes: Sequence[bytes]) -> bytes:
    """MTH of section 2.1.1, word for word."""
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return hash_node(by_definition(hashes[:k]), by_definition(hashes[k:]))


@pytest.mark.parametrize("size", range(1, 9))
def test_published_roots_come_out(size: int) -> None:
    tree = Frontier()
    tree.add(LEAVES[:size])

    assert tree.root.hex() == ROOTS[size - 1]


def test_a_tree_without_leaves_has_the_hash_of_nothing() -> None:
    assert Frontier().root == EMPTY == sha256(b"").digest()


def test_the_examples_of_the_rfc_come_out() -> None:
    # Section 2.1.5: seven leaves d0..d6; their hashes are a b c d e f j there.
    d = [hash_leaf(bytes([n])) for n in range(7)]
    a, b, c, dd, e, f, j = d
    g, h, i = hash_node(a, b), hash_node(c, dd), hash_node(e, f)
    k, m = hash_node(g, h), hash_node(i, j)

    def path(ranges: list[Range]) -> list[bytes]:
        return proof(ranges, lambda r: by_definition(d[slice(*r)]))

    assert root_of(d) == hash_node(k, m)
    assert path(inclusion(0, 7)) == [b, h, m]
    assert path(inclusion(3, 7)) == [c, g, m]
    assert path(inclusion(4, 7)) == [f, j, k]
    assert path(inclusion(6, 7)) == [i, k]
    assert path(consistency(3, 7)) == [c, dd, g, m]
    assert path(consistency(4, 7)) == [m]
    assert path(consistency(6, 7)) == [i, j, k]


@pytest.mark.parametrize("size", [*range(1, 34), 63, 64, 65])
def test_every_proof_of_a_small_tree_holds_and_no_changed_one_does(size: int) -> None:
    hashes = [hash_leaf(bytes([n])) for n in range(size)]
    root = by_definition(hashes)
    assert root_of(hashes) == root

    def path(ranges: list[Range]) -> list[bytes]:
        return proof(ranges, lambda r: by_definition(hashes[slice(*r)]))

    for leaf in range(size):
        proven = path(inclusion(leaf, size))
        assert root_by_inclusion(leaf, size, hashes[leaf], proven) == root
        for other in range(size):
            if other != leaf:
                assert root_by_inclusion(other, size, hashes[leaf], proven) != root
        assert root_by_inclusion(leaf, size, hashes[leaf], [*proven, EMPTY]) != root
    for old in range(1, size + 1):
        proven = path(consistency(old, size))
        was = by_definition(hashes[:old])
        assert is_consistent(old, was, size, root, proven)
        assert not is_consistent(old, EMPTY, size, root, proven)
        assert not is_consistent(old, was, size, EMPTY, proven)
        for n in range(len(proven)):
            forged = [*proven[:n], EMPTY, *proven[n + 1 :]]
            assert not is_consistent(old, was, size, root, forged)
            assert not is_consistent(old, was, size, root, proven[:n])


@given(st.integers(0, 10_000), st.integers(1, 10_000))
def test_a_range_is_cut_into_aligned_powers_of_two(start: int, length: int) -> None:
    parts = complete(start, start + length)

    assert parts[0][0] == start
    assert parts[-1][1] == start + length
    for (_, end), (begin, _) in pairwise(parts):
        assert end == begin
    for begin, end in parts:
        assert (end - begin).bit_count() == 1
        assert begin % (end - begin) == 0


@given(st.lists(st.integers(0, 300), max_size=6))
def test_it_does_not_matter_in_what_portions_a_tree_grows(portions: list[int]) -> None:
    hashes = [hash_leaf(str(n).encode()) for n in range(sum(portions))]
    tree, at = Frontier(), 0
    for portion in portions:
        tree = Frontier(tree.size, tree.peaks)
        tree.add_hashed(hashes[at : at + portion])
        at += portion

    assert tree.root == (by_definition(hashes) if hashes else EMPTY)


def test_the_database_grows_the_same_tree_over_the_documented_bytes(database_url: str) -> None:
    migrate(database_url)
    with History(database_url) as history:
        for n in range(20):
            history.append(counting("ångström", n * 37, *range(37)))
        with pytest.raises(Exception):  # noqa: B017, PT011  (a refused one leaves no leaf)
            history.append(counting("ångström", 3))
        tree = Frontier()
        for page in history.rows():
            for stream, version, name, state, position, at in page:
                micros = int((at.timestamp() - 946_684_800) // 1) * 1_000_000 + at.microsecond
                tree.add(
                    [
                        position.to_bytes(8, "big") + version.to_bytes(8, "big")
                        + micros.to_bytes(8, "big")
                        + len(stream.encode()).to_bytes(4, "big") + stream.encode()
                        + len(name).to_bytes(4, "big") + name.encode() + state
                    ]
                )  # fmt: skip

    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT position, frontier FROM history.head").fetchone()
        nodes = connection.execute("SELECT level, index FROM history.nodes ORDER BY 1, 2")
        assert row == (740, tree.peaks)
        assert nodes.fetchall() == [(8, 0), (8, 1), (9, 0)]
