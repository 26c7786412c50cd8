"""
Bringing tables up to a new release: what changed is rebuilt beside the old, while others read.

Whoever comes first does it and holds a lock meanwhile; the others wait until it is done, or do
it when that one dies.  Nothing is half done: all new tables are swapped in by one transaction,
and what a killed rebuild left is cleared by the next.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from threading import Event
from typing import Any

import psycopg

from projections.kit.ddl import SCHEMA
from projections.kit.table import Projection
from projections.kit.versions import Versions, known, versions
from replay.store.append import Unavailable
from replay.store.history import History
from replay.tables.feed import Stopped
from replay.tables.rebuild import RebuildRunning, rebuild

log = logging.getLogger("wattledger.upgrade")

PATIENCE = 0.5  # seconds until it is looked again whether another process is done
TOLD = 10.0  # seconds between two lines in the log


class Upgrade:
    """Rebuilds the tables that are not those of these projections.  `run` it in a thread."""

    def __init__(
        self,
        history: History,
        database_url: str,
        projections: Iterable[Projection[Any]],
        retired: Iterable[str] = (),
        *,
        schema: str = SCHEMA,
    ) -> None:
        self._history, self._url = history, database_url
        self._projections, self._retired = tuple(projections), frozenset(retired)
        self._schema, self._told = schema, 0.0

    def run(self, stop: Event) -> None:
        """
        Rebuild what has to be, until nothing is left to do or told to stop.

        Raises TablesAreNewer.
        """
        while not stop.is_set():
            try:
                found = self.found()
                if not found.outdated and not found.others:
                    return
                self._rebuild(found, stop)
            except RebuildRunning:
                log.info("another process rebuilds the tables: %s", self._names(found))
                stop.wait(PATIENCE)
            except Stopped:
                log.info("stopped while tables were rebuilt; the next start does it again")
            except (psycopg.OperationalError, psycopg.InterfaceError, Unavailable) as away:
                log.warning("the database was lost while tables were rebuilt: %s", away)
                stop.wait(PATIENCE)

    def found(self) -> Versions:
        """What there is to do.  Raises TablesAreNewer."""
        with psycopg.connect(self._url, autocommit=True) as db:
            found = versions(db, self._projections, self._schema)
        known(found, self._retired)
        return found

    def _rebuild(self, found: Versions, stop: Event) -> None:
        for name, differs in found.changed.items():
            log.info("table %s is at %s", name, differs)
        log.info("tables are rebuilt beside the old ones: %s", self._names(found))
        report = rebuild(
            self._history,
            self._url,
            self._projections,
            sorted(found.outdated),
            self._progress,
            retired=sorted(found.others),
            schema=self._schema,
            stop=stop,
        )
        log.info(
            "%d tables are rebuilt and swapped in: %d facts in %.1f s",
            len(report.tables), report.facts, report.seconds,
        )  # fmt: skip

    def _progress(self, position: int, goal: int) -> None:
        if time.monotonic() - self._told > TOLD:
            self._told = time.monotonic()
            log.info("tables are rebuilt: %d of %d facts are folded", position, goal)

    def _names(self, found: Versions) -> str:
        return ", ".join(sorted(found.outdated | found.others))
