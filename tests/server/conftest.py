"""A data folder, and processes that use its database."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.server.processes import Process, await_stop


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
