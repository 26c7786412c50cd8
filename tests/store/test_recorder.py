"""The library's own suite for recorders, against ours; and its Application on top of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from typing import Any, cast
from uuid import uuid4

import pytest
from eventsourcing.application import Application
from eventsourcing.domain import (
    BaseAggregate,
    CanInitAggregate,
    CanMutateAggregate,
    MetaDomainEvent,
    event,
)
from eventsourcing.persistence import IntegrityError, StoredEvent
from eventsourcing.tests.persistence import ApplicationRecorderTestCase
from psycopg.conninfo import conninfo_to_dict

from replay.store.history import History
from replay.store.migrations import migrate
from replay.store.recorder import Datastore, Recorder
from tests.counters import counting


class TestOurRecorder(ApplicationRecorderTestCase[Recorder]):
    """Every test the library has for a recorder of applications."""

    recorder: Recorder

    @pytest.fixture(autouse=True)
    def _opened(self, database_url: str) -> Iterator[None]:
        datastore = Datastore(database_url)
        self.recorder = Recorder(datastore)
        self.recorder.create_table()
        yield
        self.recorder.close()
        datastore.close()

    def create_recorder(self) -> Recorder:
        return self.recorder

    def new_originator_id(self) -> str:
        return f"test-{uuid4()}"

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()

    def test_an_event_may_not_be_put_before_a_later_one(self) -> None:
        self.recorder.insert_events([StoredEvent("test-a", 5, "test.counted", b"{}")])
        with pytest.raises(IntegrityError):
            self.recorder.insert_events([StoredEvent("test-a", 3, "test.counted", b"{}")])


def test_what_history_writes_the_library_reads_and_the_other_way_round(
    database_url: str,
) -> None:
    migrate(database_url)
    with History(database_url) as history:
        fact = history.append(counting("a", 0)).facts[0]
        (stored,) = history.recorder.select_events("test-a")
        assert (stored.originator_version, stored.topic) == (1, "test.counted")

        again = StoredEvent("test-b", 1, stored.topic, stored.state)
        assert history.recorder.insert_events([again]) == [2]

        assert [each.event for each in history.since()] == [fact.event, fact.event]


class DogEvent(CanMutateAggregate[str], metaclass=MetaDomainEvent):
    """An event of the library's kind, with a text id as our streams have."""

    originator_id: str
    originator_version: int
    timestamp: datetime


class DogBorn(CanInitAggregate[str], DogEvent):
    originator_topic: str


class Dog(BaseAggregate[str]):
    """An aggregate of the library's own tutorial."""

    class Event(DogEvent):
        pass

    class Born(Event, DogBorn):
        pass

    @event("Born")
    def __init__(self) -> None:
        self.tricks: list[str] = []

    @staticmethod
    def create_id(*_: Any, **__: Any) -> str:
        return f"dog-{uuid4()}"

    @event("TrickAdded")
    def learn(self, trick: str) -> None:
        self.tricks.append(trick)


def test_an_application_of_the_library_runs_on_our_recorder(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("POSTGRES_")]:
        monkeypatch.delenv(name)
    parts = conninfo_to_dict(database_url)
    application = Application[str](
        env={
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "APPLICATION_RECORDER_TOPIC": "replay.store.recorder:Recorder",
            "POSTGRES_DBNAME": str(parts["dbname"]),
            "POSTGRES_HOST": str(parts["host"]),
            "POSTGRES_PORT": str(parts["port"]),
            "POSTGRES_USER": str(parts["user"]),
            "POSTGRES_PASSWORD": "trusted on this socket",
            "POSTGRES_SCHEMA": "history",
            "ORIGINATOR_ID_TYPE": "text",
        }
    )
    with application:
        dog = Dog()
        dog.learn("sit")
        application.save(dog)
        dog.learn("roll over")
        recordings = application.save(dog)

        copy: Dog = application.repository.get(dog.id)
        assert copy.tricks == ["sit", "roll over"]
        assert [recording.notification.id for recording in recordings] == [3]
        assert [n.id for n in application.notification_log.select(1, 10)] == [1, 2, 3]
        cast("Recorder", application.recorder).close()
