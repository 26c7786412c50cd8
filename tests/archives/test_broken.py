"""An archive that was changed is refused, with the place of what was changed."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import psycopg
import pytest

from replay.archives.archive import (
    MANIFEST,
    PARTIAL,
    check,
    export,
)
from replay.archives.chunks import ArchiveBroken, fact_line, fact_of
from replay.archives.restore import restore
from replay.store.history import History, HistoryBroken
from tests.archives.conftest import contents, nothing_in, rows_in
from tests.counters import counting

# What is wrong is told with its place, and nothing is done

SECOND = "facts-000000000011.jsonl.gz"


def changed_line(folder: Path, old: bytes = b'"many":13', new: bytes = b'"many":99') -> None:
    lines = gzip.decompress((folder / SECOND).read_bytes())
    at = lines.replace(old.replace(b'"', b'\\"'), new.replace(b'"', b'\\"'), 1)
    assert at != lines
    (folder / SECOND).write_bytes(gzip.compress(at))


def changed_byte(folder: Path) -> None:
    content = bytearray((folder / SECOND).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / SECOND).write_bytes(content)


def cut_short(folder: Path) -> None:
    content = (folder / SECOND).read_bytes()
    (folder / SECOND).write_bytes(content[: len(content) // 2])


def lines_swapped(folder: Path) -> None:
    lines = gzip.decompress((folder / SECOND).read_bytes()).splitlines(keepends=True)
    lines[3], lines[4] = lines[4], lines[3]
    (folder / SECOND).write_bytes(gzip.compress(b"".join(lines)))


def line_gone(folder: Path) -> None:
    lines = gzip.decompress((folder / SECOND).read_bytes()).splitlines(keepends=True)
    (folder / SECOND).write_bytes(gzip.compress(b"".join(lines[:-1])))


def line_more(folder: Path) -> None:
    lines = gzip.decompress((folder / SECOND).read_bytes())
    more = fact_line(("a", 1, "b", b"{}", 21, datetime(2026, 1, 1, tzinfo=UTC)))
    (folder / SECOND).write_bytes(gzip.compress(lines + more + b"\n"))


def files_swapped(folder: Path) -> None:
    (folder / SECOND).rename(folder / "aside")
    (folder / "facts-000000000021.jsonl.gz").rename(folder / SECOND)
    (folder / "aside").rename(folder / "facts-000000000021.jsonl.gz")


def file_gone(folder: Path) -> None:
    (folder / SECOND).unlink()


def packed_anew(folder: Path) -> None:
    lines = gzip.decompress((folder / SECOND).read_bytes())
    (folder / SECOND).write_bytes(gzip.compress(lines, 9))


def manifest_changed(folder: Path) -> None:
    text = (folder / MANIFEST).read_text()
    (folder / MANIFEST).write_text(text.replace('"last": 35', '"last": 30'))


def manifest_cut(folder: Path) -> None:
    text = (folder / MANIFEST).read_text()
    (folder / MANIFEST).write_text(text[:-20])


def commands_gone(folder: Path) -> None:
    next(folder.glob("commands-*")).unlink()


@pytest.mark.parametrize(
    ("harm", "place"),
    [
        (changed_byte, rf"{SECOND}, line \d+, position \d+: "),
        (changed_line, rf"{SECOND}, line 4, position 14: the line is not what was written"),
        (cut_short, rf"{SECOND}, line \d+, position \d+: it cannot be unpacked"),
        (lines_swapped, rf"{SECOND}, line 4, position 14: here stands position 15"),
        (line_gone, rf"{SECOND}, line 10, position 20: it ends after 9 of 10 lines"),
        (line_more, rf"{SECOND}, line 11, position 21: it has more than its 10 lines"),
        (files_swapped, rf"{SECOND}, line 1, position 11: here stands position 21"),
        (packed_anew, rf"{SECOND}: it is not the file that was sealed"),
        (
            lambda folder: (folder / SECOND).unlink(),
            rf"{SECOND}, position 11: the file is miss",
        ),
        (manifest_changed, r"manifest.json: it is not what was sealed"),
        (manifest_cut, r"manifest.json: it cannot be read"),
        (lambda folder: (folder / MANIFEST).unlink(), r"manifest.json: .* is no archive"),
        (commands_gone, r"commands-.*: the file is missing"),
    ],
)
def test_what_was_changed_is_refused_with_its_place(
    archive: Path, empty_url: str, harm: Callable[[Path], object], place: str
) -> None:
    harm(archive)

    with pytest.raises(ArchiveBroken, match=place):
        restore(archive, empty_url)
    with pytest.raises(ArchiveBroken, match=place):
        check(archive)

    assert nothing_in(empty_url)


def test_who_seals_a_changed_fact_anew_does_not_come_to_the_same_root(
    archive: Path, empty_url: str
) -> None:
    manifest = json.loads((archive / MANIFEST).read_bytes())
    lines = gzip.decompress((archive / SECOND).read_bytes()).splitlines()
    row = fact_of(json.loads(lines[3]))
    lines[3] = fact_line((*row[:3], row[3].replace(b'"many":13', b'"many":99'), *row[4:]))
    packed = gzip.compress(b"\n".join(lines) + b"\n")
    (archive / SECOND).write_bytes(packed)
    manifest["files"][1]["sha256"] = sha256(packed).hexdigest()
    del manifest["seal"]
    plain = json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    manifest["seal"] = sha256(plain.encode()).hexdigest()
    (archive / MANIFEST).write_text(json.dumps(manifest))

    with pytest.raises(ArchiveBroken, match="do not lead to its root"):
        restore(archive, empty_url)

    assert nothing_in(empty_url)


def test_a_fact_changed_in_the_database_is_found_while_it_is_written(
    history: History, database_url: str, tmp_path: Path
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute("update history.events set state = '{}' where notification_id = 7")

    with pytest.raises(HistoryBroken, match="root"):
        export(history, tmp_path / "archive")


def test_the_tree_of_a_long_history_comes_back_with_its_nodes(
    history: History, database_url: str, empty_url: str, tmp_path: Path
) -> None:
    history.append(counting("long", 0, *range(1000)))

    manifest = export(history, tmp_path / "archive")
    restore(tmp_path / "archive", empty_url)

    for table in ("history.head", "history.nodes"):
        assert rows_in(empty_url, table) == rows_in(database_url, table)
    assert len(rows_in(empty_url, "history.nodes")) == 4 + 2 + 1  # of 256, 512, 1024 leaves
    with History(empty_url) as again:
        again.append(counting("more", 0, *range(300)))
        longer = export(again, tmp_path / "again")
    assert (longer.last, longer.log) == (1335, manifest.log)


def test_a_changed_file_is_not_gone_on_with(history: History, archive: Path) -> None:
    changed_line(archive)
    history.append(counting("more", 0))

    with pytest.raises(ArchiveBroken, match="position 14"):
        export(history, archive)

    assert PARTIAL not in contents(archive)
