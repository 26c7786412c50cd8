"""
Calendars of a tariff: seasons, holidays, and the time-of-use windows of a day.

A local day has 23, 24, 25 or 24.5 hours.  An interval of usage belongs to the window of the
wall clock at its beginning; nothing else is ever asked, so clock changes need no rule of their
own.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, StringConstraints

from domain.kit import value
from domain.values import Text

DAY_MINUTES = 24 * 60
Label: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[^\s,;:][^,;:]{0,38}$")]
MonthDay: TypeAlias = Annotated[
    str, StringConstraints(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")
]
Clock: TypeAlias = Annotated[
    str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$")
]
Month: TypeAlias = Annotated[int, Field(ge=1, le=12)]
Day: TypeAlias = Literal[
    "mon", "tue", "wed", "thu", "fri", "sat", "sun", "weekday", "weekend", "holiday"
]
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday")
GROUPS: dict[str, tuple[str, ...]] = {"weekday": DAYS[:5], "weekend": DAYS[5:7]}
LEAP = 2000  # a year with every day that a year can have


def _minute(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


@value
class Season:
    """A part of the year: whole months, or days from `since` to before `until` (may wrap)."""

    name: Label
    months: tuple[Month, ...] = ()
    since: MonthDay | None = None
    until: MonthDay | None = None

    def __post_init__(self) -> None:
        dates = (self.since, self.until)
        if bool(self.months) == all(dates) or any(dates) != all(dates):
            raise ValueError(f"season {self.name!r} is said by months, or by since and until")

    def __contains__(self, day: date) -> bool:
        if self.since is None or self.until is None:
            return day.month in self.months
        at = f"{day:%m-%d}"
        if self.since <= self.until:
            return self.since <= at < self.until
        return at >= self.since or at < self.until


@value
class Window:
    """
    Hours of some days that bear a period's name: 16:00 to 21:00 on weekdays in summer.

    `until` at or before `since` runs through midnight, into the small hours of the same day.
    """

    period: Label
    since: Clock = "00:00"
    until: Clock = "24:00"
    days: tuple[Day, ...] = ()
    months: tuple[Month, ...] = ()
    seasons: tuple[Label, ...] = ()

    def covers(self, day: str, month: int, season: str) -> bool:
        """Whether it has a say on such a day; `day` is one of DAYS."""
        if self.months and month not in self.months:
            return False
        if self.seasons and season not in self.seasons:
            return False
        return not self.days or any(day in GROUPS.get(said, (said,)) for said in self.days)

    def stretches(self) -> tuple[tuple[int, int], ...]:
        """From minute to minute of the day."""
        first, last = _minute(self.since), _minute(self.until)
        if first < last:
            return ((first, last),)
        return tuple(part for part in ((0, last), (first, DAY_MINUTES)) if part[0] < part[1])


@value
class Calendar:
    """The seasons and holidays that a tariff knows."""

    seasons: tuple[Season, ...] = ()
    holidays: tuple[date, ...] = ()

    def __post_init__(self) -> None:
        if not self.seasons:
            return
        for ordinal in range(date(LEAP, 1, 1).toordinal(), date(LEAP + 1, 1, 1).toordinal()):
            day = date.fromordinal(ordinal)
            found = [season.name for season in self.seasons if day in season]
            if len(found) != 1:
                told = " and ".join(found) or "no season"
                raise ValueError(f"{day:%m-%d} is in {told}; it must be in one season")

    def season(self, day: date) -> str:
        """The season that a day is in; "" in a tariff without seasons."""
        return next((season.name for season in self.seasons if day in season), "")

    def kind(self, day: date) -> str:
        """Which of DAYS a date is."""
        return "holiday" if day in self.holidays else DAYS[day.weekday()]

    def variants(self) -> Iterator[tuple[int, str, str]]:
        """Every (month, season, kind of day) that a year can show."""
        kinds = DAYS if self.holidays else DAYS[:7]
        for month in range(1, 13):
            days = (date(LEAP, month, n) for n in range(1, 29))
            last = (date(LEAP, month, n) for n in (29, 30, 31) if _exists(month, n))
            seasons = dict.fromkeys(self.season(day) for day in (*days, *last))
            yield from ((month, season, kind) for season in seasons for kind in kinds)


def _exists(month: int, day: int) -> bool:
    return day <= (29 if month == 2 else 30 if month in (4, 6, 9, 11) else 31)


@value
class Schedule:
    """
    A table of windows that gives every minute of every day one period.

    `otherwise` is the period of all minutes that no window claims.  `remainder` is the
    period that gets what a total register counts beyond the registers by period.
    """

    name: Text
    windows: tuple[Window, ...] = ()
    otherwise: Label | None = None
    remainder: Label | None = None

    @property
    def periods(self) -> tuple[str, ...]:
        """The names it gives, in the order in which they are first said."""
        named = [window.period for window in self.windows]
        return tuple(dict.fromkeys(named + ([self.otherwise] if self.otherwise else [])))

    def day(self, month: int, season: str, kind: str) -> NDArray[np.int16]:
        """
        For each of 1,440 minutes the number of its period.

        Raises ValueError naming the hour that has no period, or two.
        """
        table = np.full(DAY_MINUTES, -1, np.int16)
        periods = self.periods
        for window in self.windows:
            if not window.covers(kind, month, season):
                continue
            for first, last in window.stretches():
                taken = np.flatnonzero(table[first:last] >= 0)
                if taken.size:
                    other = periods[table[first + int(taken[0])]]
                    told = f"{other} and {window.period} both claim"
                    raise ValueError(
                        f"{told} {_spot(first + int(taken[0]), month, season, kind)}"
                    )
                table[first:last] = periods.index(window.period)
        free = np.flatnonzero(table < 0)
        if free.size and self.otherwise is None:
            raise ValueError(f"no period claims {_spot(int(free[0]), month, season, kind)}")
        if free.size:
            table[free] = periods.index(self.otherwise or "")
        return table

    def check(self, calendar: Calendar) -> None:
        """Raise ValueError naming the first hour left out or claimed twice."""
        if self.remainder is not None and self.remainder not in self.periods:
            raise ValueError(f"schedule {self.name!r}: no window gives {self.remainder!r}")
        for month, season, kind in calendar.variants():
            try:
                self.day(month, season, kind)
            except ValueError as wrong:
                raise ValueError(f"schedule {self.name!r}: {wrong}") from None


def _spot(minute: int, month: int, season: str, kind: str) -> str:
    when = f"{minute // 60:02}:{minute % 60:02} on {kind}"
    return f"{when} in month {month}" + (f" ({season})" if season else "")
