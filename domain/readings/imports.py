"""
Imports: what one file or run recorded, taken back as a whole by one command.

    recorded (a reading or an interval day each, with one correlation) ── withdraw ──▶ withdrawn

Withdrawing says which readings and days, in parts; a policy then withdraws each by a command of
its own, and what is refused is kept with its reason.  The same file may be taken in again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

from domain.kit import Actor, Kind, Refused, SamePerson, command, decision, event, value
from domain.metering.meter import Channel
from domain.references import packed
from domain.values import Key, MeterId, PointId, Text

PART = 500  # readings and days to a fact


@value
class ImportedReading:
    """A reading of a meter, for a day, and where the meter was installed."""

    fact: str
    meter: MeterId
    point: PointId
    on: date


@value
class ImportedDay:
    """An interval day of a channel at a point."""

    fact: str
    point: PointId
    channel: Channel
    day: date


# What can happen


@event("import.withdrawn")
class ImportWithdrawn:
    """A part of what was recorded; `left` are facts that it leaves as they are."""

    readings: tuple[ImportedReading, ...]
    days: tuple[ImportedDay, ...]
    left: tuple[str, ...]
    reason: Text


# What it then is


@dataclass(frozen=True, slots=True)
class Import:
    """How many readings and days were withdrawn."""

    withdrawn: int = 0


def evolve(imported: Import, happened: ImportWithdrawn) -> Import:
    """Count what is withdrawn."""
    return Import(imported.withdrawn + len(happened.readings) + len(happened.days))


imports = Kind("import", Import(), evolve)


# What a decision is given

One: TypeAlias = ImportedReading | ImportedDay


@dataclass(frozen=True, slots=True)
class Imported:
    """What was recorded under a correlation: what stands of it, what does not, and by whom."""

    stands: tuple[One, ...] = ()  # the newest first
    left: tuple[str, ...] = ()  # put right or withdrawn since, or what only followed from it
    by: frozenset[str] = frozenset()


# What can be asked


@command(
    "withdraw-import",
    duty="metering",
    example={
        "correlation": "file-5891b5b522d5df086d0ff0b110fbd9d2",
        "reason": "the file was of another month",
    },
)
class WithdrawImport:
    """
    Take back all readings and interval days of one import, by the correlation of its facts.

    Each is withdrawn by a policy; what cannot be is told by `wattledger policies list`.
    """

    correlation: Key
    reason: Text


# What we answer


class NothingImported(Refused):
    """No reading and no interval day was recorded under this correlation."""


@decision(keys={"imported": "correlation"}, refuses=(NothingImported, SamePerson))
def withdraw(
    asked: WithdrawImport, imported: Import, found: Imported, actor: Actor
) -> Iterator[ImportWithdrawn]:
    """A second person, other than whoever imported it.  Quiet when nothing of it stands."""
    del imported
    if not found.by:
        raise NothingImported(correlation=asked.correlation)
    if actor.by in found.by:
        raise SamePerson(recorded="import", by=actor.by)
    left = packed(found.left)
    for first in range(0, len(found.stands), PART):
        part = found.stands[first : first + PART]
        yield ImportWithdrawn(
            readings=tuple(one for one in part if isinstance(one, ImportedReading)),
            days=tuple(one for one in part if isinstance(one, ImportedDay)),
            left=left,
            reason=asked.reason,
        )
        left = ()
