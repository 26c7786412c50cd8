"""
What doors deny is recorded beside them: nobody waits for it, and no request fails by it.

The first of a kind within a minute is recorded at once, and those that follow in that minute as
one fact with their number, so that whoever asks without end does not fill history.  When this
process dies, that number is lost; the log has each.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from threading import Event, Lock
from uuid import uuid4

from api.auth import Person
from api.authority import NotAllowed
from api.dispatch import Dispatch, RequestContext
from domain.organisation.attempts import RecordAttempt
from replay.store.append import Overloaded, Stale, Unavailable

log = logging.getLogger("wattledger.denials")

NONE = "none"  # the duty of who was denied for having none
WINDOW = 60.0  # seconds in which more of a kind are counted
LOOK = 1.0  # seconds between two looks at what is to be recorded
WAITING_MOST = 10_000  # that wait to be recorded; what is more is in the log alone


@dataclass(slots=True)
class Window:
    """Those of one kind that followed the first: how many, about what, until when."""

    closes: float
    person: Person
    command: str
    subject: str
    rule: str
    org_unit: str
    times: int = 0


@dataclass(frozen=True, slots=True)
class Denied:
    """What is to be recorded."""

    person: Person
    command: str
    subject: str
    rule: str
    org_unit: str
    times: int
    key: str = field(default_factory=lambda: f"denied-{uuid4()}")  # recorded once


class Denials:
    """Takes note of what doors deny; `run` it in a thread.  Thread-safe; one to a process."""

    def __init__(
        self,
        dispatch: Dispatch,
        today: Callable[[], date],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._dispatch, self._today, self._clock = dispatch, today, clock
        self._windows: dict[tuple[str, str, str], Window] = {}
        self._waiting: deque[Denied] = deque()
        self._lock = Lock()
        self._noted = Event()

    def note(self, denied: NotAllowed, subject: str = "") -> None:
        """Take note; it never waits for the database, and never fails."""
        person, command, rule = denied.person, denied.wanted, denied.rule
        kind = person.by, command, rule
        with self._lock:
            window = self._windows.get(kind)
            if window is not None and window.closes > self._clock():
                window.subject = subject if subject == window.subject else ""
                window.times += 1
                return
            if window is not None:
                self._close(kind)
            closes = self._clock() + WINDOW
            unit = denied.org_unit
            self._windows[kind] = Window(closes, person, command, subject, rule, unit)
            self._wait(Denied(person, command, subject, rule, unit, 1))
        self._noted.set()

    def run(self, stop: Event) -> None:
        """Record what was noted until told to stop, and then what is left."""
        while not stop.is_set():
            if self._noted.wait(LOOK):
                self._noted.clear()
            if not self.record():
                stop.wait(LOOK)
        self.record(last=True)

    def record(self, *, last: bool = False) -> bool:
        """Record what is due, or all there is; false when it must be tried again later."""
        with self._lock:
            now = self._clock()
            for kind in [k for k, each in self._windows.items() if last or each.closes <= now]:
                self._close(kind)
        while self._waiting:
            try:
                self._record(self._waiting[0])
            except (Overloaded, Stale, Unavailable) as away:
                log.info("what was denied is recorded later: %s", away)
                return False
            except Exception:
                log.exception("what was denied cannot be recorded: %s", self._waiting[0])
            self._waiting.popleft()
        return True

    def _record(self, denied: Denied) -> None:
        person = denied.person
        asked = RecordAttempt(
            person=person.by,
            on=self._today(),
            command=denied.command,
            subject=denied.subject,
            rule=denied.rule,
            org_unit=denied.org_unit,
            times=denied.times,
        )
        self._dispatch(asked, RequestContext(person.by, person.role or NONE, key=denied.key))

    def _close(self, kind: tuple[str, str, str]) -> None:
        closed = self._windows.pop(kind)
        if closed.times:
            told = closed.person, closed.command, closed.subject, closed.rule, closed.org_unit
            self._wait(Denied(*told, closed.times))

    def _wait(self, denied: Denied) -> None:
        if len(self._waiting) < WAITING_MOST:
            self._waiting.append(denied)
        else:
            log.error("too many wait to be recorded, and this one is not: %s", denied)
