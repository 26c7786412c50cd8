"""The library's recorder over our batcher: the one way in which events are written."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any, cast
from uuid import UUID

import psycopg
from eventsourcing.persistence import (
    ApplicationRecorder,
    IntegrityError,
    OperationalError,
    StoredEvent,
    Subscription,
)
from eventsourcing.postgres import (
    PostgresApplicationRecorder,
    PostgresDatastore,
    PostgresSubscription,
)
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from replay.store.append import Overloaded, Stale, Unavailable
from replay.store.batcher import Batcher
from replay.store.entry import Entry, Written
from replay.store.migrations import migrate

SCHEMA = "history"
PLACE = ("dbname", "host", "port", "user", "password")
SETTINGS = "-c timezone=UTC -c idle_in_transaction_session_timeout=10s"


class Datastore(PostgresDatastore):
    """The library's pool of connections, from a database URL with all it says (TLS too)."""

    def __init__(self, database_url: str, *, pool_size: int = 4, pool_max: int = 16) -> None:
        parts = conninfo_to_dict(database_url)
        super().__init__(
            dbname=str(parts.get("dbname", "")),
            host=str(parts.get("host", "")),
            port=str(parts.get("port", "")),
            user=str(parts.get("user", "")),
            password=str(parts.get("password", "")),
            schema=SCHEMA,
            originator_id_type="text",
            idle_in_transaction_session_timeout=10,
            pool_size=pool_size,
            max_overflow=pool_max - pool_size,
        )
        options = " ".join(filter(None, (str(parts.pop("options", "")), SETTINGS)))
        self.url = make_conninfo(database_url, options=options)
        kwargs = self.pool.kwargs
        assert isinstance(kwargs, dict)
        row_factory = kwargs["row_factory"]
        kwargs.clear()
        kwargs.update(conninfo_to_dict(self.url), row_factory=row_factory)


class Following(PostgresSubscription):
    """
    The library's subscription, which looks once more when it has begun to listen.

    The library reads what is there, and begins to listen some time later: what is recorded
    between the two it hears of only when something else is recorded.
    """

    _recorder: Recorder

    def _listen(self) -> None:
        try:
            with psycopg.connect(self._recorder.url, autocommit=True) as ear:
                ear.execute(f"LISTEN {SCHEMA}")
                while not self._has_been_stopped:
                    self._has_been_notified.set()
                    list(ear.notifies(timeout=0.5, stop_after=1))
        except BaseException as wrong:
            self._thread_error = self._thread_error or wrong
            self.stop()


class Recorder(PostgresApplicationRecorder):
    """
    Reads as the library reads; writes by handing entries to the batcher.

    One difference from the library's: an event is refused unless it is newer than all of its
    stream, where the library would let a stream be filled in backwards.
    """

    def __init__(
        self, datastore: PostgresDatastore, *, events_table_name: str = "events"
    ) -> None:
        del events_table_name  # the migrations name the table
        super().__init__(datastore, events_table_name="events")
        self.channel_name = SCHEMA
        self.url = _url(datastore)
        self.batcher = Batcher(self.url)

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> Subscription[ApplicationRecorder]:
        """Notifications after a position, as they are recorded."""
        return Following(recorder=self, gt=gt, topics=topics)

    def create_table(self) -> None:
        """Apply the migrations, which are how our tables come to be."""
        migrate(self.url)
        self.datastore.register_type_adapters()

    def close(self) -> None:
        """Write what is queued, then stop writing."""
        self.batcher.close()

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """Write the events, all or none, in order; their positions."""
        del kwargs  # the library passes what only its process recorders use
        if not stored_events:
            return None
        lines = [
            (_text(e.originator_id), e.originator_version, e.topic, e.state)
            for e in stored_events
        ]
        lowest: dict[str, int] = {}
        newest: dict[str, int] = {}
        for stream, version, _, _ in lines:
            if version <= newest.get(stream, -1):
                raise IntegrityError(f"{stream} {version} comes twice or out of order")
            lowest.setdefault(stream, version)
            newest[stream] = version
        future: Future[Written] = Future()
        seen = [(stream, -version - 1) for stream, version in lowest.items()]
        try:
            self.batcher.submit(Entry(lines, seen, _itself, future=future))
            written = future.result()
        except Stale as wrong:
            raise IntegrityError("an event with that version is there") from wrong
        except (Overloaded, Unavailable) as wrong:
            raise OperationalError(str(wrong)) from wrong
        return list(range(written.first, written.last + 1))


def _url(datastore: PostgresDatastore) -> str:
    """Where a pool connects to, for the one connection that is not in it."""
    if isinstance(datastore, Datastore):
        return datastore.url
    kwargs = cast("dict[str, Any]", datastore.pool.kwargs)
    return make_conninfo(**{name: v for name, v in kwargs.items() if name in PLACE and v})


def _itself(written: Written) -> Written:
    return written


def _text(stream: UUID | str) -> str:
    return str(stream)
