"""What the role of the application may do, and that it can do no more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from replay.proofs.checkpoints import Notary
from replay.store.history import History
from replay.store.migrations import Migrated, known, migrate
from replay.store.roles import application
from tests.counters import counters, counting, stream
from tests.meddling import altered


@pytest.fixture
def application_url(database_url: str) -> Iterator[str]:
    migrate(database_url)
    database = psycopg.conninfo.conninfo_to_dict(database_url)["dbname"]
    role = f"application_of_{database}"
    yield application(database_url, role=role)
    with psycopg.connect(database_url) as connection:
        connection.execute(f"DROP OWNED BY {role}")
        connection.execute(f"DROP ROLE {role}")


def test_the_application_writes_reads_and_signs(application_url: str, tmp_path: Path) -> None:
    with History(application_url) as history:
        few = history.append(counting("a", 0, 1, 2, idempotency="few", digest=b"d"))
        many = history.append(counting("b", 0, *range(600), idempotency="many", digest=b"d"))
        Notary(history, application_url, tmp_path).sign()

        assert [fact.position for fact in few.facts + many.facts] == list(range(1, 603))
        assert history.append(counting("b", 0, idempotency="many", digest=b"d")).repeated
        assert history.states({"a": (counters, stream("a"))})["a"].version == 2
        assert len(list(history.since())) == 602


FORBIDDEN = (
    "UPDATE history.events SET at = now()",
    "DELETE FROM history.events",
    "TRUNCATE history.events",
    "ALTER TABLE history.events DISABLE TRIGGER ALL",
    "DROP TABLE history.events",
    "SET session_replication_role = replica",
    "UPDATE history.head SET position = 0",
    "DELETE FROM history.commands",
    "UPDATE history.commands SET digest = ''",
    "DELETE FROM history.checkpoints",
    "INSERT INTO history.nodes VALUES (8, 0, '')",
    "DELETE FROM history.migrations",
    "CREATE TABLE history.mine ()",
)


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_application_may_not(application_url: str, statement: str) -> None:
    with History(application_url) as history:
        history.append(counting("a", 0))

    with (
        psycopg.connect(application_url) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement.encode())


def test_even_the_owner_only_adds(database_url: str) -> None:
    migrate(database_url)
    with History(database_url) as history:
        history.append(counting("a", 0))

    for statement in FORBIDDEN[:3]:
        with (
            psycopg.connect(database_url) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(statement.encode())


def test_migrations_are_applied_once_and_never_edited(database_url: str) -> None:
    first = migrate(database_url)

    assert first == [f"{step.number:04}_{step.name}" for step in known()]
    assert migrate(database_url) == []
    altered(database_url, "UPDATE history.migrations SET checksum = '' WHERE number = 2")
    with pytest.raises(Migrated, match="0002"):
        migrate(database_url)
