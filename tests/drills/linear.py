"""
A checker of linearizability for histories, without search.

Every write has a version in its stream and a position in all of history, so the order is given;
what is checked is that it is one that clients could have seen (Gibbons and Korach, Testing
Shared Memories, 1997: with the order of writes known, checking is sorting).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Placed: TypeAlias = tuple[str, int, str]
"""stream, version, cause: what stands at a position of the final log."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What one client asked and was told, and when, on one clock."""

    client: int
    kind: Literal["append", "read", "follow"]
    invoked: int
    returned: int
    stream: str = ""
    cause: str = ""
    outcome: Literal["ok", "failed", "unknown"] = "ok"
    version: int = 0  # appended as, or seen at
    positions: tuple[int, ...] = ()  # appended at, or seen by a follower


def violations(operations: Sequence[Operation], log: Sequence[Placed]) -> list[str]:
    """What no correct history could have answered; nothing if there is an order for all."""
    appends = [op for op in operations if op.kind == "append"]
    return [
        *whole(log),
        *once(appends, log),
        *in_real_time(appends),
        *fresh(operations),
        *followed(op for op in operations if op.kind == "follow"),
    ]


def whole(log: Sequence[Placed]) -> Iterable[str]:
    """Versions of a stream are 1, 2, 3 … in the order of positions."""
    versions: dict[str, int] = defaultdict(int)
    for position, (stream, version, _) in enumerate(log, 1):
        versions[stream] += 1
        if version != versions[stream]:
            was = versions[stream] - 1
            yield f"position {position}: {stream} has version {version} after {was}"


def once(appends: Sequence[Operation], log: Sequence[Placed]) -> Iterable[str]:
    """What was acknowledged is there once, where it was said; what failed is not."""
    there = Counter(cause for _, _, cause in log)
    for op in appends:
        if op.outcome == "ok" and there[op.cause] != 1:
            yield f"{op.cause} was acknowledged and is there {there[op.cause]} times"
        elif op.outcome == "ok" and log[op.positions[0] - 1][2] != op.cause:
            yield f"{op.cause} is not at position {op.positions[0]}"
        elif op.outcome == "failed" and there[op.cause]:
            yield f"{op.cause} was refused and is there"
        elif op.outcome == "unknown" and there[op.cause] > 1:
            yield f"{op.cause} is there {there[op.cause]} times"


def in_real_time(appends: Sequence[Operation]) -> Iterable[str]:
    """What was acknowledged before another was asked has the lower position."""
    done = sorted((op for op in appends if op.outcome == "ok"), key=lambda op: op.returned)
    highest, at = 0, 0
    for op in sorted(done, key=lambda op: op.invoked):
        while at < len(done) and done[at].returned < op.invoked:
            highest = max(highest, done[at].positions[-1])
            at += 1
        if op.positions[0] < highest:
            place = op.positions[0]
            yield f"{op.cause} at {place} comes before {highest}, acknowledged earlier"


def fresh(operations: Sequence[Operation]) -> Iterable[str]:
    """A read sees what was acknowledged before it began, and never less than a read before."""
    by_stream: dict[str, list[Operation]] = defaultdict(list)
    for op in operations:
        if op.kind != "follow" and op.outcome == "ok":
            by_stream[op.stream].append(op)
    for stream, some in by_stream.items():
        ended = sorted(some, key=lambda op: op.returned)
        newest, at = 0, 0
        for op in sorted(some, key=lambda op: op.invoked):
            while at < len(ended) and ended[at].returned < op.invoked:
                newest = max(newest, ended[at].version)
                at += 1
            if op.kind == "read" and op.version < newest:
                yield f"a read of {stream} saw version {op.version} after {newest}"


def followed(follows: Iterable[Operation]) -> Iterable[str]:
    """Who follows sees every position, in order, without one left out."""
    seen: dict[int, int] = defaultdict(int)
    for op in follows:
        for position in op.positions:
            if position != seen[op.client] + 1:
                yield f"a follower saw position {position} after {seen[op.client]}"
            seen[op.client] = position
