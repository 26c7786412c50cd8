"""The same ledger as a projection of the eventsourcing library, run by its own runner."""

from __future__ import annotations

import time
from abc import abstractmethod
from functools import singledispatchmethod
from typing import Any
from urllib.parse import parse_qs, urlsplit

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking, TrackingRecorder
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.sql import SQL, Identifier


class Account(Aggregate):
    """Moves like the accounts of the benchmark."""

    @event("Opened")
    def __init__(self, name: str) -> None:
        self.name, self.balance = name, 0

    @event("Charged")
    def charge(self, name: str, bill: str, amount: int, on: str, due: str) -> None:  # noqa: ARG002
        self.balance += amount


class Accounts(Application[Any]):
    """Where they are kept."""


class View(TrackingRecorder):
    @abstractmethod
    def move(self, values: tuple[Any, ...], tracking: Tracking) -> None:
        """Keep a row of the ledger and the position, together."""


class PostgresView(PostgresTrackingRecorder, View):
    def __init__(self, datastore: PostgresDatastore, **kwargs: Any) -> None:
        super().__init__(datastore, **kwargs)
        table = SQL("{}.{}").format(Identifier(datastore.schema), Identifier("peer_ledger"))
        self._insert = SQL("INSERT INTO {} VALUES (%s, %s, %s, %s, %s, %s)").format(table)
        self.sql_create_statements.append(
            SQL(
                "CREATE TABLE IF NOT EXISTS {} (account text, position bigint, bill text,"
                " amount bigint, on_day text, due text, PRIMARY KEY (account, position))"
            ).format(table)
        )

    def move(self, values: tuple[Any, ...], tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(self._insert, values, prepare=True)


class Ledger(Projection[View]):
    name = "ledger"

    @singledispatchmethod
    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        if isinstance(domain_event, Account.Charged):  # type: ignore[attr-defined]
            e = domain_event
            values = (e.name, tracking.notification_id, e.bill, e.amount, e.on, e.due)
            self.view.move(values, tracking)


def facts_per_second(url: str, accounts: int = 150, movements: int = 20) -> float:
    """How fast the library's runner grows the ledger from nothing."""
    parts = urlsplit(url)
    said = parse_qs(parts.query)
    env = {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": parts.path.lstrip("/"),
        "POSTGRES_HOST": said["host"][0],
        "POSTGRES_PORT": said["port"][0],
        "POSTGRES_USER": said["user"][0],
        "POSTGRES_PASSWORD": "",
    }
    kept = Accounts(env)
    for n in range(accounts):
        account = Account(f"{n:06d}")
        for m in range(movements):
            account.charge(f"{n:06d}", f"{n:06d}-{m}", 1000 + m, "2026-01-01", "2026-01-15")
        kept.save(account)
    last = kept.recorder.max_notification_id()
    kept.close()
    begun = time.perf_counter()
    with ProjectionRunner(
        application_class=Accounts, projection_class=Ledger, view_class=PostgresView, env=env
    ) as runner:
        runner.wait(last, timeout=120)
    return (last or 0) / (time.perf_counter() - begun)
