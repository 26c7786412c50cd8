"""Drills of the embedded Postgres: shared, killed at any moment, in odd folders, as anybody."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pwd
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from replay import embedded
from replay.embedded import NoDatabase

ROOT = Path(__file__).resolve().parent.parent

USER = """
import sys
from replay import embedded
with embedded.start(sys.argv[1]) as server:
    print(server.url, flush=True)
    print(server.recovered, flush=True)
    sys.stdin.read()
"""
WRITER = """
import sys, psycopg
from replay import embedded
with embedded.start(sys.argv[1]) as server:
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("create table if not exists rows (number bigserial)")
        while True:
            row = connection.execute("insert into rows default values returning number")
            print(row.fetchone()[0], flush=True)
"""


class Process:
    """Another process that uses the database of a folder."""

    def __init__(self, folder: Path, program: str = USER, *before: str) -> None:
        self.popen = subprocess.Popen(
            [*before, sys.executable, "-c", program, str(folder)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def says(self) -> str:
        assert self.popen.stdout
        return self.popen.stdout.readline().strip()

    def kill(self) -> None:
        self.popen.kill()
        self.popen.wait()

    def leave(self) -> tuple[str, str]:
        """Let it go in its own way; what it said until then, and its errors."""
        return self.popen.communicate(timeout=60)


@pytest.fixture
def start() -> Iterator[Callable[..., Process]]:
    """Starts processes that are gone when the test is over."""
    with contextlib.ExitStack() as stack:

        def begin(*given: Path | str) -> Process:
            process = Process(*given)  # type: ignore[arg-type]
            stack.callback(process.popen.communicate)
            stack.callback(process.kill)
            return process

        yield begin


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder with a short path, without a server when the test is over."""
    with tempfile.TemporaryDirectory(prefix="wl-") as made:
        yield Path(made, "data")
        if Path(made, "data", "postgres").exists():
            await_stop(Path(made, "data"))


