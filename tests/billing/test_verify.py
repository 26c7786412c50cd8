"""Verify: what people look at is what the facts say, and it shows when it is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings

from domain.customers.account import AccountCredited, AccountDebited
from domain.kit import Fact, Refused
from projections.billing import Bill, bills
from projections.catalogue import PROJECTIONS, check
from projections.kit.digest import digest
from projections.kit.postgres import PostgresTables, reading_pool
from projections.kit.table import Table
from replay.billing.verify import VerifyReport, verify
from replay.store.append import Append
from replay.store.history import History
from replay.store.migrations import migrate
from replay.tables.follow import Follower
from tests.billing.test_correction import LATER, happen, late_facts, three_bills
from tests.town import MONTHS, Town, town
from tests.world import World


@pytest.fixture
def built(database_url: str, tmp_path: Path) -> Iterator[tuple[Town, str]]:
    with town(database_url, tmp_path) as made:
        account = made.story()
        made.fast(account, since=MONTHS[0].replace(day=16))
        for month in ("01", "02", "03"):
            made.settle()
            made.correct(account, f"{account}-2026-{month}")
        made.settle()
        yield made, database_url


def verified(made: Town) -> VerifyReport:
    return verify(made.system.history, made.system.tables, PROJECTIONS)


def test_a_utility_that_nobody_touched_agrees(built: tuple[Town, str]) -> None:
    report = verified(built[0])
    assert report.agrees, report
    assert report.position == built[0].system.history.head()
    assert report.checks[0].looked_at == len(PROJECTIONS)
    assert report.checks[4].looked_at == 3


@pytest.mark.parametrize(
    ("tampering", "found"),
    [
        (
            "update books.accounts set balance = balance - 1",
            "accounts is not what its facts say",
        ),
        ("update books.accounts_past set balance = 0", "accounts is not what its facts say"),
        ("delete from books.payments", "payments is not what its facts say"),
        ("update books.journal set amount = amount + 1 where code = '1200'", "is off by"),
        ("update books.trial_balance set balance = 0 where code = '1000'", "the trial balance"),
        ("update books.readings_past set counts = '{\"1.8.0\": 0}'", "calculated again"),
    ],
)
def test_a_table_that_was_touched_is_found(
    built: tuple[Town, str], tampering: str, found: str
) -> None:
    made, url = built
    with psycopg.connect(url) as connection:
        connection.execute(tampering.encode())
    report = verified(made)
    assert not report.agrees
    assert any(found in wrong for check in report.checks for wrong in check.wrong), report


def test_an_event_of_money_that_a_table_forgets_is_found(
    database_url: str, tmp_path: Path
) -> None:
    """The table is what its own fold says; only beside the others it shows."""
    fold = bills.project

    def forgetful(table: Table[str, Bill], fact: Fact) -> None:
        if not isinstance(fact.event, AccountCredited):
            fold(table, fact)

    object.__setattr__(bills, "project", forgetful)
    try:
        with town(database_url, tmp_path) as made:
            account = made.story()
            made.settle()
            made.pay("LATE", account, 500, MONTHS[2])
            made.settle()
            report = verified(made)
    finally:
        object.__setattr__(bills, "project", fold)
    assert [check.name for check in report.checks if check.wrong] == [
        "open items agree by account, by bill and by settlement"
    ]
    assert f"{account}-2026-01: the account says" in report.checks[3].wrong[0]


def test_a_table_folds_all_events_that_move_money_or_none() -> None:
    with pytest.raises(TypeError, match=r"bills moves money and forgets \['AccountCredited'\]"):
        check([replace(bills, events=(AccountDebited,))])
    check([replace(bills, events=())])


@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(late=late_facts)
def test_the_same_facts_fold_alike_into_memory_and_into_postgres(
    server_url: str, late: list[tuple[str, int, int]]
) -> None:
    world = three_bills()
    for n, (what, size, when) in enumerate(late):
        try:
            happen(world, what, size, when, n)
        except Refused:
            continue
        world.correct("A1", "A1-2026-01", "A1-2026-02", "A1-2026-03", on=LATER)
    name = "folds_alike"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"drop database if exists {name} with (force)".encode())
        connection.execute(f"create database {name}".encode())
    url = server_url.replace("/postgres?", f"/{name}?")
    migrate(url)
    with History(url) as history:
        remember(world, history)
        follower = Follower(history, url, PROJECTIONS, batch=7)
        follower.catch_up()
        with reading_pool(url) as pool:
            tables = PostgresTables(pool, PROJECTIONS)
            for projection in PROJECTIONS:
                assert digest(tables, projection) == digest(world.tables, projection)


def remember(world: World, history: History) -> None:
    for fact in world.facts:
        history.append(
            Append(
                happenings=((fact.stream, fact.event),),
                seen={fact.stream: fact.version - 1},
                by=fact.by,
                duty=fact.duty,
                cause=fact.cause,
                correlation=fact.correlation,
            )
        )
