"""The verifier that uses nothing of ours agrees with our own audit, and finds what is wrong."""

from __future__ import annotations

import ast
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from replay.archives.archive import export
from replay.proofs.checkpoints import VERIFIER, Notary
from replay.proofs.proofs import consistency_proof, inclusion_proof
from replay.store.history import History
from replay.store.migrations import migrate
from tests.counters import counting
from tests.meddling import altered

VERIFY = Path(__file__).resolve().parents[2] / "scripts" / "verify_history.py"


def run(*words: object) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, VERIFY, *map(str, words)], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


@pytest.fixture
def history(database_url: str) -> Iterator[History]:
    migrate(database_url)
    with History(database_url) as opened:
        yield opened


@pytest.fixture
def witness(history: History, database_url: str, tmp_path: Path) -> Path:
    notary = Notary(history, database_url, tmp_path / "witness")
    history.append(counting("ångström", 0, *range(1, 301)))
    notary.sign()
    history.append(counting("b", 0, *range(1, 201)))
    notary.sign()
    return tmp_path / "witness"


def test_it_imports_nothing_of_ours() -> None:
    tree = ast.parse(VERIFY.read_text())
    names = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    rooms = {"api", "replay", "projections", "domain", "scripts", "tests", "eventsourcing"}

    assert not {name.partition(".")[0] for name in names} & rooms


def test_a_whole_history_holds_from_the_database_and_from_the_archive(
    history: History, database_url: str, witness: Path, tmp_path: Path
) -> None:
    export(history, tmp_path / "archive")

    for source in (("--database", database_url), ("--archive", tmp_path / "archive")):
        code, said = run(*source, "--witness", witness)
        assert "500 facts" in said
        assert "2 of 2 checkpoints fit" in said
        assert (code, said.splitlines()[-1]) == (0, "it holds")


def test_a_changed_fact_and_a_missing_one_are_named(database_url: str, witness: Path) -> None:
    changed, missing = random.sample(range(1, 501), 2)
    altered(
        database_url,
        "UPDATE history.events SET at = at + '1 us'::interval"
        f" WHERE notification_id = {changed};"
        f"DELETE FROM history.events WHERE notification_id = {missing}",
    )

    code, said = run("--database", database_url, "--witness", witness)

    assert code == 1
    assert f"WRONG: position {changed} is not what was recorded" in said
    assert f"WRONG: position {missing} is missing" in said


def test_a_shortened_history_and_a_foreign_key_are_refused(
    database_url: str, witness: Path
) -> None:
    altered(database_url, "DELETE FROM history.events WHERE notification_id > 300")
    code, said = run("--database", database_url, "--witness", witness)
    assert code == 1
    assert "WRONG: 500 facts were signed and 300 are there" in said

    foreign = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    code, said = run("--database", database_url, "--witness", witness, "--verifier", foreign)
    assert code == 1
    assert "not signed by PeterNeumann" in said


def test_single_proofs_hold_offline_and_changed_ones_do_not(
    database_url: str, witness: Path, tmp_path: Path
) -> None:
    file = tmp_path / "proof.json"
    with psycopg.connect(database_url) as connection:
        proofs = [inclusion_proof(connection, n) for n in (1, 256, 300, 301, 500)]
        proofs.append(consistency_proof(connection, 300, 500))
    for proof in proofs:
        file.write_text(json.dumps(proof))
        code, said = run("--proof", file, "--verifier", witness / VERIFIER)
        assert (code, said.splitlines()[-1]) == (0, "it holds")

        file.write_text(json.dumps({**proof, "path": ["00" * 32, *proof["path"][1:]]}))
        code, said = run("--proof", file, "--verifier", witness / VERIFIER)
        assert (code, said.splitlines()[-1]) == (1, "it does not hold")
