"""The command line as a user has it: a process, its answer, its exit code, one sentence."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from api.auth import Tokens, secret_of
from api.demo import town
from api.demo.meters import samples as real_meters
from api.settings import Settings
from api.system import caught_up, opened
from replay.server import embedded

ACCOUNT = town.home_key(3)
NAMES = (
    "serve follow demo import rate bill replay verify rebuild resume checkpoint prove export"
    " restore token doctor"
)
COMMAND = (sys.executable, "-c", "from api.cli import main; main()")


class Cli:
    """Runs `wattledger` on one database."""

    command = COMMAND

    def __init__(self, url: str | None, folder: Path) -> None:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("WATTLEDGER_")}
        self.environment = kept | {"WATTLEDGER_DATA_DIR": str(folder)}
        if url is not None:
            self.environment["WATTLEDGER_DATABASE_URL"] = url

    def __call__(self, *arguments: str, code: int = 0) -> str:
        """What it answered; what it complained of, when it failed."""
        ended = self.ended(*arguments, code=code)
        return ended.stderr if code else ended.stdout

    def json(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self.ended(*arguments, "--json", code=code).stdout)

    def ended(self, *arguments: str, code: int) -> subprocess.CompletedProcess[str]:
        ended = subprocess.run(
            (*self.command, *arguments),
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ended.returncode == code, ended.stdout + ended.stderr
        assert "Traceback" not in ended.stderr
        return ended

    def start(self, *arguments: str, into: Path) -> subprocess.Popen[bytes]:
        with into.open("wb") as file:
            return subprocess.Popen(
                (*self.command, *arguments), env=self.environment, stdout=file, stderr=file
            )


@pytest.fixture(scope="module")
def cli(server: embedded.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """A small town, looked at and not changed."""
    folder = tmp_path_factory.mktemp("cli")
    with psycopg.connect(server.database("postgres"), autocommit=True) as db:
        db.execute("create database cli")
        url = server.database("cli")
        with opened(Settings(database_url=url, data_dir=folder)) as it:
            town.found(it, count=7, months=3)
            caught_up(it.history, it.tables, 60)
        yield Cli(url, folder)
        db.execute("drop database cli with (force)")


@pytest.fixture
def empty(database_url: str, tmp_path: Path) -> Cli:
    return Cli(database_url, tmp_path / "data")


# What it answers


def test_help_names_every_command(empty: Cli) -> None:
    told = empty("--help")
    for name in NAMES.split():
        assert f"\n  {name} " in told


def test_doctor_shows_settings_and_hides_secrets(cli: Cli) -> None:
    cli.environment["WATTLEDGER_SECRET"] = "s" * 40
    found = cli.json("doctor")
    del cli.environment["WATTLEDGER_SECRET"]
    assert found["settings"]["WATTLEDGER_SECRET"] == "**********"
    assert found["settings"]["WATTLEDGER_DATABASE_URL"] == "**********"
    assert found["database"]["lag"] == 0
    assert found["database"]["parked streams"] == []
    assert found["database"]["head"] == found["database"]["folded to"] > 0
    assert "postgres" in cli("doctor")


def test_replay_shows_an_account_as_it_was_known(cli: Cli) -> None:
    now = cli.json("replay", f"account-{ACCOUNT}")
    assert [fact["version"] for fact in now["facts"]] == list(range(1, len(now["facts"]) + 1))
    assert now["account"]["balance"] == sum(m["amount"] for m in now["account"]["movements"])
    assert len(now["account"]["bills"]) == 3
    charged = [fact for fact in now["facts"] if fact["name"] == "account.debited"]
    at = charged[1]["position"]
    then = cli.json("replay", f"account-{ACCOUNT}", "--known-at", str(at))
    assert then["known_at"] == at
    assert [bill["bill"] for bill in then["account"]["bills"]] == [
        f"{ACCOUNT}-2025-01",
        f"{ACCOUNT}-2025-02",
    ]
    assert {fact["position"] <= at for fact in then["facts"]} == {True}
    before = [m["amount"] for m in now["account"]["movements"] if m["position"] <= at]
    assert then["account"]["balance"] == sum(before)
    instant = cli.json("replay", f"account-{ACCOUNT}", "--known-at", charged[1]["at"])
    assert instant["known_at"] >= at


def test_replay_as_of_a_day_leaves_out_what_is_dated_later(cli: Cli) -> None:
    now = cli.json("replay", f"account-{ACCOUNT}")
    first = now["account"]["bills"][0]
    then = cli.json("replay", f"account-{ACCOUNT}", "--as-of", first["on"])
    assert [bill["bill"] for bill in then["account"]["bills"]] == [first["bill"]]
    assert then["account"]["balance"] == first["issued"]
    assert [fact["name"] for fact in then["facts"]] == ["account.opened", "account.debited"]
    told = cli("replay", f"account-{ACCOUNT}")
    assert f"{ACCOUNT}-2025-01" in told
    assert re.search(r"amount \d+\.\d\d GBP", told)  # of an event
    bill = cli("replay", f"bill-{ACCOUNT}-2025-01")
    assert re.search(r"total \d+\.\d\d GBP", bill)
    assert re.search(r"issued \d+\.\d\d GBP", bill)  # of a row


def test_replay_as_of_a_day_goes_by_the_day_that_each_event_declares(cli: Cli) -> None:
    account = cli.json("replay", f"account-{ACCOUNT}")
    point = f"point-{account['rows']['supplies'][0]['point']}"
    now = cli.json("replay", point)
    supplied = [fact for fact in now["facts"] if fact["name"] == "point.supplied"]
    assert supplied
    early = cli.json("replay", point, "--as-of", "2020-01-01")
    assert early["facts"] == []
    assert not any(early["rows"].values())
    since = supplied[0]["data"]["since"]
    then = cli.json("replay", point, "--as-of", since)
    assert supplied[0] in then["facts"]
    assert then["rows"]["supplies"]


def test_verify_and_rebuild_agree_with_what_is_there(cli: Cli) -> None:
    report = cli.json("verify")
    assert report["agrees"] is True
    assert report["wrong_now"] == cli.json("bill", "wrong")["count"] == 0
    assert all(check["looked_at"] and not check["wrong"] for check in report["checks"])
    grown = cli.json("rebuild", "accounts", "bills", "--compare-only")
    assert grown["differ"] == []
    assert {table["projection"] for table in grown["tables"]} == {"accounts", "bills"}


def test_a_bill_is_explained_down_to_facts_and_clauses(cli: Cli) -> None:
    lines = cli.json("bill", "why", f"{ACCOUNT}-2025-02")
    [units] = [line for line in lines if line["code"] == "units"]
    leaves = json.dumps(units["why"])
    assert f"meter-M{ACCOUNT}@" in leaves
    assert "charges[units]" in leaves
    assert "charges[VAT].rate" in cli("bill", "why", f"{ACCOUNT}-2025-02", "--line", "VAT")
    touched = cli.json("bill", "touched", f"meter-M{ACCOUNT}@2")
    assert [each["bill"] for each in touched][:1] == [f"{ACCOUNT}-2025-01"]
    assert {each["difference"] for each in touched} == {0}


def test_bills_of_a_month_are_issued_once(cli: Cli) -> None:
    run = cli.json("bill", "run", "2025-04", "--on", "2025-05-03")
    assert run["issued"] == 7 if real_meters() else 10  # the real ones end in 2022
    assert run["total"] > 0
    assert run["refused"] == []
    again = cli.json("bill", "run", "2025-04")
    assert (again["issued"], again["total"]) == (0, 0)
    told = cli("bill", "correct", f"{ACCOUNT}-2025-04")
    assert "right as it stands" in told
    refused = cli("bill", "issue", ACCOUNT, "2025-04-10", "2025-04-20", code=1)
    assert "bill-already-issued" in refused
    unread = cli.json("bill", "run", "2026-03", code=1)["refused"]
    assert {each["rule"] for each in unread} == {"period-not-measured"}


def test_a_token_is_one_of_ours(cli: Cli) -> None:
    token = cli("token", "ada", "billing", "--days", "2").strip()
    folder = Path(cli.environment["WATTLEDGER_DATA_DIR"])
    person = Tokens(secret_of(Settings(data_dir=folder))).read(token)
    assert (person.by, person.role) == ("ada", "billing")
    assert 1.9 < (person.expires - time.time()) / 86400 < 2.1
    assert "no duty 'king'" in cli("token", "ada", "king", code=2)
    assert "366" in cli("token", "ada", "admin", "--days", "9e9", code=2)


# What it refuses


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("frobnicate",), 2, "No such command"),
        (("replay",), 2, "Missing argument"),
        (("replay", "nothing"), 1, "no-such-stream"),
        (("replay", "account-nobody"), 1, "nothing-happened"),
        (("replay", f"account-{ACCOUNT}", "--known-at", "soon"), 2, "--known-at"),
        (("replay", f"account-{ACCOUNT}", "--as-of", "2025-02-30"), 2, "--as-of"),
        (("bill", "why", "none-2025-01"), 1, "bill-unknown"),
        (("bill", "touched", "meter-nobody@1"), 1, "no-such-fact"),
        (("bill", "run", "2025-13"), 2, "MONTH"),
        (("rebuild", "nothing"), 2, "nothing"),
        (("import", "readings", "/nowhere.csv"), 2, "does not exist"),
        (("demo", "town", "--accounts", "-1"), 2, "--accounts"),
        (("demo", "story", "--url", "http://127.0.0.1:1", "--token", "x"), 2, "twice"),
        (("demo", "story", "--url", "http://127.0.0.1:1"), 1, "does not answer"),
    ],
)
def test_what_is_refused_is_refused_in_a_sentence(
    cli: Cli, arguments: tuple[str, ...], code: int, said: str
) -> None:
    assert said in cli(*arguments, code=code)


def test_a_database_that_is_not_there_is_told_without_a_trace(tmp_path: Path) -> None:
    away = Cli("postgresql://127.0.0.1:1/none", tmp_path / "data")
    told = away("doctor", code=1)
    assert "database" in told
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "letter.txt").write_text("dear")
    told = Cli(None, foreign)("doctor", code=1)
    assert "letter.txt" in told


def test_a_wrong_setting_is_told_by_its_name(empty: Cli) -> None:
    empty.environment["WATTLEDGER_PORT"] = "many"
    assert "port" in empty("doctor", code=2).lower()


# Files


def test_a_file_is_imported_once_and_its_broken_line_is_named(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "readings.csv"
    file.write_text(f"meter,on,register,reading\nM{ACCOUNT},2026-02-01,1.8.0,99998\n")
    assert cli.json("import", "readings", str(file))["accepted"] == 1
    assert cli.json("import", "readings", str(file))["repeated"] == 1
    file.write_text(file.read_text() + f"M{ACCOUNT},2026-03-01,1.8.0,x\n")
    report = cli.json("import", "readings", str(file), code=1)
    assert [(r["line"], r["column"], r["rule"]) for r in report["rejects"]] == [
        (3, "reading", "not-a-number")
    ]
    told = cli("import", "readings", str(file), code=1)
    assert "line 3, reading: not-a-number" in told  # on standard error, beside the answer


# Serving


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def until(said: str, file: Path, process: subprocess.Popen[bytes]) -> str:
    for _ in range(1200):
        text = file.read_text(errors="replace")
        if said in text:
            return text
        assert process.poll() is None, text
        time.sleep(0.05)
    raise AssertionError(file.read_text(errors="replace"))


@pytest.fixture
def served(empty: Cli, tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """A server that filled an empty folder: its address, and its first screen."""
    port, screen = free_port(), tmp_path / "screen"
    process = empty.start("serve", "--port", str(port), "--accounts", "20", into=screen)
    try:
        text = until("serving on", screen, process)
        yield f"http://127.0.0.1:{port}", text.splitlines()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
    assert "Traceback" not in screen.read_text()


def token_in(screen: list[str]) -> str:
    return screen[screen.index("A token for a day, with every right:") + 1]


def test_what_the_first_screen_says_can_be_done(
    empty: Cli, served: tuple[str, list[str]]
) -> None:
    url, screen = served
    [query] = [line.strip()[4:-1] for line in screen if line.strip().startswith("-d ")]
    request = urllib.request.Request(
        f"{url}/graphql",
        query.encode(),
        {"Authorization": f"Bearer {token_in(screen)}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        bill = json.load(response)["data"]["bill"]
    assert bill["lines"]
    assert all("STANDARD@" in line["why"]["text"] for line in bill["lines"])
    [replayed] = [line.split() for line in screen if " replay account-" in line]
    assert "Balance:" in empty(*replayed[1:5])


def test_the_story_is_the_same_over_http_and_in_process(
    empty: Cli, served: tuple[str, list[str]]
) -> None:
    url, screen = served
    over_http = empty.json("demo", "story", "--url", url)
    in_process = empty.json("demo", "story")
    second = empty("token", "grace", "admin").strip()
    tokens = ("--token", token_in(screen), "--token", second)
    by_tokens = empty.json("demo", "story", "--url", url, *tokens)
    for told in (over_http, by_tokens):
        assert list(told["notes"].values()) == list(in_process["notes"].values())
        assert told["balance_of_feed"] == told["balance_after"]
        assert told["ledger"] == in_process["ledger"]
        assert told["verified"] is None  # that is for who has the database
    assert in_process["verified"] is True


def test_a_filling_that_was_killed_goes_on_at_the_next_start(
    empty: Cli, database_url: str, tmp_path: Path
) -> None:
    screen = tmp_path / "screen"
    first = empty.start("serve", "--port", str(free_port()), "--accounts", "40", into=screen)
    with psycopg.connect(database_url, autocommit=True) as db:
        while facts(db) < 300:
            assert first.poll() is None, screen.read_text()
            time.sleep(0.02)
    first.kill()
    first.wait()
    second = empty.start("serve", "--port", str(free_port()), "--accounts", "40", into=screen)
    try:
        assert "goes on" in until("serving on", screen, second)
    finally:
        second.terminate()
        assert second.wait(30) == 0
    assert empty.json("verify")["agrees"] is True
    assert len(empty.json("replay", f"account-{town.home_key(40)}")["account"]["bills"]) == 12


def facts(db: psycopg.Connection[Any]) -> int:
    try:
        row = db.execute("select count(*) from history.events").fetchone()
    except psycopg.errors.UndefinedTable:
        return 0
    return int(row[0]) if row else 0


def test_a_follower_follows_until_it_is_told_to_stop(empty: Cli, tmp_path: Path) -> None:
    screen = tmp_path / "screen"
    process = empty.start("follow", into=screen)
    try:
        until("Following", screen, process)
        empty("demo", "story")
        process.send_signal(signal.SIGINT)
        assert process.wait(90) == 130
    finally:
        process.kill()
        process.wait()
    assert empty.json("doctor")["database"]["lag"] == 0


def test_no_demo_leaves_an_empty_folder_empty(empty: Cli, tmp_path: Path) -> None:
    port, screen = free_port(), tmp_path / "screen"
    process = empty.start("serve", "--port", str(port), "--no-demo", into=screen)
    try:
        until("serving on", screen, process)
        assert empty.json("doctor")["database"]["head"] == 0
    finally:
        process.terminate()
        assert process.wait(30) == 0
