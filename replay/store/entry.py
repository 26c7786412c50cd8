"""One command on its way into history: what is to be written, and who waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from replay.store.append import Stale
from replay.store.mapper import Row

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
    below n.  `finish` makes of where it was written what the caller is told.

    `behind` are the commands on which it was decided before they were written: it is written
    only if each of them is, as it stands.  Their versions alone would not do, for another
    process may make the same version with another content.
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
    place: Written | None = None
    wrong: Exception | None = None
    behind: Sequence[Entry] = ()
    settled: Callable[[Entry], None] | None = None  # told before whoever waits, whatever came
    again: bool = False  # written once already, and known not to be there
    persons: Collection[str] = ()  # whose keys are needed to make the lines
    seal: Callable[[Mapping[str, bytes]], Sequence[Line]] | None = None  # makes them

    @property
    def name(self) -> tuple[str, str] | None:
        """Whose key it is, and the key."""
        return None if self.key is None else (self.by, self.key)

    @property
    def written(self) -> bool:
        """Whether it was recorded, and by this very entry: not before, under the same key."""
        return self.place is not None and self.place.rows is None

    @property
    def fell(self) -> bool:
        """Whether something that it was decided on was refused, or had been written before."""
        return any(e.wrong is not None or (e.place and not e.written) for e in self.behind)

    def tell(self) -> None:
        """
        Tell whoever waits, if they still do.

        What the answer is made of is done here, by whoever tells, and not by the batcher, which
        has the next batch to write.
        """
        answer = None
        try:
            if self.wrong is not None:
                raise self.wrong
            assert self.place is not None
            answer = self.finish(self.place)
        except Exception as wrong:
            if isinstance(wrong, Stale) and self.refused is not None:
                self.refused()
            self._settle(None, wrong)
        else:
            self._settle(answer, None)

    def _settle(self, answer: Any, wrong: Exception | None) -> None:
        if self.settled is not None:
            self.settled(self)
        # They may have gone meanwhile.
        with suppress(InvalidStateError, asyncio.InvalidStateError):
            if wrong is None:
                self.future.set_result(answer)
            else:
                self.future.set_exception(wrong)
