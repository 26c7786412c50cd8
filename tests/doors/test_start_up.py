"""A command loads what it needs and no more; the list of commands is that of the code."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from api.cli import PLACES, loaded
from api.cli.trouble import BEFORE, TOLD
from replay.server.embedded import Server

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {
    "api.dispatch",
    "api.demo",
    "eventsourcing",
    "fastapi",
    "jwt",
    "numpy",
    "psycopg",
    "strawberry",
    "uvicorn",
}
WEB = {"api.demo", "fastapi", "strawberry", "uvicorn"}
RUN = """
import json, sys
sys.argv[0] = "wattledger"
from api.cli import main
try:
    main()
finally:
    sys.stderr.write("\\nloaded:" + json.dumps(list(sys.modules)))
"""
RATE = (
    "rate",
    "domain/pricing/tariff/china/shenzhen-residential.json",
    "docs/examples/april.csv",
)


def run(folder: Path, *arguments: str, url: str | None = None) -> tuple[int, str, set[str]]:
    """Exit code, what was said, and which of the heavy modules were loaded."""
    environment = {"WATTLEDGER_DATA_DIR": str(folder / "data"), "PATH": "/usr/bin:/bin"}
    if url is not None:
        environment["WATTLEDGER_DATABASE_URL"] = url
    ended = subprocess.run(
        (sys.executable, "-c", RUN, *arguments),
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    said, _, modules = ended.stderr.rpartition("\nloaded:")
    assert "Traceback" not in said
    return ended.returncode, ended.stdout + said, HEAVY & set(json.loads(modules))


@pytest.mark.parametrize(
    "arguments", [("--help",), ()], ids=["asked for help", "nothing given"]
)
def test_the_list_of_commands_loads_none_of_them(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    _, said, found = run(tmp_path, *arguments)

    assert all(f"\n  {name} " in said for name in PLACES)
    assert not found


def test_rating_from_files_loads_no_database_and_no_web(tmp_path: Path) -> None:
    code, said, found = run(tmp_path, *RATE)

    assert code == 0, said
    assert found <= {"numpy"}


def test_rating_what_is_not_there_loads_no_more(tmp_path: Path) -> None:
    code, said, found = run(tmp_path, "rate", "nothing.json", "docs/examples/april.csv")

    assert code == 2
    assert "nothing.json" in said
    assert found <= {"numpy"}


def test_a_token_is_signed_without_a_database(tmp_path: Path) -> None:
    code, said, found = run(tmp_path, "token", "ada", "clerk")

    assert code == 0, said
    assert found <= {"jwt", "numpy"}


@pytest.mark.parametrize(
    ("arguments", "ends"), [(("doctor",), 0), (("prove", "1"), 2)], ids=["doctor", "prove"]
)
def test_what_opens_the_database_loads_no_web_and_no_demo(
    tmp_path: Path, server: Server, arguments: tuple[str, ...], ends: int
) -> None:
    with psycopg.connect(server.database("postgres"), autocommit=True) as db:
        db.execute("drop database if exists lean")
        db.execute("create database lean")

    code, said, found = run(tmp_path, *arguments, url=server.database("lean"))

    assert code == ends, said
    assert "psycopg" in found
    assert not found & WEB


@pytest.mark.parametrize("name", PLACES)
def test_the_list_says_what_the_command_says_of_itself(name: str) -> None:
    assert loaded(name).help.startswith(PLACES[name].says)


@pytest.mark.parametrize("name", sorted({*TOLD, *BEFORE}))
def test_errors_told_by_name_are_errors(name: str) -> None:
    module, _, kind = name.rpartition(".")

    found = getattr(importlib.import_module(module), kind)

    assert issubclass(found, Exception)
    assert f"{found.__module__}.{found.__qualname__}" == name
