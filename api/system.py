"""A running utility: its database, history, tables, and who answers commands.  Wiring only."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from api.dispatch import Dispatch
from api.local_day import Clock, LocalDay, clock
from api.settings import Settings
from domain.billing.bill import BillCalculation
from projections.catalogue import PROJECTIONS
from projections.kit.postgres import PostgresTables, reading_pool
from replay.billing.office import Billing
from replay.proofs.checkpoints import Notary
from replay.server import embedded
from replay.store.history import History
from replay.store.migrations import migrate
from replay.store.roles import application
from replay.tables.follow import Follower

log = logging.getLogger("wattledger.system")

WITNESS = "witness"  # the folder of the notary in the data folder


@dataclass(frozen=True, slots=True)
class System:
    """What every door needs.  Thread-safe; one to a process."""

    settings: Settings
    url: str  # of the database
    recovered: str | None  # what the start had to put right
    history: History
    tables: PostgresTables
    follower: Follower
    billing: Billing
    dispatch: Dispatch

    @property
    def witness(self) -> Path:
        """The folder of the notary: what was signed, and with what."""
        return self.settings.data_dir / WITNESS


@contextmanager
def opened(settings: Settings, now: Clock = clock) -> Iterator[System]:
    """
    Open the utility in the data folder (or the database given), following history as it goes.

    Raises embedded.NoDatabase, replay.store.history.Unavailable, replay.tables.follow.Outdated.
    """
    with ExitStack() as stack:
        owner, recovered = database(settings, stack)
        migrate(owner)
        # Ours: the application may add and read facts, no more.  Yours: as whom you say.
        url = owner if settings.database_url else application(owner)
        history = stack.enter_context(History(url))
        follower = Follower(history, url, PROJECTIONS)
        follower.prepare()  # so that whoever is quicker than the follower finds tables
        pool = stack.enter_context(reading_pool(url))
        tables = PostgresTables(pool, PROJECTIONS)
        billing = Billing(history, tables, lambda: caught_up(history, tables))
        today = LocalDay(history, now)
        dispatch = Dispatch(history, {BillCalculation: billing.calculated}, today)
        stack.enter_context(_running("follower", follower.run))
        yield System(settings, url, recovered, history, tables, follower, billing, dispatch)


def database(settings: Settings, stack: ExitStack) -> tuple[str, str | None]:
    """The URL of the database, running as long as the stack; what its start put right."""
    if settings.database_url is not None:
        return settings.database_url.get_secret_value(), None
    server = stack.enter_context(embedded.start(settings.data_dir))
    return server.url, server.recovered


class Lagging(Exception):
    """The tables have not been folded up to now in time; try again in a moment."""


def caught_up(history: History, tables: PostgresTables, timeout: float = 10.0) -> int:
    """Wait until the tables show all of history; its head.  Raises Lagging."""
    head = history.head()
    until = time.monotonic() + timeout
    while not tables.wait_for(head, min(1.0, timeout)):
        if time.monotonic() > until or not _is_running("follower"):
            raise Lagging
    return head


def _is_running(name: str) -> bool:
    return any(thread.name == name for thread in threading.enumerate())


@contextmanager
def notarised(system: System) -> Iterator[None]:
    """Checkpoints are signed as facts come, by count and by time, and once more at the end."""
    notary = Notary(system.history, system.url, system.witness)
    with _running("notary", notary.run):
        yield


@contextmanager
def _running(name: str, run: Callable[[threading.Event], None]) -> Iterator[None]:
    """Run something beside us, in a thread of its own, until it is told to stop."""
    stop = threading.Event()

    def loudly() -> None:
        try:
            run(stop)
        except Exception:
            log.critical("the %s has stopped, and must be looked at", name, exc_info=True)

    thread = threading.Thread(target=loudly, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=30)
