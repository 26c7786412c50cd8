"""
Usage files as arrays: what is written as nearly every file is, read at once.

Each function answers None for what is written otherwise, or may be wrong: then the file is read
line by line, which takes all that is allowed and says where what is not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]

# Sixteen digits at most: 64-bit floats hold them, so that what is rounded here is exact.
DAY = 86_400  # seconds
PLAIN = re.compile(r"(?:-?[0-9]{1,9}(?:\.[0-9]{1,6})?\n)+")

STAMP = "[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}"
END = "(?:Z|[+-][0-9]{2}:[0-9]{2})?\\n"
STAMPS = {16: re.compile(f"(?:{STAMP}{END})+"), 19: re.compile(f"(?:{STAMP}:[0-9]{{2}}{END})+")}


def decimals(texts: Sequence[str]) -> tuple[Ints, int] | None:
    """Wh with so many decimals, of numbers in kWh as text."""
    if not PLAIN.fullmatch("\n".join(texts) + "\n"):
        return None
    places = max(len(text) - text.find(".") - 1 if "." in text else 0 for text in texts)
    fine = max(places, 3)
    whole = np.rint(np.array(list(map(float, texts))) * 10.0**fine).astype(np.int64)
    return whole, fine - 3


def shortest(whole: Ints, digits: int) -> tuple[tuple[int, ...], int]:
    """The same with no more decimals than are needed."""
    while digits and not np.any(whole % 10):
        whole, digits = whole // 10, digits - 1
    return tuple(whole.tolist()), digits


@dataclass(frozen=True, slots=True)
class Stamps:
    """What the clock on the wall shows, in seconds since 1970, and what it is ahead of UTC."""

    wall: Ints
    offsets: Ints | None  # None where no stamp says it
    telling: tuple[datetime, ...]  # those where the offset changes: first, both sides, last


def stamps(texts: Sequence[str]) -> Stamps | None:
    """Stamps to the minute or second, all with an offset or none."""
    width = 19 if texts[0][16:17] == ":" else 16
    if not STAMPS[width].fullmatch("\n".join(texts) + "\n"):
        return None
    ends = [text[width:] for text in texts]
    try:
        wall = np.array([text[:width] for text in texts], "datetime64[s]").astype(np.int64)
        ahead = {end: _ahead(end) for end in {*ends}}
    except ValueError:
        return None
    if "" in ahead:
        return Stamps(wall, None, ()) if len(ahead) == 1 else None
    offsets = np.array([ahead[end] for end in ends])
    turns = np.flatnonzero(np.diff(offsets))
    told = sorted({0, *turns, *(turns + 1), len(texts) - 1})
    return Stamps(wall, offsets, tuple(datetime.fromisoformat(texts[n]) for n in told))


def _ahead(end: str) -> int:
    offset = datetime.fromisoformat(f"2000-01-01T00:00:00{end}").utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


def steady(read: Stamps, zone: str) -> tuple[datetime, int] | None:
    """The first instant, and the minutes from each to the next: all alike, upwards."""
    if len(read.wall) < 2:
        return None
    local = ZoneInfo(zone)
    if read.offsets is not None:
        seconds = read.wall - read.offsets
        first, step = int(seconds[0]), int(seconds[1] - seconds[0])
        found = bool(np.all(np.diff(seconds) == step))
    else:
        shown = datetime.fromtimestamp(int(read.wall[0]), UTC).replace(tzinfo=local)
        first, step = int(shown.timestamp()), int(read.wall[1] - read.wall[0])
        if step <= 0:
            return None
        # The file is right where it shows what a clock there shows at each of these times.
        instants = first + step * np.arange(len(read.wall), dtype=np.int64)
        found = bool(np.all(instants + _offsets(instants, local) == read.wall))
    if step < 60 or step % 60 or not found:
        return None
    return datetime.fromtimestamp(first, UTC), step // 60


def _offsets(instants: Ints, local: ZoneInfo) -> Ints:
    """What a clock is ahead of UTC at instants that follow each other: looked up by days."""

    def at(n: int) -> int:
        offset = datetime.fromtimestamp(int(instants[n]), local).utcoffset()
        return 0 if offset is None else int(offset.total_seconds())

    found = np.empty(len(instants), np.int64)
    day = max(1, DAY // int(instants[1] - instants[0]))
    since, last = 0, len(instants) - 1
    found[last] = at(last)
    while since < last:
        until = min(since + day, last)
        before, after, low, high = at(since), at(until), since, until
        while before != after and high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if at(middle) == before else (low, middle)
        found[since:high], found[high:until] = before, after
        since = until
    return found
