"""Proofs from the command line: signed, printed, and checked with the public key alone."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import psycopg
import pytest

from api.dispatch import Dispatch, RequestContext
from domain.customers.customer import RegisterCustomer
from replay.proofs.audit import audit
from replay.proofs.checkpoints import Notary
from replay.server import embedded
from replay.store.history import History
from tests.doors.test_cli import Cli
from tests.town import town

VERIFIER = Path(__file__).resolve().parents[2] / "scripts" / "verify_history.py"


@pytest.fixture(scope="module")
def cli(server: embedded.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """A town of one home, with nothing signed yet."""
    folder = tmp_path_factory.mktemp("proofs")
    with psycopg.connect(server.database("postgres"), autocommit=True) as db:
        db.execute("create database proofs")
        with town(server.database("proofs"), folder) as made:
            made.story()
        yield Cli(server.database("proofs"), folder)
        db.execute("drop database proofs with (force)")


def test_what_is_signed_can_be_proven_to_whoever_has_the_public_key(
    cli: Cli, tmp_path: Path
) -> None:
    unsigned = cli("verify")
    assert "not proven" in unsigned
    assert "Everything agrees" not in unsigned
    assert "no checkpoint covers position 3" in cli("prove", "3", code=2)
    signed = cli.json("checkpoint")
    assert signed["signed"]["size"] > 20
    assert cli.json("checkpoint")["signed"] is None

    key = str(Path(signed["witness"]) / "verifier.txt")
    proof = tmp_path / "proof.json"
    proof.write_text(cli("prove", "3"))
    offline = Cli(None, tmp_path / "nowhere")
    assert offline("verify", "--proof", str(proof), "--verifier", key) == "The proof holds.\n"
    assert not (tmp_path / "nowhere").exists()
    stranger = [sys.executable, "-I", str(VERIFIER), "--proof", str(proof), "--verifier", key]
    assert subprocess.run(stranger, capture_output=True, check=False).returncode == 0

    moved = json.loads(proof.read_text()) | {"position": 4}
    proof.write_text(json.dumps(moved))
    found = offline.json("verify", "--proof", str(proof), "--verifier", key, code=1)
    assert found == {"holds": False, "why": "The proof does not hold."}


def test_a_notary_signs_by_time_and_a_command_line_beside_it_harms_nothing(cli: Cli) -> None:
    url = cli.environment["WATTLEDGER_DATABASE_URL"]
    witness = Path(cli.environment["WATTLEDGER_DATA_DIR"]) / "witness"
    stop = Event()
    with History(url) as history, ThreadPoolExecutor(1) as pool:
        dispatch = Dispatch(history, {})

        def register(customer: str) -> int:
            asked = RegisterCustomer(customer=customer, name="Ada")
            return dispatch(asked, RequestContext("ann", "clerk")).positions[-1]

        beside = Notary(history, url, witness, seconds=0.2)
        signing = pool.submit(beside.run, stop)
        try:
            signed_at_last(url, register("N1"))
            stop.set()
            signing.result(60)
            register("N2")
            assert cli.json("checkpoint")["signed"]["size"] == history.head()
            register("N3")
            beside.sign()
        finally:
            stop.set()
        found = audit(url, witness)
        assert (found.findings, found.facts) == ([], history.head())
        assert (witness / "leaves.bin").stat().st_size == 32 * history.head()


def signed_at_last(url: str, position: int) -> None:
    """Wait until a checkpoint covers a position; nobody has told the notary to stop."""
    until = time.monotonic() + 60
    with psycopg.connect(url, autocommit=True) as connection:
        while True:
            row = connection.execute("SELECT max(size) FROM history.checkpoints").fetchone()
            if row is not None and row[0] is not None and row[0] >= position:
                return
            assert time.monotonic() < until, "nothing was signed"
            time.sleep(0.05)


def test_an_altered_row_is_located_to_the_row_and_mended_by_a_rebuild(cli: Cli) -> None:
    cli("checkpoint")
    assert "Everything agrees." in cli("verify")  # and the tables have come to the end
    with psycopg.connect(cli.environment["WATTLEDGER_DATABASE_URL"]) as db:
        altered = "update books.accounts set balance = balance + 5 returning account, balance"
        key, balance = db.execute(altered).fetchone() or ("", 0)

    found = cli.json("verify", code=1)

    wrong = [each for check in found["checks"] for each in check["wrong"]]
    assert f"accounts '{key}': balance is {balance}, its facts say {balance - 5}" in wrong
    assert f"balance is {balance}, its facts say {balance - 5}" in cli("rebuild", code=1)
    assert "Everything agrees." in cli("verify")


def test_a_fact_that_was_changed_after_it_was_signed_is_located(cli: Cli) -> None:
    cli("checkpoint")
    assert "Everything agrees." in cli("verify")
    changing = "update history.events set state = replace(convert_from(state, 'UTF8'), %s, %s)"
    with psycopg.connect(cli.environment["WATTLEDGER_DATABASE_URL"]) as db:
        db.execute("set session_replication_role = replica")
        db.execute(changing.encode() + b"::bytea where notification_id = 2", ("Home", "Hame"))
    found = cli.json("verify", code=1)
    wrong = [each for check in found["checks"] for each in check["wrong"]]
    assert "position 2 is not what was recorded" in wrong


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("verify", "--proof", "there-is-none"), "needs --verifier"),
        (("verify", "--proof", "there-is-none", "--verifier", "x"), "cannot be read"),
        (("prove", "0"), "no checkpoint covers"),
        (("prove", "3", "--since", "1"), "no checkpoint of size"),
    ],
)
def test_what_cannot_be_proven_is_said(cli: Cli, words: tuple[str, ...], said: str) -> None:
    assert said in cli(*words, code=2)