def is_running(folder: Path) -> bool:
    """Whether a process of Postgres holds its lock."""
    with (folder / "postgres" / "server.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def await_stop(folder: Path) -> None:
    until(lambda: not is_running(folder))


def until(holds: Callable[[], bool]) -> None:
    for _ in range(3000):
        if holds():
            return
        time.sleep(0.02)
    raise AssertionError("waited for a minute in vain")


def postmaster(folder: Path) -> int:
    pid_file = folder / "postgres" / "cluster" / "postmaster.pid"
    return int(pid_file.read_text().splitlines()[0])


def keeper(folder: Path) -> int:
    wanted = json.dumps(str(folder / "postgres")).encode()
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (entry / "cmdline").read_bytes()
            if b"replay.keeper" in line and wanted in line:
                return int(entry.name)
    raise AssertionError("no keeper")


def ask(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row and row[0]


# ------------------------------------------------------------------------------------------
# Sharing


def test_it_is_durable_checked_and_on_no_network(server_url: str) -> None:
    settings = {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "data_checksums": "on",
        "listen_addresses": "",
        "server_encoding": "UTF8",
    }
    assert {name: ask(server_url, f"show {name}") for name in settings} == settings
    assert ask(server_url, "select 'Z' < 'a' and lower('ÅÉ') = 'åé'") is True


def test_processes_share_one_server_and_the_last_one_stops_it(
    folder: Path, start: Callable[..., Process]
) -> None:
    first, second = start(folder), start(folder)
    url = first.says()
    assert second.says() == url
    began = ask(url, "select pg_postmaster_start_time()")
    first.leave()
    assert ask(url, "select pg_postmaster_start_time()") == began
    second.leave()
    assert not is_running(folder)


def test_a_process_may_use_it_twice(folder: Path) -> None:
    with embedded.start(folder) as outer:
        with embedded.start(folder) as inner:
            assert inner.url == outer.url
        assert ask(outer.url, "select 1") == 1
        outer.stop()
        outer.stop()
    assert not is_running(folder)


def test_many_may_come_at_once_to_an_empty_folder(
    folder: Path, start: Callable[..., Process]
) -> None:
    crowd = [start(folder) for _ in range(5)]
    assert len({process.says() for process in crowd}) == 1
    for process in crowd:
        process.leave()
    assert not is_running(folder)


# ------------------------------------------------------------------------------------------
# Death


def test_when_its_only_user_is_killed_it_stops_by_itself_and_says_so_next_time(
    folder: Path, start: Callable[..., Process]
) -> None:
    user = start(folder)
    url = user.says()
    with psycopg.connect(url) as connection:
        connection.execute("create table kept as select 7 as number")
    user.kill()
    await_stop(folder)
    with embedded.start(folder) as server:
        assert server.recovered
        assert str(user.popen.pid) in server.recovered
        assert ask(server.url, "select number from kept") == 7
    with embedded.start(folder) as server:
        assert server.recovered is None


def test_a_killed_server_is_started_again_under_its_users(folder: Path) -> None:
    with embedded.start(folder) as server:
        with psycopg.connect(server.url) as connection:
            connection.execute("create table kept as select 7 as number")
        dead = postmaster(folder)
        os.kill(dead, signal.SIGKILL)
        until(lambda: (folder / "postgres" / "restarted").exists())
        assert postmaster(folder) != dead
        assert ask(server.url, "select number from kept") == 7
    with embedded.start(folder) as server:
        assert server.recovered == "The database died while in use and was started again."


def test_a_server_without_its_keeper_is_adopted_and_stopped(
    folder: Path, start: Callable[..., Process]
) -> None:
    user = start(folder)
    url = user.says()
    began = ask(url, "select pg_postmaster_start_time()")
    os.kill(keeper(folder), signal.SIGKILL)
    with embedded.start(folder) as server:
        assert ask(server.url, "select pg_postmaster_start_time()") == began
        user.leave()
    assert not is_running(folder)


def test_an_orphan_is_adopted_and_still_restarted_when_killed(
    folder: Path, start: Callable[..., Process]
) -> None:
    user = start(folder)
    user.says()
    os.kill(keeper(folder), signal.SIGKILL)
    user.kill()
    with embedded.start(folder) as server:
        assert str(user.popen.pid) in str(server.recovered)
        until(lambda: bool(keeper(folder)))
        os.kill(postmaster(folder), signal.SIGKILL)
        until(lambda: (folder / "postgres" / "restarted").exists())
        assert ask(server.url, "select 1") == 1
    assert not is_running(folder)


def test_after_everything_was_killed_the_next_start_recovers_and_says_so(
    folder: Path, start: Callable[..., Process]
) -> None:
    user = start(folder)
    url = user.says()
    with psycopg.connect(url) as connection:
        connection.execute("create table kept as select 7 as number")
    for victim in (keeper(folder), postmaster(folder), user.popen.pid):
        os.kill(victim, signal.SIGKILL)
    with embedded.start(folder) as server:
        assert "write-ahead log" in str(server.recovered)
        assert ask(server.url, "select number from kept") == 7


def test_no_acknowledged_row_is_lost_whoever_is_killed_and_when(
    folder: Path, start: Callable[..., Process], long: bool
) -> None:
    chance = random.Random(20261124)
    acknowledged = 0
    for _ in range(60 if long else 5):
        writer = start(folder, WRITER)
        acknowledged = max(acknowledged, int(writer.says()))
        time.sleep(chance.uniform(0, 0.3))
        for find in chance.sample((keeper, postmaster), chance.randint(0, 2)):
            with contextlib.suppress(OSError, AssertionError):
                os.kill(find(folder), signal.SIGKILL)
        writer.kill()
        said, _ = writer.leave()
        acknowledged = max(acknowledged, *map(int, said.split()), 0)
        with embedded.start(folder) as server:
            assert server.recovered
            assert int(str(ask(server.url, "select max(number) from rows"))) >= acknowledged


def test_a_first_start_may_be_cut_off_at_any_moment(
    folder: Path, start: Callable[..., Process], long: bool
) -> None:
    chance = random.Random(20261124)
    for _ in range(40 if long else 3):
        user = start(folder)
        time.sleep(chance.uniform(0.1, 0.9))
        with contextlib.suppress(AssertionError, OSError):
            os.kill(keeper(folder), signal.SIGKILL)
        user.kill()
        with embedded.start(folder) as server:
            assert ask(server.url, "select 1") == 1
        shutil.rmtree(folder)


# ------------------------------------------------------------------------------------------
# Folders and people


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
for ids in ("uid", "gid"):
    with open(f"/proc/{child}/{ids}_map", "w") as table:
        table.write("0 0 65536")
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


# ------------------------------------------------------------------------------------------
# What is refused


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
