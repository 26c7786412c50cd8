"""What bills are calculated from, folded stream by stream, so that facts can be left out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeVar

from domain.kit import Fact, Stream
from projections.billing import bills
from projections.kit.table import MemoryTables, Projection, Tables, Where, place
from projections.metering import installations, meter_errors, readings
from projections.network import supplies, terms
from projections.pricing import tariff_versions
from projections.readings import interval_days
from replay.billing.naming import without

R = TypeVar("R")

MOVED: tuple[Projection[Any], ...] = (
    supplies,
    terms,
    installations,
    readings,
    meter_errors,
    interval_days,
    tariff_versions,
    bills,
)
"""The tables that a bill is calculated from, of which a row is of one stream."""


class Pieces:
    """
    Tables as they would be at one position had some facts not been recorded.

    `whole` are the tables at that position; of the streams given, rows are what is folded here.
    An answer is of that position, or of an earlier one that is asked for.
    """

    def __init__(self, whole: Tables, position: int, pieces: Mapping[Stream, MemoryTables]):
        self.whole, self.position, self.pieces = whole, position, pieces

    @classmethod
    def folded(
        cls, whole: Tables, position: int, streams: Mapping[Stream, Iterable[Fact]]
    ) -> Pieces:
        """The tables with nothing left out."""
        return cls(whole, position, {name: _folded(facts) for name, facts in streams.items()})

    def leaving(
        self, streams: Mapping[Stream, Iterable[Fact]], left_out: Collection[str]
    ) -> Pieces:
        """The same without some facts, by reference, and those that name them."""
        of = {Stream(ref.rpartition("@")[0]) for ref in left_out}
        again = {name: _folded(without(streams[name], left_out)) for name in of}
        return Pieces(self.whole, self.position, {**self.pieces, **again})

    def get(
        self,
        projection: Projection[R],
        key: Any,
        *,
        known_at: int | None = None,
    ) -> R | None:
        """One row: see projections.kit.table.Tables."""
        at = self._at(known_at)
        if projection not in MOVED:
            return self.whole.get(projection, key, known_at=at or self.position)
        found = (piece.get(projection, key, known_at=at) for piece in self.pieces.values())
        return next((row for row in found if row is not None), None)

    def find(
        self,
        projection: Projection[R],
        *where: Where,
        order: tuple[str, ...] = (),
        known_at: int | None = None,
    ) -> list[R]:
        """The rows of which all conditions hold, in order."""
        at = self._at(known_at)
        if projection not in MOVED:
            asked = at or self.position
            return self.whole.find(projection, *where, order=order, known_at=asked)
        pieces = self.pieces.values()
        rows = [row for one in pieces for row in one.find(projection, *where, known_at=at)]
        return sorted(rows, key=lambda row: place(projection, row, order))

    def _at(self, known_at: int | None) -> int | None:
        """The earlier position that is asked for; None for the rows as they are."""
        return None if known_at is None or known_at >= self.position else known_at


def _folded(facts: Iterable[Fact]) -> MemoryTables:
    return MemoryTables(MOVED).fold(facts)
