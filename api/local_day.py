"""The utility's own day: which day it is, in its zone, by the clock of this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from domain.organisation.utility import utility
from replay.store.history import History, Seen

SETTINGS = {"utility": (utility, utility.stream(utility.only or ""))}

Clock = Callable[[], datetime]  # the instant, aware


def clock() -> datetime:
    """The instant by the clock of this machine, in UTC."""
    return datetime.now(UTC)


class LocalDay:
    """Says which day it is where the utility is; in UTC as long as none is established."""

    def __init__(self, history: History, now: Clock = clock) -> None:
        self._history, self._now = history, now

    def __call__(self) -> date:
        """Today.  Raises Unavailable."""
        return self._on(self._history.cached(SETTINGS) or self._history.states(SETTINGS))

    def cached(self) -> date | None:
        """The same from memory alone; None when the zone has to be read."""
        seen = self._history.cached(SETTINGS)
        return None if seen is None else self._on(seen)

    def _on(self, seen: Mapping[str, Seen]) -> date:
        return self._now().astimezone(ZoneInfo(seen["utility"].state.zone)).date()
