"""One command on its way into history: what is to be written, and who waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from replay.append import Stale
from replay.mapper import Row

Line: TypeAlias = tuple[str, int, str, bytes]
"""stream, version, name, state: an event that has no position yet."""


@dataclass(frozen=True, slots=True)
class Written:
    """Where a command was written: positions `first` to `last`, none when last < first."""

    first: int
    last: int
    at: datetime | None = None
    rows: Sequence[Row] | None = None  # as it stands, when it had been written before


@dataclass(slots=True, eq=False)
class Entry:
    """
    One command, encoded and waiting.

    `seen` is (stream, version): 0 if the stream has no event yet, or -n-1 for any version
    below n.  `finish` makes of where it was written what the caller wants to know.
    """

    lines: Sequence[Line]
    seen: Sequence[tuple[str, int]]
    finish: Callable[[Written], Any]
    by: str = ""
    cause: str = ""
    key: str | None = None
    digest: bytes = b""
    refused: Callable[[], None] | None = None  # told when it is stale
    future: Future[Any] | asyncio.Future[Any] = field(default_factory=Future)
    answer: Any = None
    wrong: Exception | None = None
    again: bool = False  # written once already, and known not to be there
    persons: Collection[str] = ()  # whose keys are needed to make the lines
    seal: Callable[[Mapping[str, bytes]], Sequence[Line]] | None = None  # makes them

    @property
    def name(self) -> tuple[str, str] | None:
        """Whose key it is, and the key."""
        return None if self.key is None else (self.by, self.key)

    def written(self, written: Written) -> None:
        """It stands in history."""
        try:
            self.answer = self.finish(written)
        except Exception as wrong:
            self.wrong = wrong

    def stale(self) -> None:
        """Somebody else was first."""
        if self.refused is not None:
            self.refused()
        self.wrong = Stale()

    def tell(self) -> None:
        """Tell whoever waits; they may have gone."""
        if self.future.done():
            return
        if self.wrong is None:
            self.future.set_result(self.answer)
        else:
            self.future.set_exception(self.wrong)
