"""An archive: history in files that can be read again, restored, and not changed unnoticed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from eventsourcing.persistence import StoredEvent
from hypothesis import given
from hypothesis import strategies as st

from projections.catalogue import PROJECTIONS
from projections.kit.digest import digest
from projections.kit.postgres import PostgresTables, reading_pool
from replay.archives.archive import (
    MANIFEST,
    ArchiveBusy,
    NotThisHistory,
    check,
    export,
    manifest_of,
)
from replay.archives.chunks import ArchiveBroken, fact_line, fact_of
from replay.archives.keys import save
from replay.archives.restore import KeysMissing, NotEmpty, restore
from replay.store.history import History
from replay.store.migrations import migrate
from replay.tables.follow import Follower
from tests.archives.conftest import contents, rows_in
from tests.counters import counting
from tests.town import town


def test_a_town_comes_back_to_the_last_byte_and_so_do_its_tables(
    database_url: str, empty_url: str, tmp_path: Path
) -> None:
    with town(database_url, tmp_path / "data") as harbour:
        account = harbour.story()
        harbour.fast(account)
        harbour.settle()
        manifest = export(harbour.system.history, tmp_path / "archive", utility="Harbour Light")
        digests = [digest(harbour.system.tables, each) for each in PROJECTIONS]
    with psycopg.connect(database_url) as connection:
        assert save(connection, tmp_path / "keys") == 1

    with pytest.raises(KeysMissing, match="customer-C000120"):
        restore(tmp_path / "archive", empty_url)
    restored = restore(tmp_path / "archive", empty_url, keys=tmp_path / "keys")

    assert manifest.utility == "Harbour Light"
    assert restored.facts == manifest.last
    for table in ("history.events", "history.commands", "history.head", "history.nodes"):
        assert rows_in(empty_url, table) == rows_in(database_url, table)
    with History(empty_url) as again, reading_pool(empty_url) as pool:
        Follower(again, empty_url, PROJECTIONS).catch_up()
        tables = PostgresTables(pool, PROJECTIONS)
        assert [digest(tables, each) for each in PROJECTIONS] == digests


def test_a_command_that_was_answered_before_is_not_done_again_after_a_restore(
    archive: Path, empty_url: str
) -> None:
    restore(archive, empty_url)

    with History(empty_url) as history:
        again = history.append(counting(3, 0, 3, idempotency="k3", digest=bytes([3])))
        assert again.repeated
        assert [fact.position for fact in again.facts] == [4]
        assert history.append(counting(0, 7)).facts[0].position == 36


def test_history_goes_on_in_time_after_a_restore(archive: Path, empty_url: str) -> None:
    restore(archive, empty_url)

    with History(empty_url) as history:
        history.append(counting("new", 0))
        times = [fact.at for fact in history.since()]
    assert times == sorted(times)


def test_what_is_not_text_is_kept_as_well(
    history: History, database_url: str, empty_url: str, tmp_path: Path
) -> None:
    name = "tab\tnewline\nback\\slash \\x é"
    history.recorder.insert_events(
        [
            StoredEvent(name, n, name, state)
            for n, state in enumerate((b"\xff\x00\n", b"", b'{"a": "\\u00e9\\n"}'))
        ]
    )

    export(history, tmp_path / "archive")
    restore(tmp_path / "archive", empty_url)

    assert rows_in(empty_url, "history.events") == rows_in(database_url, "history.events")


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.binary(max_size=40),
    st.datetimes(timezones=st.just(UTC)),
    st.integers(1, 2**62),
)
def test_a_line_gives_back_the_fact_that_it_was_made_of(
    text: str, state: bytes, at: datetime, number: int
) -> None:
    row = (text, number, text, state, number, at)

    line = fact_line(row)

    assert b"\n" not in line
    assert fact_of(json.loads(line)) == row


def test_the_same_history_gives_the_same_bytes(
    history: History, archive: Path, tmp_path: Path
) -> None:
    export(history, tmp_path / "again", lines_most=10)

    assert contents(tmp_path / "again") == contents(archive)
    assert check(archive) == manifest_of(archive)


def test_a_run_that_was_cut_off_goes_on_behind_the_last_whole_file(
    history: History, archive: Path, tmp_path: Path
) -> None:
    cut = tmp_path / "cut"

    def stop(what: str, done: int, _: int) -> None:
        if (what, done) == ("facts written", 20):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(history, cut, lines_most=10, progress=stop)
    with pytest.raises(ArchiveBroken, match="never finished"):
        manifest_of(cut)
    (cut / "facts-000000000021.jsonl.gz.new").write_bytes(b"half a file")
    whole = {path.name: path.stat().st_ino for path in cut.glob("facts-*.gz")}

    told: list[tuple[str, int]] = []
    export(history, cut, lines_most=10, progress=lambda w, n, _: told.append((w, n)))

    assert contents(cut) == contents(archive)
    assert {name: (cut / name).stat().st_ino for name in whole} == whole
    assert told[:4] == [
        ("facts checked", 10),
        ("facts checked", 20),
        ("facts written", 30),
        ("facts written", 35),
    ]


def test_an_archive_grows_with_its_history(
    history: History, empty_url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "archive"
    early = export(history, folder, until=15, lines_most=10)
    check(folder)
    later = export(history, folder, lines_most=10)

    assert [chunk.count for chunk in early.facts] == [10, 5]
    assert [chunk.count for chunk in later.facts] == [10, 5, 10, 10]
    assert later.facts[:2] == early.facts
    assert [chunk.count for chunk in later.commands] == [10, 10, 10, 5]
    assert set(contents(folder)) == {MANIFEST, *(chunk.file for chunk in later.files)}
    assert restore(folder, empty_url).commands == 35


def test_a_part_of_history_is_a_history(
    history: History, empty_url: str, tmp_path: Path
) -> None:
    export(history, tmp_path / "archive", until=15)
    restore(tmp_path / "archive", empty_url)

    with History(empty_url) as part:
        assert list(part.since()) == list(history.since(until=15))
        assert part.outcome("ada", "k14") is not None
        assert part.outcome("ada", "k15") is None


def test_nothing_can_be_archived_too(database_url: str, empty_url: str, tmp_path: Path) -> None:
    migrate(database_url)
    with History(database_url) as history:
        export(history, tmp_path / "archive")

    assert restore(tmp_path / "archive", empty_url).facts == 0
    with History(empty_url) as history:
        assert history.append(counting("a", 0)).facts[0].position == 1


def test_only_an_empty_database_is_restored_into(archive: Path, database_url: str) -> None:
    before = rows_in(database_url, "history.events")

    with pytest.raises(NotEmpty):
        restore(archive, database_url)

    assert rows_in(database_url, "history.events") == before


def test_a_folder_of_something_else_is_left_alone(
    history: History, archive: Path, empty_url: str, tmp_path: Path
) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "to ada.txt").write_text("Dear Ada")
    with pytest.raises(NotThisHistory, match="to ada"):
        export(history, tmp_path / "letters")
    with pytest.raises(NotThisHistory, match="holds more"):
        export(history, archive, until=12)

    migrate(empty_url)
    with History(empty_url) as other:
        for n in range(40):
            other.append(counting("x", n))
        with pytest.raises(NotThisHistory, match="another history"):
            export(other, archive)


def test_two_do_not_write_into_one_folder(history: History, tmp_path: Path) -> None:
    def again(*_: object) -> None:
        with pytest.raises(ArchiveBusy):
            export(history, tmp_path / "archive")

    export(history, tmp_path / "archive", progress=again)


def test_a_position_that_is_not_reached_cannot_be_asked_for(
    history: History, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="35, not to 36"):
        export(history, tmp_path / "archive", until=36)
