"""Series as arrays: resampled, netted against each other, and taken as demand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import isqrt
from typing import Any

import numpy as np

from domain.kit import Refused
from domain.pricing.charges.kit import Peak
from domain.pricing.rating.intervals import Ints
from domain.pricing.usage import Channel
from domain.values import Period

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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


def resampled(run: Run, minutes: int) -> Run:
    """
    The energy of longer intervals, which begin at whole multiples of their length (UTC).

    A first or last interval that is not complete has what there is of it.  Raises TooCoarse.
    """
    if run.minutes == minutes:
        return run
    if minutes % run.minutes:
        raise TooCoarse(asked_minutes=minutes, measured_minutes=run.minutes)
    step = minutes // run.minutes
    behind = (run.start - EPOCH) % timedelta(minutes=minutes)
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
    covering: Callable[[Period, Channel], list[Run]], period: Period, asked: Peak
) -> list[Run]:
    """The runs whose largest value is the demand: Wh, or Wh² + varh² for kVA."""
    active = [_windowed(run, asked) for run in covering(period, "import")]
    if asked.unit == "kW":
        return active
    reactive = [_windowed(run, asked) for run in covering(period, "reactive")]
    if [(a.start, a.minutes) for a in active] != [(b.start, b.minutes) for b in reactive]:
        raise NotAligned
    return [
        replace(a, wh=squared(a.wh) + squared(b.wh), facts=a.facts + b.facts)
        for a, b in zip(active, reactive, strict=True)
    ]


def _windowed(run: Run, asked: Peak) -> Run:
    taken = asked.longer == "taken" and run.minutes >= (asked.minutes or 0)
    return run if asked.minutes is None or taken else resampled(run, asked.minutes)


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
