"""What was recorded under one correlation, and what of it stands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from domain.kit import Fact, Stream
from domain.metering.meter import (
    MeterEstimateCancelled,
    MeterRead,
    MeterReadingCorrected,
    MeterReadingWithdrawn,
)
from domain.readings.imports import (
    Imported,
    ImportedDay,
    ImportedReading,
    One,
    WithdrawImport,
)
from domain.readings.intervals import IntervalsRecorded, IntervalsRevised, IntervalsWithdrawn

READ = MeterRead | MeterReadingCorrected | MeterReadingWithdrawn | MeterEstimateCancelled
COUNTED = IntervalsRecorded | IntervalsRevised | IntervalsWithdrawn


class Correlated(Protocol):
    """What is needed of history."""

    def head(self) -> int:
        """The last position."""

    def correlated(self, correlation: str) -> list[Fact]:
        """The facts of one correlation, in order."""

    def of_each(self, streams: Iterable[Stream], *, until: int) -> dict[Stream, list[Fact]]:
        """What happened to each of many things, in order."""


def imported(history: Correlated, asked: object) -> Imported:
    """The readings and interval days of an import, the newest first."""
    assert isinstance(asked, WithdrawImport)
    facts = history.correlated(asked.correlation)
    recorded = [fact for fact in facts if isinstance(fact.event, READ | COUNTED)]
    streams = {fact.stream for fact in recorded}
    newest: dict[object, str] = {}
    for happened in history.of_each(streams, until=history.head()).values():
        newest |= {about: fact.ref for fact in happened if (about := _about(fact))}
    stands: list[One] = []
    left: list[str] = []
    for fact in reversed(recorded):
        one = _one(fact)
        if one is not None and newest[_about(fact)] == fact.ref:
            stands.append(one)
        else:
            left.append(fact.ref)
    by = frozenset(fact.by for fact in recorded)
    return Imported(tuple(stands), tuple(sorted(left)), by)


def _about(fact: Fact) -> object:
    """Which reading or day a fact is about; None if neither."""
    match fact.event:
        case MeterReadingCorrected(last=True):
            return None
        case MeterRead() | MeterReadingCorrected() as e:
            return fact.stream, e.on
        case MeterReadingWithdrawn() | MeterEstimateCancelled() as e:
            return fact.stream, e.on
        case IntervalsRecorded() | IntervalsRevised() | IntervalsWithdrawn() as e:
            return fact.stream, e.channel, e.day
        case _:
            return None


def _one(fact: Fact) -> One | None:
    match fact.event:
        case MeterRead() as e:
            return ImportedReading(fact=fact.ref, meter=fact.key, point=e.point, on=e.on)
        case IntervalsRecorded() as e:
            return ImportedDay(fact=fact.ref, point=e.point, channel=e.channel, day=e.day)
        case _:
            return None
