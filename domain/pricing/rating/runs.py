"""Series as arrays: resampled, netted against each other, and taken as demand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from math import isqrt
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from domain.kit import Refused
from domain.pricing.charges.usage import Peak
from domain.pricing.rating.intervals import Ints
from domain.pricing.usage import Channel
from domain.values import Period

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOTHING, MINUTE = timedelta(0), timedelta(minutes=1)


class TooCoarse(Refused):
    """The intervals are longer than the time for which the tariff asks, or do not divide it."""


class NotAligned(Refused):
    """Two channels that are set against each other have different intervals."""


@dataclass(frozen=True, slots=True)
class Run:
    """A series as an array, last axis time."""

    channel: Channel
    start: datetime
    minutes: int
    wh: Ints
    facts: tuple[str, ...] = ()

    @property
    def until(self) -> datetime:
        """The end of the last interval."""
        return self.start + timedelta(minutes=self.minutes * self.wh.shape[-1])


def resampled(run: Run, minutes: int, zone: str) -> list[Run]:
    """
    The energy of longer intervals, which begin at whole multiples of their length.

    They are those of the clock on the wall; where it is moved by less than one of them they
    begin anew, so that there is a run before and one after.  An interval that is not complete
    has what there is of it.  Raises TooCoarse.
    """
    if run.minutes == minutes:
        return [run]
    if minutes % run.minutes:
        raise TooCoarse(asked_minutes=minutes, measured_minutes=run.minutes)
    length = timedelta(minutes=run.minutes)
    ends = [run.start, *_moved(run.start, run.until, minutes, zone), run.until]
    return [
        _longer(
            replace(
                run,
                start=since,
                wh=run.wh[..., (since - run.start) // length : (until - run.start) // length],
            ),
            minutes,
            zone,
        )
        for since, until in pairwise(ends)
    ]


@lru_cache(4096)
def _moved(since: datetime, until: datetime, minutes: int, zone: str) -> tuple[datetime, ...]:
    """When the clock was moved by what is not a whole number of intervals."""
    local, length = ZoneInfo(zone), timedelta(minutes=minutes)

    def phase(at: datetime) -> timedelta:
        return (at.astimezone(local).utcoffset() or NOTHING) % length

    found = []
    day = since
    while day < until:
        following = min(day + timedelta(days=1), until)
        low, high = day, following
        while phase(low) != phase(following) and high - low > MINUTE:
            middle = low + (high - low) // 2 // MINUTE * MINUTE
            low, high = (low, middle) if phase(middle) == phase(following) else (middle, high)
        if phase(low) != phase(following) and high < until:
            found.append(high)
        day = following
    return tuple(found)


def _longer(run: Run, minutes: int, zone: str) -> Run:
    step = minutes // run.minutes
    offset = run.start.astimezone(ZoneInfo(zone)).utcoffset() or NOTHING
    behind = (run.start - EPOCH + offset) % timedelta(minutes=minutes)
    first = behind // timedelta(minutes=run.minutes)
    starts = np.maximum(np.arange(-first, run.wh.shape[-1], step), 0)
    return replace(
        run,
        start=run.start - behind,
        minutes=minutes,
        wh=np.add.reduceat(run.wh, starts, axis=-1),
    )


def net_runs(mine: list[Run], other: list[Run]) -> list[Run]:
    """What remains of a channel when the other direction is taken off, interval by interval."""
    if not mine or not other:
        return mine
    if [(a.start, a.minutes, a.until) for a in mine] != [
        (b.start, b.minutes, b.until) for b in other
    ]:
        raise NotAligned
    return [
        replace(a, wh=np.maximum(a.wh - b.wh, 0), facts=a.facts + b.facts)
        for a, b in zip(mine, other, strict=True)
    ]


def demand_runs(
    covering: Callable[[Period, Channel], list[Run]], period: Period, asked: Peak, zone: str
) -> list[Run]:
    """The runs whose largest value is the demand: Wh, or Wh² + varh² for kVA."""
    active = _windowed(covering(period, "import"), asked, zone)
    if asked.unit == "kW":
        return active
    reactive = _windowed(covering(period, "reactive"), asked, zone)
    if [(a.start, a.minutes) for a in active] != [(b.start, b.minutes) for b in reactive]:
        raise NotAligned
    return [
        replace(a, wh=squared(a.wh) + squared(b.wh), facts=a.facts + b.facts)
        for a, b in zip(active, reactive, strict=True)
    ]


def _windowed(some: list[Run], asked: Peak, zone: str) -> list[Run]:
    found: list[Run] = []
    for run in some:
        taken = asked.longer == "taken" and run.minutes >= (asked.minutes or 0)
        if asked.minutes is None or taken:
            found.append(run)
        else:
            found += resampled(run, asked.minutes, zone)
    return found


def squared(wh: Ints) -> Ints:
    """Squares, in Python integers where 64 bits might not hold them."""
    if wh.size and int(np.abs(wh).max()) > 2_000_000_000:
        wh = wh.astype(object)
    return wh * wh


def apparent(squares: Any, minutes: int, fine: int) -> Any:
    """Demand in millionths of a kVA from Wh² + varh² (Wh with `fine` decimals); half up."""
    twice, per = (2 * 60 * 1000) ** 2, (minutes * 10**fine) ** 2

    def of_one(square: Any) -> int:
        return (isqrt(int(square) * twice // per) + 1) // 2

    found = np.frompyfunc(of_one, 1, 1)(squares)
    return found.astype(np.int64) if isinstance(found, np.ndarray) else found
