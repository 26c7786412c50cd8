"""
Which time-of-use period each interval of a series is in, and sums and peaks over them.

Arrays of integers, last axis time: one meter or many, the same code.  What depends only on
calendar and clock is worked out once and kept.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from domain.pricing.calendars import Calendar, Schedule
from domain.values import Period, midnight

T = TypeVar("T")
Ints = NDArray[Any]  # int64, or Python integers where they may not fit


LIMIT = 2**62  # 64-bit integers below it can be added once without running over
HOUR = 60  # a value becomes a demand by at most as much


def integers_of(values: Any) -> Ints:
    """An array of integers, of 64 bits or of Python's where one does not fit."""
    try:
        return np.array(values, np.int64)
    except OverflowError:
        return np.array(values, object)


def fitting(values: Ints, factor: int) -> Ints:
    """The same integers; Python's where `factor` times one of them might not fit 64 bits."""
    if values.dtype == object or not values.size:
        return values
    largest = max(abs(int(values.max())), abs(int(values.min())))
    return values if largest * factor < LIMIT else values.astype(object)


def summable(values: Any, factor: int) -> Ints:
    """Values (last axis time) times a factor, such that their sums and demands fit."""
    made = integers_of(values)
    return fitting(made, factor * max(made.shape[-1], 1) * HOUR) * factor


class Remembered(Generic[T]):
    """
    The last answers, by the identity of some things and the value of others.

    Tariff documents never change, so identity is enough; the things are held, so an identity is
    never used twice.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: OrderedDict[Hashable, tuple[tuple[object, ...], T]] = OrderedDict()

    def get(self, things: tuple[object, ...], key: Hashable, make: Callable[[], T]) -> T:
        """The answer kept, or made now."""
        whole = (tuple(map(id, things)), key)
        found = self._kept.get(whole)
        if found is None:
            found = (things, make())
            self._kept[whole] = found
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
        return found[1]


@dataclass(frozen=True, slots=True)
class Runs:
    """Stretches of intervals in one period: where each begins, and which are in a period."""

    first: int  # index of the first interval, and of the one after the last
    last: int
    starts: NDArray[np.intp]  # relative to `first`
    members: tuple[tuple[str, NDArray[np.intp]], ...]  # period -> indices into starts

    def sums(self, wh: Ints) -> dict[str, Ints]:
        """Energy by period."""
        if self.first == self.last:
            return {}
        summed = np.add.reduceat(wh[..., self.first : self.last], self.starts, axis=-1)
        return {period: summed[..., at].sum(axis=-1) for period, at in self.members}

    def peaks(self, wh: Ints) -> dict[str, Ints]:
        """The largest value by period."""
        if self.first == self.last:
            return {}
        most = np.maximum.reduceat(wh[..., self.first : self.last], self.starts, axis=-1)
        return {period: most[..., at].max(axis=-1) for period, at in self.members}

    def fill(
        self, wh: Ints, limits: Mapping[str, list[Any]], before: Any
    ) -> dict[tuple[str, int], Ints]:
        """Energy by period and block, when one ladder fills from interval to interval."""
        mine = wh[..., self.first : self.last]
        after = np.cumsum(mine, axis=-1) + np.asarray(before)[..., None]
        ends = np.append(self.starts[1:], self.last - self.first) - 1
        closes = after[..., ends]
        opens = after[..., self.starts] - mine[..., self.starts]
        filled: dict[tuple[str, int], Ints] = {}
        for period, at in self.members:
            above: Any = 0
            for tier, limit in enumerate(limits[period]):
                upto = None if limit is None else np.asarray(limit)[..., None]
                low, high = (np.maximum(some[..., at] - above, 0) for some in (opens, closes))
                if upto is not None:
                    low, high = (np.minimum(some, upto - above) for some in (low, high))
                filled[period, tier] = (high - low).sum(axis=-1)
                above = upto
        return filled


_RUNS: Remembered[Runs] = Remembered(4096)


def runs(
    start: datetime,
    minutes: int,
    count: int,
    zone: str,
    period: Period,
    schedule: Schedule | None,
    calendar: Calendar,
) -> Runs:
    """The runs of a series of `count` intervals from `start` that begin within a period."""
    key = (start, minutes, count, zone, period.since, period.until)
    return _RUNS.get(
        (schedule, calendar),
        key,
        lambda: _runs(start, minutes, count, zone, period, schedule, calendar),
    )


def index_at(start: datetime, minutes: int, moment: datetime) -> int:
    """The first interval that begins at or after a moment."""
    return -((start - moment) // timedelta(minutes=minutes))


def _runs(
    start: datetime,
    minutes: int,
    count: int,
    zone: str,
    period: Period,
    schedule: Schedule | None,
    calendar: Calendar,
) -> Runs:
    first = max(0, index_at(start, minutes, midnight(period.since, zone)))
    last = min(count, index_at(start, minutes, midnight(period.until, zone)))
    first = min(first, count)
    last = max(first, last)
    if schedule is None:
        only = np.zeros(1, np.intp)
        return Runs(first, last, only, (("", only),))
    labels = _labels(start + timedelta(minutes=minutes * first), minutes, last - first, zone)
    periods = schedule.periods
    tables: dict[tuple[int, str, str], Any] = {}
    numbers = np.empty(last - first, np.int16)
    for n, local in enumerate(labels):
        day = local.date()
        variant = (day.month, calendar.season(day), calendar.kind(day))
        if variant not in tables:
            tables[variant] = schedule.day(*variant)
        numbers[n] = tables[variant][local.hour * 60 + local.minute]
    changes = np.flatnonzero(np.diff(numbers, prepend=np.int16(-1)))
    at = numbers[changes]
    members = tuple(
        (period, np.flatnonzero(at == n)) for n, period in enumerate(periods) if n in at
    )
    return Runs(first, last, changes, members)


def _labels(start: datetime, minutes: int, count: int, zone: str) -> list[datetime]:
    """The wall clock at the beginning of each interval."""
    local = ZoneInfo(zone)
    step = timedelta(minutes=minutes)
    return [(start + n * step).astimezone(local) for n in range(count)]
