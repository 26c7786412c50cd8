"""A follower in its own process that kills itself, as `kill -9` would, at its n-th step."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import psycopg

from projections.kit.table import Folding
from projections.kit.writer import TableWriter
from replay.store.history import History
from replay.tables.follow import Follower
from tests.tallies import TALLIES

STEPS = [
    (TableWriter, "advance"),
    (TableWriter, "fetch"),
    (Folding, "fold"),
    (TableWriter, "write"),
    (psycopg.Transaction, "__exit__"),
]


def follow(database_url: str, batch: int, last: int) -> None:
    """Catch up, dying before or after the `last`-th step; 0 is never."""
    left = last

    def stepping(work: Callable[..., Any]) -> Callable[..., Any]:
        def step(*args: Any, **kwargs: Any) -> Any:
            tick()
            made = work(*args, **kwargs)
            tick()
            return made

        return step

    def tick() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    for place, name in STEPS:
        setattr(place, name, stepping(getattr(place, name)))
    with History(database_url) as history:
        Follower(history, database_url, TALLIES, batch=batch).catch_up()
