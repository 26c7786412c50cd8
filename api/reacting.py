"""Policies and the clock beside a server: what follows from what, and days that begin."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg.conninfo import conninfo_to_dict

from api.adopting import adopt
from api.dispatch import RequestContext
from api.local_day import Clock, clock
from api.system import Lagging, System, running
from domain.catalogue import POLICIES
from projections.kit.versions import TableGrowing
from replay.policies.days import DayClock
from replay.policies.runner import Runner
from replay.store.append import Unavailable

DUTY = "policy"


class Giver:
    """Asks for commands in the name of policies and of the clock."""

    def __init__(self, system: System) -> None:
        self._dispatch = system.dispatch

    def __call__(self, asked: object, by: str, key: str, correlation: str) -> object:
        """
        The answer to a command; its cause is its key.

        Raises what dispatch does; Unavailable too where tables are behind or grow anew, so
        that it is asked for again.
        """
        try:
            return self._dispatch(asked, RequestContext(by, DUTY, correlation, key, cause=key))
        except (Lagging, TableGrowing) as behind:
            raise Unavailable(f"the tables are behind: {behind}") from behind


def place(system: System) -> str:
    """Where policies answer: this folder, no copy of it; or the database of yours."""
    if system.settings.database_url is None:
        folder = system.settings.data_dir.resolve()
        return f"{folder} ({folder.stat().st_ino})"
    named = conninfo_to_dict(system.url)
    return "/".join(str(named.get(each, "")) for each in ("host", "port", "dbname"))


def runner(system: System) -> Runner:
    """The runner of all policies."""
    return Runner(system.history, Giver(system), system.url, POLICIES.values(), place(system))


def day_clock(system: System, now: Clock = clock) -> DayClock:
    """What begins days."""
    return DayClock(system.history, Giver(system), system.url, now)


@contextmanager
def reacting(system: System, now: Clock = clock) -> Iterator[None]:
    """Today's rules are adopted; policies answer and days begin as long as this lasts."""
    adopt(system)
    with (
        running("policies", runner(system).run),
        running("clock", day_clock(system, now).run),
    ):
        yield
