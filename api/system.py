"""A running utility: its database, history, tables, and who answers commands.  Wiring only."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import psycopg

from api.currency import keep
from api.dispatch import Dispatch
from api.local_day import Clock, LocalDay, clock
from api.settings import Settings
from domain.catalogue import EVENTS
from domain.customers.holding import Held, Supplies
from domain.organisation.duties import Holders
from domain.organisation.utility import utility
from domain.readings.imports import Imported
from projections.catalogue import PROJECTIONS, RETIRED
from projections.kit.ddl import SCHEMA
from projections.kit.postgres import PostgresTables, reading_pool
from projections.kit.versions import known, versions
from projections.organisation import duties_held
from replay.billing.holdings import Holdings
from replay.billing.imports import imported
from replay.billing.office import Billing
from replay.billing.wrong import WrongBills
from replay.proofs.checkpoints import Notary
from replay.proofs.cut import cut
from replay.server import embedded
from replay.store.history import History, Unavailable
from replay.store.migrations import keep_shapes, migrate, newer_shapes, pending
from replay.store.roles import application
from replay.store.upcasts import newest
from replay.tables.follow import Follower
from replay.tables.upgrade import Upgrade

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
def opened(
    settings: Settings, now: Clock = clock, *, follow: bool = True, upgrade: bool = True
) -> Iterator[System]:
    """
    Open the utility in the data folder (or the database given).

    With `follow` its tables are kept up with history meanwhile, and with `upgrade` those of an
    earlier release are rebuilt beside the old ones; who reads them before gets TableGrowing.
    What needs no table does without both.

    Raises embedded.NoDatabase, replay.store.history.Unavailable, and where the folder is one of
    a newer release FolderIsNewer or TablesAreNewer, before anything is written.
    """
    with ExitStack() as stack:
        owner, recovered = database(settings, stack)
        url = brought_up(owner, settings)
        history = stack.enter_context(History(url))
        history.broken = cut(url, settings.data_dir / WITNESS)
        keep(
            history.states({"utility": (utility, utility.stream("settings"))})["utility"].state
        )
        follower = Follower(history, url, PROJECTIONS)
        work = Upgrade(history, url, PROJECTIONS, RETIRED)
        pool = stack.enter_context(reading_pool(url))
        tables = PostgresTables(pool, PROJECTIONS)
        if follow:
            follower.begin()  # so that whoever is quicker than the follower finds tables
            stack.enter_context(running("follower", follower.run))
        found = tables.refresh()
        if (found.outdated or found.others) and follow and upgrade:
            stack.enter_context(running("upgrade", work.run))
        billing = Billing(history, tables, partial(caught_up, history, tables))
        today = LocalDay(history, now)
        needs = supplied(history, tables, billing, today)
        dispatch = Dispatch(history, needs, today, today.cached)
        yield System(settings, url, recovered, history, tables, follower, billing, dispatch)


def supplied(
    history: History, tables: PostgresTables, billing: Billing, today: Callable[[], date]
) -> dict[type, Callable[[object], object]]:
    """What decisions need beside streams, by type."""
    holdings = Holdings(tables, partial(caught_up, history, tables))
    return {
        **billing.supplies,
        Supplies: holdings.supplies,
        Held: holdings.held,
        Imported: partial(imported, history),
        Holders: lambda _: holders(history, tables, today()),
    }


def brought_up(owner: str, settings: Settings) -> str:
    """
    Bring the database to this release, but for its tables; the URL to use it with.

    Raises FolderIsNewer, TablesAreNewer, Unavailable.
    """
    # A test may declare events besides those of the trade; they are nobody else's.
    shapes = {
        name: newest(name)
        for name, event in EVENTS.items()
        if event.__module__.startswith("domain.")
    }
    try:
        with psycopg.connect(owner, autocommit=True) as db:
            pending(db)
            newer_shapes(db, shapes)
            known(versions(db, PROJECTIONS), RETIRED)
    except psycopg.OperationalError as wrong:
        raise Unavailable(f"no database: {wrong}") from wrong
    migrate(owner)
    keep_shapes(owner, shapes)
    # Ours: the application may add and read facts, no more.  Yours: as whom you say.
    return owner if settings.database_url else application(owner, (SCHEMA, f"{SCHEMA}_next"))


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


def holders(history: History, tables: PostgresTables, today: date) -> Holders:
    """Who holds which duties on a day, or will.  Raises Lagging."""
    caught_up(history, tables)
    found: dict[str, set[str]] = {}
    for held in tables.find(duties_held):
        if held.until is None or held.until > today:
            found.setdefault(held.person, set()).add(held.duty)
    return Holders({person: frozenset(duties) for person, duties in found.items()})


def review(system: System) -> WrongBills:
    """What keeps the list of the bills that would be others if calculated now."""
    return WrongBills(system.history, system.tables, system.url)


class NotRebuilt(Exception):
    """Tables of an earlier release could not be rebuilt; the log says why."""


def rebuilt(system: System, tell: Callable[[int, int], None] = lambda *_: None) -> None:
    """Wait until no table of an earlier release is left.  Raises NotRebuilt."""
    while system.tables.refresh().outdated:
        if not _is_running("upgrade"):
            raise NotRebuilt
        if (progress := system.tables.progress) is not None:
            tell(progress.position, progress.goal)
        time.sleep(0.1)


def _is_running(name: str) -> bool:
    return any(thread.name == name for thread in threading.enumerate())


@contextmanager
def notarised(system: System) -> Iterator[None]:
    """Checkpoints are signed as facts come, by count and by time, and once more at the end."""
    notary = Notary(system.history, system.url, system.witness)
    with running("notary", notary.run):
        yield


@contextmanager
def running(name: str, run: Callable[[threading.Event], None]) -> Iterator[None]:
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
