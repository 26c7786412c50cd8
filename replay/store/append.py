"""What is handed to history and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.kit import Fact, Recorders, Stream

ENVELOPE = (
    "by", "duty", "org_unit", "terminal", "on_behalf_of",
    "command", "reason", "cause", "correlation",
)  # fmt: skip
"""What an envelope says, in the order in which it is stored; what is empty is not."""


@dataclass(frozen=True, slots=True)
class Append:
    """What one command records: all of it, or none."""

    happenings: tuple[tuple[Stream, object], ...]
    seen: Mapping[Stream, int]  # stream read -> the version it was at, 0 if new
    by: str
    duty: str
    cause: str
    correlation: str
    key: str | None = None  # the Idempotency-Key; with `by` it names the command for ever
    digest: bytes = b""  # of the request: the same key with another digest is refused
    org_unit: str = ""
    terminal: str = ""
    on_behalf_of: str = ""
    command: str = ""
    reason: str = ""

    @property
    def envelope(self) -> tuple[str, ...]:
        """What the envelope of each of its facts says, in the order of ENVELOPE."""
        return (
            self.by, self.duty, self.org_unit, self.terminal, self.on_behalf_of,
            self.command, self.reason, self.cause, self.correlation,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Appended:
    """What was recorded.  `repeated`: it had been recorded before, under the same key."""

    facts: tuple[Fact, ...]
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an Idempotency-Key led to: the digest of the request and its positions, in order."""

    digest: bytes
    positions: tuple[int, ...]
    cause: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A stream as a decision sees it: what the thing is after so many events."""

    stream: Stream
    version: int
    state: Any
    recorders: Recorders = field(default_factory=dict)


class Stale(Exception):
    """Somebody else changed this thing first; read it again and retry."""


class Fallen(Stale):
    """What it was decided on was not recorded as it stood; decide it again."""


class Overloaded(Exception):
    """More commands are waiting than the queue holds; try again in a moment."""


class KeyReused(Exception):
    """The Idempotency-Key was used before, for another request."""


class HistoryBroken(Exception):
    """A position is missing or a fact cannot be what was recorded.  Somebody must look."""


class Unavailable(Exception):
    """
    The database does not answer; nothing was recorded.

    When `unknown` is true the connection was lost at the commit and the database did not come
    back in time to be asked: the command may have been recorded.  Under the same key it can be
    sent again without harm.
    """

    def __init__(self, reason: str, *, unknown: bool = False) -> None:
        super().__init__(reason)
        self.unknown = unknown


class Unreadable(Exception):
    """A fact that nobody here can read: its name is unknown or its data do not fit."""

    def __init__(self, name: str, version: int, data: bytes, reason: str) -> None:
        super().__init__(f"{name} v{version}: {reason}")
        self.name = name
        self.version = version
        self.data = data
