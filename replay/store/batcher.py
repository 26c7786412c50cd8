"""
The batcher: the one thread of a process that writes.

It takes whatever is queued, without a timer (the commit before is the timer), and writes it in
one transaction under one lock, so that the database flushes once for all of them and positions
have no gap.  A command that cannot be written is refused alone; its neighbours are not.

A command that was decided on what another leaves is written after it, in the same batch or in a
later one, and refused when that one is.

An outcome that is unknown, because the connection was lost at the commit, is looked up: by the
key of the command, or else by its first event.  Only what is known not to be there is written
again.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import SimpleQueue
from threading import Condition, Thread
from typing import Any

import psycopg

from replay.store.append import Fallen, KeyReused, Overloaded, Stale, Unavailable
from replay.store.entry import Entry, Written
from replay.store.writer import EventWriter

WAITING_MAX = 4096  # commands queued before a new one is refused
BATCH_COMMANDS = 512
BATCH_BYTES = 1 << 20
PATIENCE = 30.0  # seconds for a lost database to come back before an outcome stays unknown
PROMPTLY = 0.5  # seconds to keep trying before saying that there is no database
SWITCH = 0.0005  # seconds: the batcher is back every millisecond and ought not to wait five
NOT_NOW = psycopg.OperationalError, psycopg.errors.ReadOnlySqlTransaction
PAUSE = 0.05  # seconds between two tries


class Batcher:
    """A bounded queue in front of one connection.  Submit entries to it; close it."""

    def __init__(
        self,
        database_url: str,
        *,
        moved_to: Callable[[int], None] = lambda _: None,
        waiting_max: int = WAITING_MAX,
    ) -> None:
        self.moved_to = moved_to  # told the last position of every batch
        self.patience = PATIENCE
        self._waiting_max = waiting_max
        self._queue: deque[Entry] = deque()
        self._ready = Condition()
        self._closing = False
        self._writer = EventWriter(database_url)
        sys.setswitchinterval(min(sys.getswitchinterval(), SWITCH))
        self._answered: SimpleQueue[list[Entry] | None] = SimpleQueue()
        self._threads = [
            Thread(target=work, name=name, daemon=True)
            for name, work in (("batcher", self._run), ("answerer", self._answer_threads))
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, entry: Entry) -> None:
        """Queue a command.  Raises Overloaded when too many wait, Unavailable once closed."""
        with self._ready:
            if self._closing:
                raise Unavailable("history is closed")
            if len(self._queue) >= self._waiting_max:
                raise Overloaded(f"{len(self._queue)} commands are waiting")
            self._queue.append(entry)
            self._ready.notify()

    @property
    def waiting(self) -> int:
        """How many commands are queued."""
        return len(self._queue)

    def close(self) -> None:
        """Write what is queued, then stop."""
        with self._ready:
            self._closing = True
            self._ready.notify()
        for thread in self._threads:
            thread.join()
        self._writer.close()

    def _run(self) -> None:
        while True:
            with self._ready:
                self._ready.wait_for(lambda: self._queue or self._closing)
                if not self._queue:
                    self._answered.put(None)
                    return
                batch, held = self._take()
            moved = self._write(batch)
            names = {entry.name for entry in batch}
            late = [entry for entry in held if _overtaken(entry, moved, names)]
            for entry in batch + late:
                entry.behind = ()  # or a busy lane would keep every command it ever had
            with self._ready:
                self._queue.extendleft(e for e in reversed(held) if e.wrong is None)
            self._tell(batch + late)

    def _tell(self, entries: list[Entry]) -> None:
        """Have all told who wait; those of one event loop together, for each waking costs."""
        threads: list[Entry] = []
        loops: dict[asyncio.AbstractEventLoop, list[Entry]] = {}
        for entry in entries:
            if isinstance(entry.future, Future):
                threads.append(entry)
            else:
                loops.setdefault(entry.future.get_loop(), []).append(entry)
        if threads:
            self._answered.put(threads)
        for loop, waiting in loops.items():
            with suppress(RuntimeError):  # the loop is closed: nobody waits there any more
                loop.call_soon_threadsafe(_tell_all, waiting)

    def _answer_threads(self) -> None:
        while (entries := self._answered.get()) is not None:
            _tell_all(entries)

    def _take(self) -> tuple[list[Entry], list[Entry]]:
        """What goes into the next batch; what is held back as it looks at what that changes."""
        batch: list[Entry] = []
        held: list[Entry] = []
        waiting: set[Entry] = set()
        names: set[object] = {None}
        left: dict[str, tuple[Entry, int]] = {}  # stream -> who moves it last, to which version
        size = 0
        queue = self._queue
        while queue and len(batch) < BATCH_COMMANDS and size < BATCH_BYTES:
            entry = queue.popleft()
            name = entry.name
            if (
                (name is not None and name in names)
                or any(_is_moved(left.get(stream), at, entry) for stream, at in entry.seen)
                or not waiting.isdisjoint(entry.behind)
            ):
                held.append(entry)
                waiting.add(entry)
                continue
            batch.append(entry)
            names.add(name)
            for line in entry.lines:
                left[line[0]] = entry, line[1]
                size += len(line[3]) + 100
        return batch, held

    def _write(self, batch: list[Entry]) -> dict[str, int]:
        """Write a batch and answer its commands; the streams it moved, and to which version."""
        try:
            self._patiently(self._writer.connect, PROMPTLY)
        except psycopg.Error as wrong:
            _refuse(batch, Unavailable(f"no database: {wrong}"))
            return {}
        for entry in batch:
            if entry.fell:
                entry.wrong = Fallen()
        batch = [entry for entry in batch if entry.wrong is None]
        if not batch:
            return {}
        try:
            rows = self._writer.append(batch)
        except Exception as wrong:
            if self._writer.lost:
                return self._settle(batch, wrong)
            return self._one_by_one(batch, wrong)
        return self._answer(batch, rows)

    def _one_by_one(self, batch: list[Entry], wrong: Exception) -> dict[str, int]:
        """The transaction was refused as a whole: find out for whom."""
        if isinstance(wrong, NOT_NOW):
            # Disk full, timed out, shutting down, not yet promoted: nobody's own fault.
            _refuse(batch, Unavailable(str(wrong)))
            return {}
        if len(batch) == 1:
            _refuse(batch, wrong)
            return {}
        moved: dict[str, int] = {}
        for entry in batch:
            moved |= self._write([entry])
        return moved

    def _settle(self, batch: list[Entry], lost: Exception) -> dict[str, int]:
        """The connection was lost: find out what was recorded and write the rest again."""
        try:
            found = self._patiently(lambda: self._writer.find(batch), self.patience)
        except psycopg.Error as wrong:
            _refuse(batch, Unavailable(f"{lost}; {wrong}", unknown=True))
            return {}
        moved: dict[str, int] = {}
        missing: list[Entry] = []
        for entry, place in zip(batch, found, strict=True):
            if place is not None:
                entry.place = Written(*place)
                moved |= {line[0]: line[1] for line in entry.lines}
            elif entry.again:
                entry.wrong = Unavailable(str(lost))
            else:
                entry.again = True
                missing.append(entry)
        return moved | (self._write(missing) if missing else {})

    def _patiently(self, ask: Callable[[], Any], seconds: float) -> Any:
        """What the database says, asked again and again while it does not answer."""
        until = time.monotonic() + seconds
        while True:
            try:
                return ask()
            except psycopg.Error:
                if time.monotonic() > until or self._closing:
                    raise
                time.sleep(PAUSE)

    def _answer(self, batch: list[Entry], rows: list[Any]) -> dict[str, int]:
        """Work out what became of every command in a written batch."""
        refused = {row[0]: row for row in rows}
        _, _, first, _, at = refused.pop(0)
        moved: dict[str, int] = {}
        for n, entry in enumerate(batch, 1):
            if n in refused:
                self._answer_refused(entry, *refused[n])
                continue
            last: int = first + len(entry.lines) - 1
            entry.place = Written(first, last, at)
            first = last + 1
            for line in entry.lines:
                moved[line[0]] = line[1]
        self.moved_to(first - 1)
        return moved

    def _answer_refused(
        self, entry: Entry, number: int, answer: str, first: int, last: int, at: None
    ) -> None:
        del number, at
        if answer == "stale":
            entry.wrong = Stale()
        elif answer == "fallen":
            entry.wrong = Fallen()
        elif answer == "reused":
            entry.wrong = KeyReused()
        else:
            try:
                entry.place = Written(first, last, rows=self._writer.between(first, last))
            except psycopg.Error:  # the batch is committed and must be answered all the same
                entry.wrong = Unavailable("recorded before, and cannot be read now")


def _is_moved(left: tuple[Entry, int] | None, at: int, entry: Entry) -> bool:
    """Whether a batch leaves a stream otherwise than a command saw it."""
    if left is None:
        return False
    before, version = left
    return version != at or before not in entry.behind


def _overtaken(entry: Entry, moved: dict[str, int], names: set[tuple[str, str] | None]) -> bool:
    """Refuse at once what saw a stream before the batch just written moved it."""
    if entry.key is not None and entry.name in names:
        return False  # the batch may have written this very command: the next one will tell
    if any(moved.get(stream, -1) > version >= 0 for stream, version in entry.seen):
        entry.wrong = Stale()
        return True
    return False


def _refuse(batch: list[Entry], wrong: Exception) -> None:
    for entry in batch:
        entry.wrong = wrong


def _tell_all(entries: list[Entry]) -> None:
    for entry in entries:
        entry.tell()
