"""How facts are named by others: `meter-M1@4`, and many of one stream as `meter-M1@4-9`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator


def packed(refs: Iterable[str]) -> tuple[str, ...]:
    """Names of facts, those of a stream that follow each other as one; streams as they came."""
    streams: defaultdict[str, set[int]] = defaultdict(set)
    for ref in refs:
        stream, _, version = ref.rpartition("@")
        streams[stream].add(int(version))
    return tuple(
        f"{stream}@{first}" if first == last else f"{stream}@{first}-{last}"
        for stream, versions in streams.items()
        for first, last in _runs(sorted(versions))
    )


def unpacked(refs: Iterable[str]) -> Iterator[str]:
    """Each name alone, in the order of `packed`."""
    for ref in refs:
        stream, _, versions = ref.rpartition("@")
        first, _, last = versions.partition("-")
        for version in range(int(first), int(last or first) + 1):
            yield f"{stream}@{version}"


def _runs(versions: list[int]) -> Iterator[tuple[int, int]]:
    first = last = versions[0]
    for version in versions[1:]:
        if version != last + 1:
            yield first, last
            first = version
        last = version
    yield first, last
