"""The utility's own day: which day it is, in its zone, by the clock of this machine."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from domain.organisation.utility import utility
from replay.store.history import History

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
        assert utility.only is not None
        settings = {"utility": (utility, utility.stream(utility.only))}
        seen = self._history.cached(settings) or self._history.states(settings)
        return self._now().astimezone(ZoneInfo(seen["utility"].state.zone)).date()
