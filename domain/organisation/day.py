"""
Days: that a day began is a fact, so that what happens because time passed has a cause.

    ── begin-day ──▶ began

One stream a day, `day-2026-03-01`: whoever is first records it, and nobody twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from domain.kit import InTheFuture, Kind, Today, command, decision, event

# What can happen


@event("day.began", day="on")
class DayBegan:
    on: date


# What it then is


@dataclass(frozen=True, slots=True)
class Day:
    """Whether it began."""

    began: bool = False


def evolve(day: Day, happened: DayBegan) -> Day:
    """It began."""
    del day, happened
    return Day(began=True)


days: Kind[Day, DayBegan] = Kind("day", Day(), evolve)


# What can be asked


@command("begin-day", door=False)
class BeginDay:
    """Record that a local day of the utility has begun; the clock of the server asks it."""

    on: date

    @property
    def day(self) -> str:
        """The key of the day: 2026-03-01."""
        return self.on.isoformat()


# What we answer


@decision(refuses=(InTheFuture,))
def begin_day(asked: BeginDay, day: Day, today: Today) -> Iterator[DayBegan]:
    """Quiet when it is on record."""
    today.has_come(asked.on)
    if not day.began:
        yield DayBegan(on=asked.on)
