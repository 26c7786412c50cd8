"""
Attempts: what somebody asked that their duty does not include.

    ── record-attempt ──▶ denied ── record-attempt ──▶ denied ──▶ …

One stream a person and day, `attempts-ann-2026-03-01`.  What a rule of the trade refuses is not
recorded: that is everyday work, and nobody's attempt at anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Annotated
from urllib.parse import quote

from pydantic import Field, StringConstraints

from domain.kit import Kind, command, decision, event

# What can happen


@event("attempt.denied", day="on")
class AttemptDenied:
    on: date
    command: str  # what was asked: `issue-bill`, `query`, `follow`
    subject: str  # the stream it was about; "" where none was named, or several
    rule: str  # by which it was denied: `not-allowed`
    org_unit: str  # whose subject it is; "" where that is not known
    times: int  # 1 is told at once; what follows within the minute is told together


# What it then is


@dataclass(frozen=True, slots=True)
class Attempts:
    """How often a person was denied something on a day."""

    denied: int = 0


def evolve(attempts: Attempts, happened: AttemptDenied) -> Attempts:
    """They were denied more."""
    return Attempts(attempts.denied + happened.times)


denials: Kind[Attempts, AttemptDenied] = Kind("attempt", Attempts(), evolve, streams="attempts")


# What can be asked


@command("record-attempt", door=False)
class RecordAttempt:
    """Record that somebody was denied something; the doors ask it when they answer so."""

    person: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    on: date
    command: str
    subject: str = ""
    rule: str
    org_unit: str = ""
    times: Annotated[int, Field(ge=1)] = 1

    @property
    def attempts(self) -> str:
        """The key: the person, written as in a URL, and the day."""
        return f"{quote(self.person, safe='')}-{self.on.isoformat()}"


# What we answer


@decision
def record_attempt(asked: RecordAttempt, attempts: Attempts) -> Iterator[AttemptDenied]:
    """Whatever came before: each is an attempt of its own."""
    del attempts
    yield AttemptDenied(
        on=asked.on,
        command=asked.command,
        subject=asked.subject,
        rule=asked.rule,
        org_unit=asked.org_unit,
        times=asked.times,
    )
