"""A new release over an older folder, and an older program over a newer one."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from pydantic import SecretStr

from api.settings import Settings
from api.system import caught_up, opened, rebuilt
from projections.catalogue import PROJECTIONS
from projections.kit.ddl import SCHEMA
from replay.store.roles import application
from tests.doors.test_cli import Cli, free_port, token_in, until
from tests.meddling import altered
from tests.releases.folder import EXPECTED, restored

pytestmark = pytest.mark.timeout(900)  # a process for each command

NEXT = "import tests.releases.next_release; from api.cli import main; main()"
VERSION = {one.name: one.version for one in PROJECTIONS}


class NextCli(Cli):
    """The command line of the next release, over what an earlier one left."""

    def __init__(self, url: str, folder: Path, **asked: Any) -> None:
        super().__init__(url, folder)
        self.command = (sys.executable, "-c", NEXT)
        self.ask(**asked)

    def ask(self, **asked: Any) -> None:
        self.environment["NEXT_RELEASE"] = json.dumps(asked)


@pytest.fixture
def url(database_url: str) -> str:
    restored(database_url)
    return database_url


@pytest.fixture
def today(url: str, tmp_path: Path) -> Cli:
    """This release, over the folder of the first one, brought up to it."""
    with opened(Settings(database_url=SecretStr(url), data_dir=tmp_path / "data")) as it:
        rebuilt(it)
        caught_up(it.history, it.tables)
    return Cli(url, tmp_path / "data")


def said(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as db:
        cursor = db.execute(query.encode())
        return cursor.fetchall() if cursor.description else []


def version_of(url: str, table: str) -> int:
    [(version,)] = said(url, f"select version from books.progress where projection = '{table}'")
    return int(version)


def trial_balance(url: str) -> dict[str, int]:
    return dict(said(url, "select code, balance from books.trial_balance"))


def expected_balance() -> dict[str, int]:
    return {code: row["balance"] for code, row in EXPECTED["trial_balance"].items()}


@contextmanager
def serving(cli: Cli, screen: Path) -> Iterator[tuple[httpx2.Client, subprocess.Popen[bytes]]]:
    port = free_port()
    process = cli.start("serve", "--no-demo", "--port", str(port), into=screen)
    try:
        lines = until("serving on", screen, process).splitlines()
        named = {"Authorization": f"Bearer {token_in(lines)}"}
        address = f"http://127.0.0.1:{port}"
        with httpx2.Client(base_url=address, headers=named, timeout=60) as client:
            yield client, process
    finally:
        process.kill()
        process.wait()


def asked(client: httpx2.Client, query: str) -> Any:
    return client.post("/graphql", json={"query": query}).json()


ISSUE = {"account": "100001", "since": "2025-05-01", "until": "2025-06-01", "on": "2025-06-02"}


def only_what_changed_waits(client: httpx2.Client) -> None:
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    assert ready.json()["rebuilding"]["tables"] == ["accounts", "supplies"]
    assert "wattledger_tables_rebuilding 2" in client.get("/metrics").text
    [error] = asked(client, '{ account(number: "100001") { __typename } }')["errors"]
    assert error["extensions"]["code"] == "GROWING"
    assert error["extensions"]["details"]["table"] == "accounts"
    assert "errors" not in asked(client, '{ customer(number: "C1") { __typename } }')
    assert len(client.get("/feed?limit=3").json()) == 3
    refused = client.post("/commands/issue-bill", json=ISSUE)
    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/growing")
    assert int(refused.headers["retry-after"]) > 0
    grace = {"customer": "C999", "name": "Grace Hopper"}
    assert client.post("/commands/register-customer", json=grace).status_code == 201


def an_older_program_stops(today: Cli, url: str) -> None:
    before = said(url, "select * from books.progress order by 1")
    for command in ("rebuild", "serve"):
        told = today(command, code=1)
        assert f"accounts is at version {VERSION['accounts'] + 1}" in told
        assert f"this program knows {VERSION['accounts']}" in told
    assert said(url, "select * from books.progress order by 1") == before


def test_what_changed_grows_while_all_else_is_served_and_a_killed_one_goes_on(
    today: Cli, url: str, tmp_path: Path
) -> None:
    hold = tmp_path / "hold"
    hold.touch()
    changed = {"bump": ["supplies"], "column": ["accounts"]}
    newer = NextCli(url, tmp_path / "data", hold=str(hold), **changed)
    with serving(newer, tmp_path / "screen") as (client, process):
        only_what_changed_waits(client)
        tables = newer.json("doctor")["database"]["tables"]
        assert set(tables["to rebuild"]) == {"accounts", "supplies"}
        assert "facts" in tables["rebuild"]
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert version_of(url, "supplies") == VERSION["supplies"]
    assert said(url, "select 1 from pg_namespace where nspname = 'books_next'")
    newer.ask(**changed)
    with serving(newer, tmp_path / "screen") as (client, _):
        while client.get("/readyz").json()["rebuilding"]:
            assert client.get("/healthz").status_code == 200
        found = asked(client, '{ account(number: "100001") { __typename } }')
        assert found["data"]["account"] is not None
    assert newer.json("verify")["agrees"]
    assert version_of(url, "supplies") == VERSION["supplies"] + 1
    assert said(url, "select distinct seen_by_next from books.accounts") == [(7,)]
    assert trial_balance(url) == expected_balance()
    assert not said(url, "select 1 from pg_namespace where nspname = 'books_next'")
    an_older_program_stops(today, url)


def test_an_outdated_folder_is_rebuilt_by_hand_and_a_swap_is_whole_or_not(
    today: Cli, url: str, tmp_path: Path
) -> None:
    assert today.json("doctor")["database"]["tables"] == "up to date"
    changed = {"bump": ["bills"], "drop": ["settlements"], "add": True}
    newer = NextCli(url, tmp_path / "data", die="swap", **changed)
    newer.ended("rebuild", code=-signal.SIGKILL)
    assert version_of(url, "bills") == VERSION["bills"]
    assert said(url, "select to_regclass('books.settlements') is null") == [(False,)]
    newer.ask(**changed)
    told = newer.json("doctor")["database"]["tables"]
    assert told["to rebuild"] == {
        "bills": f"version {VERSION['bills']}, asked is {VERSION['bills'] + 1}",
        "registrations": "new",
    }
    assert told["to drop"] == ["settlements"]
    report = {each["projection"]: each for each in newer.json("rebuild")["tables"]}
    assert (report["bills"]["was"], report["registrations"]["was"]) == (VERSION["bills"], None)
    assert said(url, "select to_regclass('books.settlements') is null") == [(True,)]
    assert newer.json("doctor")["database"]["tables"] == "up to date"
    assert trial_balance(url) == expected_balance()
    assert "made by a newer release: bills is at" in today("doctor", code=1)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (
            "insert into history.migrations values (9999, 'lanes', 'x', now())",
            "0009999_lanes"[3:],
        ),
        ("update history.shapes set version = 99 where name = 'bill.issued'", "bill.issued"),
        ("insert into history.shapes values ('moon.landed', 1)", "moon.landed"),
    ],
)
def test_an_older_program_stops_before_it_writes(
    today: Cli, url: str, statement: str, told: str
) -> None:
    altered(url, statement)
    applied = said(url, "select * from history.migrations order by 1")
    assert told in today("doctor", code=1)
    assert said(url, "select * from history.migrations order by 1") == applied


def test_tables_of_another_owner_are_taken_over_by_the_application(url: str) -> None:
    """As in a folder from before the application had a role of its own."""
    for table in ("progress", "parked", "bills", "bills_past"):
        altered(url, f"alter table books.{table} owner to current_user")
    altered(url, "alter schema books owner to current_user")
    altered(url, "revoke all on all tables in schema history from wattledger_application")
    mine = application(url, (SCHEMA,))
    assert said(mine, "select count(*) from books.bills") == [(len(EXPECTED["bills"]),)]
    assert said(mine, "select max(notification_id) from history.events") == [
        (EXPECTED["head"],)
    ]
    said(mine, "create table books.more (a int); drop table books.bills")


UNREADABLE = "update history.events set state = convert_to(replace(convert_from(state, 'UTF8'),"
BREAK = f"{UNREADABLE} '{{\"v\":', '{{\"v\":9'), 'UTF8') where notification_id = "
MEND = f"{UNREADABLE} '{{\"v\":9', '{{\"v\":'), 'UTF8') where notification_id = "


def test_one_unreadable_fact_stops_one_stream_and_nobody_else(
    today: Cli, url: str, tmp_path: Path
) -> None:
    [(at, stream)] = said(
        url,
        "select notification_id, originator_id from history.events"
        " where topic = 'payment.received' order by 1 desc limit 1",
    )
    altered(url, f"{BREAK}{at}")
    assert today.json("rebuild", code=1)["differ"]
    with serving(today, tmp_path / "screen") as (client, _):
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
        assert any(stream in told for told in ready.json()["degraded"])
        page = client.get(f"/feed?after={at - 2}&limit=3")
        assert [int(each["sequence"]) for each in page.json()] == [at - 1, at, at + 1]
        marked = page.json()[1]
        assert marked["type"] == "wattledger.fact.unreadable.v1"
        assert (marked["subject"], marked["data"]["name"]) == (stream, "payment.received")
        assert "newer" in marked["data"]["reason"]
        assert "immutable" not in page.headers["cache-control"]
        answer = asked(client, "{ payments(first: 1) { __typename } }")
        assert "errors" not in answer
        assert {each["stream"] for each in answer["extensions"]["stale"]} == {stream}
    found = today.json("verify", code=1)
    wrong = {check["name"]: check["wrong"] for check in found["checks"] if check["wrong"]}
    assert any(stream in line for line in wrong["facts are read and folded"])
    assert "tables are what the facts say" not in wrong
    left = today.json("resume", code=1)
    assert {each["stream"] for each in left["parked"]} == {stream}
    altered(url, f"{MEND}{at}")
    assert today.json("resume")["parked"] == []
    assert trial_balance(url) == expected_balance()
