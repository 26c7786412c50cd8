"""Other processes that use the database of a folder, and a look at who is alive there."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parent.parent.parent

USER = """
import sys
from replay.server import embedded
with embedded.start(sys.argv[1]) as server:
    print(server.url, flush=True)
    print(server.recovered, flush=True)
    sys.stdin.read()
"""
WRITER = """
import sys, psycopg
from replay.server import embedded
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
            if b"replay.server.keeper" in line and wanted in line:
                return int(entry.name)
    raise AssertionError("no keeper")


def ask(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row and row[0]


def kill(pid: int) -> None:
    """Kill -9, and return when it is dead: gone, or a zombie of whoever is slow to notice."""
    os.kill(pid, signal.SIGKILL)

    def is_dead() -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] in "ZX"
        except OSError:
            return True

    until(is_dead)
