"""The database in odd folders, as anybody, and in folders that it must leave alone."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from replay.server import embedded
from replay.server.folder import NoDatabase
from tests.server.processes import (
    USER,
    Process,
    ask,
    is_running,
)


@pytest.mark.parametrize(
    "name", ["with spaces", "über/電力", 'it\'s, "quoted"', "100%25 &?host=#", "x" * 120]
)
def test_any_name_will_do_for_a_folder(folder: Path, name: str) -> None:
    home = folder / name
    for _ in range(2):
        with embedded.start(home) as server:
            assert ask(server.url, "select 1") == 1
            socket = Path((home / "postgres" / "socket").read_text())
            assert socket.stat().st_mode & 0o077 == 0
    assert not is_running(home)
    assert socket == home / "postgres" or not socket.exists()
    assert {path.name for path in home.iterdir()} == {"postgres", "wattledger.json"}


def test_as_root_every_file_stays_root_s(folder: Path) -> None:
    owner = os.geteuid()
    with embedded.start(folder):
        owners = {path.stat().st_uid for path in (folder, *folder.rglob("*"))}
    assert owners == {owner}


FORBIDDING = """
import ctypes, os, sys
(is_in, entered), (is_mapped, mapped) = os.pipe(), os.pipe()
child = os.fork()
if not child:
    if ctypes.CDLL(None).unshare(0x10000000):
        sys.exit("not forbidden")
    os.write(entered, b".")
    os.read(is_mapped, 1)
    with open("/proc/sys/user/max_user_namespaces", "w") as limit:
        limit.write("0")
    os.execv(sys.argv[1], sys.argv[1:])
os.read(is_in, 1)
try:
    for ids in ("uid", "gid"):
        with open(f"/proc/{child}/{ids}_map", "w") as table:
            table.write("0 0 65536")
except OSError:
    os.kill(child, 9)
    sys.exit("not forbidden")
os.write(mapped, b".")
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""  # runs a command as root in a place where user namespaces are forbidden
ORDINARY = ("unshare", "--map-user=65534", "--map-group=65534")


@pytest.fixture
def ordinary() -> tuple[str, ...]:
    """Words before a command that make it an ordinary user's, who owns what we own."""
    ended = subprocess.run([*ORDINARY, "true"], capture_output=True, check=False)
    if os.geteuid() == 0 and ended.returncode:
        pytest.skip("this machine lets nobody into a user namespace")
    return ORDINARY if os.geteuid() == 0 else ()


def test_an_ordinary_user_may_run_it(
    folder: Path, start: Callable[..., Process], ordinary: tuple[str, ...]
) -> None:
    for _ in range(2):
        user = start(folder, USER, *ordinary)
        assert user.says().startswith("postgresql://")
        assert user.leave()[1] == ""


def test_a_folder_that_cannot_be_written_is_named(
    folder: Path, start: Callable[..., Process], ordinary: tuple[str, ...]
) -> None:
    folder.mkdir(mode=0o500)
    _, errors = start(folder, USER, *ordinary).leave()
    assert f"NoDatabase: {folder} cannot be written to: Permission denied" in errors


def test_where_namespaces_are_forbidden_root_gives_the_database_to_nobody(
    folder: Path, start: Callable[..., Process]
) -> None:
    def may_pass(path: Path) -> bool:
        return all(parent.stat().st_mode & 0o001 for parent in path.parents)

    folder.parent.chmod(0o711)
    user = start(folder, USER, sys.executable, "-c", FORBIDDING)
    _, errors = user.leave()
    if "not forbidden" in errors:
        pytest.skip("only root can forbid namespaces")
    if not may_pass(embedded.binaries() / "postgres"):
        assert "nobody may not pass through" in errors
        return
    assert errors == ""
    assert (folder / "postgres" / "cluster").stat().st_uid == pwd.getpwnam("nobody").pw_uid
    folder.parent.chmod(0o700)
    with pytest.raises(NoDatabase, match=rf"nobody may not pass through {folder.parent}\."):
        embedded.start(folder)
    folder.parent.chmod(0o711)
    with embedded.start(folder) as server:
        assert ask(server.url, "select 1") == 1


def test_a_full_disk_is_called_by_its_name(folder: Path, start: Callable[..., Process]) -> None:
    mount = f'mount -t tmpfs -o size=20m none {folder} && exec "$@"'
    folder.mkdir()
    user = start(folder, USER, "unshare", "-rm", "sh", "-c", mount, "sh")
    _, errors = user.leave()
    if "unshare" in errors or "mount:" in errors:
        pytest.skip("this machine lets nobody mount a small disk")
    assert f"NoDatabase: The disk that holds {folder} is full." in errors


def test_a_folder_of_somebody_else_is_left_alone(folder: Path) -> None:
    folder.mkdir()
    (folder / "thesis.txt").touch()
    with pytest.raises(NoDatabase, match=r"not a data folder of Wattledger.*thesis\.txt"):
        embedded.start(folder)
    assert [path.name for path in folder.iterdir()] == ["thesis.txt"]


def test_a_folder_of_a_newer_wattledger_is_refused(folder: Path) -> None:
    folder.mkdir()
    (folder / "wattledger.json").write_text('{"format": 99}')
    with pytest.raises(NoDatabase, match=r"newer Wattledger: it has format 99"):
        embedded.start(folder)


@pytest.mark.parametrize("text", ["", "[]", '{"format": "new"}'])
def test_a_folder_with_a_broken_mark_is_refused(folder: Path, text: str) -> None:
    folder.mkdir()
    (folder / "wattledger.json").write_text(text)
    with pytest.raises(NoDatabase, match=r"wattledger\.json cannot be read"):
        embedded.start(folder)


def test_a_folder_of_another_postgres_is_refused(folder: Path) -> None:
    with embedded.start(folder):
        pass
    (folder / "postgres" / "cluster" / "PG_VERSION").write_text("17\n")
    with pytest.raises(NoDatabase, match=r"made by Postgres 17; this is Postgres 18"):
        embedded.start(folder)


def test_a_file_is_no_folder(folder: Path) -> None:
    folder.touch()
    with pytest.raises(NoDatabase, match=r"cannot be used"):
        embedded.start(folder)


def test_what_postgres_says_is_passed_on(folder: Path) -> None:
    with embedded.start(folder):
        pass
    (folder / "postgres" / "cluster" / "postgresql.conf").write_text("work_mem = lots\n")
    with pytest.raises(NoDatabase, match=r"\"work_mem\": \"lots\""):
        embedded.start(folder)
