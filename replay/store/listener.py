"""How far history has come, as the database tells it: one LISTEN a process."""

from __future__ import annotations

import time
from threading import Condition, Event, Thread
from typing import Any

import psycopg

CHANNEL = "history"
HEAD = "SELECT position FROM history.head"


class Listener:
    """Knows the newest position soon after it was committed, by whichever process."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._position = 0
        self._moved = Condition()
        self._stop = Event()
        self._thread: Thread | None = None

    def moved_to(self, position: int) -> None:
        """History has come as far as this."""
        with self._moved:
            if position > self._position:
                self._position = position
                self._moved.notify_all()

    def wait(self, position: int, timeout: float) -> bool:
        """Until history has come as far, at most so many seconds; whether it has."""
        with self._moved:
            if self._thread is None and not self._stop.is_set():
                self._thread = Thread(target=self._listen, name="listener", daemon=True)
                self._thread.start()
            return self._moved.wait_for(
                lambda: self._position >= position or self._stop.is_set(), timeout
            ) and (self._position >= position)

    def close(self) -> None:
        """Stop listening and let everybody who waits go."""
        self._stop.set()
        with self._moved:
            self._moved.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _listen(self) -> None:
        while not self._stop.is_set():
            try:
                with psycopg.connect(
                    self._url, autocommit=True, application_name="wattledger listener"
                ) as connection:
                    self._follow(connection)
            except psycopg.Error:
                self._stop.wait(0.1)

    def _follow(self, connection: psycopg.Connection[Any]) -> None:
        connection.execute(f"LISTEN {CHANNEL}")
        checked = 0.0
        while not self._stop.is_set():
            if time.monotonic() - checked > 1.0:
                # Also finds out that the server is gone, and covers a notice that got lost.
                row = connection.execute(HEAD).fetchone()
                self.moved_to(row[0] if row else 0)
                checked = time.monotonic()
            for notice in connection.notifies(timeout=0.1):
                self.moved_to(int(notice.payload))
                if self._stop.is_set():
                    return
