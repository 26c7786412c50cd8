"""The pulse: tells coroutines that history has moved; one thread waits for all of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Condition, Thread

from replay.store.append import Unavailable
from replay.store.history import History

PAUSE = 0.01  # seconds between two beats: who follows closely is served page by page
PATIENCE = 1.0  # seconds after which the thread looks whether anybody still waits


class Pulse:
    """Give it a history; await `moved`.  `stop` wakes whoever waits, for good."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._head = 0
        self._waiting: dict[
            Callable[[], None], int
        ] = {}  # how to wake one -> for which position
        self._changed = Condition()
        self._thread: Thread | None = None
        self.stopped = False

    async def moved(self, position: int, timeout: float) -> bool:
        """Wait until history has come as far, at most so many seconds; whether it has."""
        if self._head >= position:
            return True
        loop = asyncio.get_running_loop()
        woken = asyncio.Event()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits in it any more
                loop.call_soon_threadsafe(woken.set)

        with self._changed:
            if self.stopped:
                return False
            self._waiting[wake] = position
            if self._thread is None:
                self._thread = Thread(target=self._beat, name="pulse", daemon=True)
                self._thread.start()
            self._changed.notify()
        try:
            await asyncio.wait_for(woken.wait(), timeout)
        except TimeoutError:
            return False
        finally:
            with self._changed:
                self._waiting.pop(wake, None)
        return not self.stopped

    def stop(self) -> None:
        """Wake whoever waits, and let nobody wait any more."""
        with self._changed:
            self.stopped = True
            for wake in self._waiting:
                wake()
            self._changed.notify()

    def _beat(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self.stopped)
                if self.stopped:
                    return
                nearest = min(self._waiting.values())
            if not self._history.wait(nearest, PATIENCE):
                continue
            with suppress(Unavailable):
                self._head = max(self._head, self._history.head())
            with self._changed:
                for wake, position in self._waiting.items():
                    if position <= self._head:
                        wake()
            time.sleep(PAUSE)
