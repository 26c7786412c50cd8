"""A server that was killed says so when it starts again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.server.processes import ROOT, await_stop, until


@contextmanager
def serving(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    said = folder.with_name("said")
    command = "from api.cli import main; main()"
    with said.open("wb") as file:
        server = subprocess.Popen(
            [
                sys.executable,
                "-c",
                command,
                "serve",
                "--no-demo",
                "--port",
                "0",
                "--data",
                folder,
            ],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            env={**os.environ, "COLUMNS": "1000"},
        )
    try:
        until(lambda: "serving on http" in said.read_text() or server.poll() is not None)
        yield server, said
    finally:
        server.send_signal(signal.SIGINT)
        server.wait()


def test_a_killed_server_says_at_its_next_start_that_it_recovered(folder: Path) -> None:
    with serving(folder) as (server, _):
        server.kill()
        server.wait()
    await_stop(folder)
    with serving(folder) as (_, said):
        assert f"was killed ({server.pid}); the database is whole" in said.read_text()
    with serving(folder) as (_, said):
        assert "was killed" not in said.read_text()
