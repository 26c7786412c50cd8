"""Signed notes, the notary, proofs that can be handed out, and the audit of everything."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from replay.proofs.audit import audit
from replay.proofs.checkpoints import CHECKPOINTS, KEY, VERIFIER, Notary, kept_in
from replay.proofs.notes import Checkpoint, Forged, Signer, Verifier
from replay.proofs.proofs import NotSigned, consistency_proof, holds, inclusion_proof
from replay.store.append import HistoryBroken
from replay.store.history import History
from replay.store.migrations import migrate
from tests.counters import counting
from tests.meddling import altered, refit

# The example in the documentation of golang.org/x/mod/sumdb/note, where the format is from.
NEUMANN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SAID = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
SIGNED = (
    "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdng"
    "otpRZb6KE6RyyBwJnAM=\n"
)


def test_a_note_signed_by_another_program_is_verified() -> None:
    verifier = Verifier.parse(NEUMANN)

    assert verifier.signed(SAID + SIGNED) == SAID
    assert str(verifier) == NEUMANN
    for forged in (
        SAID.replace("answer", "question") + SIGNED,
        SAID + SIGNED.replace("Peter", "Paul"),
        SAID + SIGNED.replace("x08go", "x08gp"),
        SAID,
        "",
    ):
        with pytest.raises(Forged):
            verifier.signed(forged)


def test_a_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    first = Signer.kept("log", file)
    note = first.note(Checkpoint("log", 3, bytes(32)))

    again = Signer.kept("log", file)

    assert again.verifier == first.verifier
    assert Verifier.parse(str(again.verifier)).opened(note) == Checkpoint("log", 3, bytes(32))
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.fixture
def history(database_url: str) -> Iterator[History]:
    migrate(database_url)
    with History(database_url) as opened:
        yield opened


@pytest.fixture
def notary(history: History, database_url: str, tmp_path: Path) -> Notary:
    return Notary(history, database_url, tmp_path / "witness")


def verifier_of(folder: Path) -> Verifier:
    return Verifier.parse((folder / VERIFIER).read_text())


def test_checkpoints_are_signed_kept_twice_and_gone_on_from(
    history: History, notary: Notary, database_url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "witness"
    history.append(counting("a", 0, *range(300)))
    first = notary.sign()
    assert notary.sign() is None
    history.append(counting("b", 0, *range(7)))

    second = Notary(history, database_url, folder).sign()

    assert first is not None
    assert second is not None
    assert (first.size, second.size, first.log) == (300, 307, second.log)
    kept = kept_in(folder, verifier_of(folder))
    assert [each.checkpoint for each in kept] == [first, second]
    with psycopg.connect(database_url) as connection:
        notes = connection.execute("SELECT note FROM history.checkpoints ORDER BY size")
        assert [note for (note,) in notes] == [each.note for each in kept]
    found = audit(database_url, folder)
    assert (found.whole, found.facts, found.checkpoints) == (True, 307, 2)
    assert found.root == second.root


def test_the_notary_does_not_sign_what_was_changed_since_it_was_recorded(
    history: History, notary: Notary, database_url: str
) -> None:
    history.append(counting("a", 0, 1, 2, 3))
    notary.sign()
    history.append(counting("a", 3, 4, 5, 6))
    altered(database_url, "UPDATE history.events SET at = at + '1s' WHERE notification_id = 5")

    with pytest.raises(HistoryBroken, match="from 4 to 6"):
        notary.sign()


def test_the_notary_does_not_go_on_from_an_old_backup(
    history: History, notary: Notary, database_url: str
) -> None:
    history.append(counting("a", 0, 1, 2, 3))
    notary.sign()
    altered(database_url, "DELETE FROM history.events WHERE notification_id = 3")
    altered(database_url, "UPDATE history.head SET position = 2")

    with pytest.raises(HistoryBroken, match="3 facts were signed and 2 are there"):
        notary.sign()


def test_a_proof_of_every_fact_holds_and_of_no_other(
    history: History, notary: Notary, database_url: str, tmp_path: Path
) -> None:
    history.append(counting("a", 0, *range(600)))
    notary.sign()
    history.append(counting("b", 0, *range(431)))
    verifier = verifier_of(tmp_path / "witness")
    with psycopg.connect(database_url) as connection:
        with pytest.raises(NotSigned):
            inclusion_proof(connection, 601)
        notary.sign()
        for position in (1, 2, 255, 256, 257, 599, 600, 601, 1023, 1024, 1025, 1031):
            proof = inclusion_proof(connection, position)
            assert holds(proof, verifier)
            assert not holds({**proof, "position": position - 1}, verifier)
            assert not holds({**proof, "leaf": proof["leaf"][:-8] + "AAAAAAA="}, verifier)
            assert not holds({**proof, "path": proof["path"][:-1]}, verifier)
            with pytest.raises(Forged):
                holds({**proof, "checkpoint": proof["checkpoint"].replace("\n6", "\n7", 1)
                       .replace("\n1031", "\n1032", 1)}, verifier)  # fmt: skip
        grown = consistency_proof(connection, 600, 1031)
        assert holds(grown, verifier)
        assert not holds({**grown, "path": grown["path"][::-1]}, verifier)
        assert not holds({**grown, "old": grown["checkpoint"]}, verifier)
        with pytest.raises(NotSigned):
            consistency_proof(connection, 599, 1031)


def _rewritten(was: str, now: str) -> str:
    text = f"replace(convert_from(state, 'UTF8'), '{was}', '{now}')"
    return f"UPDATE history.events SET state = convert_to({text}, 'UTF8') WHERE {{where}}"


CHANGES = {
    "a changed amount": _rewritten('"many":', '"many":1'),
    "another author": _rewritten('"ada"', '"eve"'),
    "another time": "UPDATE history.events SET at = at - '1 us'::interval WHERE {where}",
    "another stream": "UPDATE history.events SET originator_id = 'test-other' WHERE {where}",
    "another name": "UPDATE history.events SET topic = 'test.renamed' WHERE {where}",
    "a fact taken out": "DELETE FROM history.events WHERE {where}",
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("hidden", [False, True], ids=["clumsy", "with the tree made to fit"])
def test_whatever_is_changed_is_found_and_located_to_the_fact(
    history: History,
    notary: Notary,
    database_url: str,
    tmp_path: Path,
    change: str,
    hidden: bool,
) -> None:
    history.append(counting("a", 0, *range(1, 401)))
    notary.sign()
    history.append(counting("b", 0, *range(1, 51)))
    n = random.randint(1, 400)
    altered(database_url, CHANGES[change].format(where=f"notification_id = {n}"))
    if hidden:
        refit(database_url)

    found = audit(database_url, tmp_path / "witness")

    assert not found.whole
    assert found.located == [n]
    without_leaves = tmp_path / "copy"
    shutil.copytree(tmp_path / "witness", without_leaves)
    (without_leaves / "leaves.bin").unlink()
    assert "the facts up to 400 are not those that were signed" in (
        audit(database_url, without_leaves).findings
    )


def test_facts_put_in_put_after_and_exchanged_are_found(
    history: History, notary: Notary, database_url: str, tmp_path: Path
) -> None:
    history.append(counting("a", 0, *range(50)))
    notary.sign()
    copied = (
        "INSERT INTO history.events SELECT 'test-x', 1, topic, state, {n}, at"
        " FROM history.events WHERE notification_id = 7"
    )
    altered(database_url, copied.format(n=51))
    assert audit(database_url, tmp_path / "witness").findings == [
        "there are 51 facts up to 51, and the head says 50"
    ]
    altered(database_url, "DELETE FROM history.events WHERE notification_id = 51")
    altered(database_url, copied.format(n=-1))
    assert not audit(database_url, tmp_path / "witness").whole
    altered(database_url, "DELETE FROM history.events WHERE notification_id = -1")
    assert audit(database_url, tmp_path / "witness").whole

    altered(
        database_url,
        "UPDATE history.events SET notification_id = -notification_id"
        " WHERE notification_id IN (8, 9);"
        "UPDATE history.events SET notification_id = 17 + notification_id"
        " WHERE notification_id < 0",
    )
    assert audit(database_url, tmp_path / "witness").located == [8, 9]


def test_an_old_backup_and_a_forked_history_are_found(
    history: History, notary: Notary, database_url: str, tmp_path: Path
) -> None:
    history.append(counting("a", 0, *range(30)))
    notary.sign()
    history.append(counting("a", 30, *range(20)))
    notary.sign()
    altered(
        database_url,
        "DELETE FROM history.events WHERE notification_id > 30;"
        "DELETE FROM history.checkpoints WHERE size > 30;"
        "UPDATE history.head SET position = 30",
    )
    refit(database_url)
    (finding,) = audit(database_url, tmp_path / "witness").findings
    assert finding.startswith("50 facts were signed and 30 are there")

    # It goes on, otherwise than before, and somebody with the key signs it.
    fork = tmp_path / "fork"
    fork.mkdir()
    shutil.copy(tmp_path / "witness" / KEY, fork / KEY)
    with History(database_url) as other:
        other.append(counting("a", 30, *range(100, 120)))
        Notary(other, database_url, fork).sign()

    found = audit(database_url, tmp_path / "witness")
    assert "two checkpoints of size 50 differ: history was forked" in found.findings
    assert found.located == list(range(31, 51))
    assert audit(database_url, fork).whole


def test_a_folder_that_was_tampered_with_is_not_believed(
    history: History, notary: Notary, database_url: str, tmp_path: Path
) -> None:
    history.append(counting("a", 0, *range(30)))
    notary.sign()
    file = tmp_path / "witness" / CHECKPOINTS
    line = file.read_text()

    file.write_text(line.replace('"note":"wattledger', '"note":"wattledge'))
    with pytest.raises(Forged):
        audit(database_url, tmp_path / "witness")
    first = line.split('"frontier":["')[1][:64]
    file.write_text(line.replace(first, "00" * 32))
    with pytest.raises(HistoryBroken):
        audit(database_url, tmp_path / "witness")
