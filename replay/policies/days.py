"""Days begin: one fact a local day, in order, none left out, whoever slept."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date, datetime, timedelta
from threading import Event
from zoneinfo import ZoneInfo

import psycopg

from domain.organisation.day import BeginDay
from domain.organisation.utility import utility
from replay.policies.runner import Give
from replay.store.append import Overloaded, Stale, Unavailable
from replay.store.history import History

log = logging.getLogger("wattledger.days")

MISSED_MOST = 31  # days that are made up for without asking anybody
LOOK = 1.0  # seconds between two looks at the clock
CLOCK = "clock"  # by whom, in history

# Keys are dates, so that in any collation the last by name is the last by time.
LAST = (
    "SELECT max(originator_id) FROM history.events"
    " WHERE originator_id BETWEEN 'day-0001-01-01' AND 'day-9999-12-31'"
)


class TooManyMissed(Exception):
    """More days were missed than are made up for: `wattledger policies start` does it."""


def last_day(database_url: str) -> date | None:
    """The last day on record."""
    with psycopg.connect(database_url, autocommit=True) as db:
        row = db.execute(LAST).fetchone()
    return date.fromisoformat(row[0].partition("-")[2]) if row and row[0] else None


def begin_days(
    last: date | None, give: Give, today: date, *, missed_most: int | None = MISSED_MOST
) -> list[date]:
    """
    Record each day after the last one on record, in order; at first today alone.

    Raises TooManyMissed, and records nothing, when there are more than `missed_most`.
    """
    first = today if last is None else last + timedelta(days=1)
    due = [first + timedelta(days=n) for n in range((today - first).days + 1)]
    if missed_most is not None and len(due) > missed_most:
        raise TooManyMissed(f"{len(due)} days, from {first} to {today}")
    for day in due:
        give(BeginDay(on=day), CLOCK, f"day-{day}", f"day-{day}")
    return due


class DayClock:
    """Begins days as they come, once the utility is established.  `run` it in a thread."""

    def __init__(
        self, history: History, give: Give, database_url: str, now: Callable[[], datetime]
    ) -> None:
        self._history, self._give, self._url, self._now = history, give, database_url, now

    def run(self, stop: Event) -> None:
        """Look at the clock until told to stop."""
        reached: date | None = None
        told: date | None = None
        while not stop.wait(LOOK):
            try:
                today = self.today()
                if today is None or today in (reached, told):
                    continue
                begin_days(last_day(self._url), self._give, today)
                reached = today
            except TooManyMissed as wrong:
                told = today
                log.warning("%s (%s)", wrong.__doc__, wrong)
            except (psycopg.OperationalError, Unavailable, Stale, Overloaded) as away:
                log.info("the day is begun later: %s", away)

    def today(self) -> date | None:
        """The local day, by the earlier of our clock and the database's; None if nowhere."""
        assert utility.only is not None
        seen = self._history.states({"u": (utility, utility.stream(utility.only))})["u"].state
        if not seen.currency:
            return None
        with psycopg.connect(self._url, autocommit=True) as db:
            row = db.execute("SELECT now()").fetchone()
        assert row is not None
        earlier: datetime = min(self._now(), row[0])
        return earlier.astimezone(ZoneInfo(seen.zone)).date()
