"""One page of facts folded into every projection, in one transaction; what fails is parked."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import psycopg

from domain.kit import NAMES, Fact, Stream
from projections.kit.copying import Connection
from projections.kit.table import Folding, Projection
from projections.kit.writer import TablePosition, TablesMoved, TableWriter
from replay.store.append import Unreadable
from replay.store.sealing import PERSONALS

log = logging.getLogger("wattledger.follow")

ROWS = 20_000  # rows of one table remembered between two pages; those beyond are asked again


Step: TypeAlias = tuple[Fact, tuple[Any, ...], Exception | None]


class Stopped(Exception):
    """Whoever asked for it has asked to stop."""


class Cursor:
    """One projection as it is followed: how far it is, the rows it knows, what is parked."""

    def __init__(self, projection: Projection[Any]) -> None:
        self.projection, self.name = projection, projection.name
        self.folding: Folding[Any] = Folding(projection, {})
        self.at = TablePosition(0, 0)
        self.parked: dict[Stream, int] = {}  # stream -> the first position laid aside
        names = [NAMES[wanted] for wanted in projection.events if wanted in NAMES]
        self._named = frozenset(names)
        self._kinds = frozenset(name.partition(".")[0] for name in names)
        self.persons = frozenset(
            NAMES[wanted].partition(".")[0] for wanted in projection.events if PERSONALS[wanted]
        )  # the kinds of which it holds something personal

    def start_at(self, at: TablePosition, parked: Iterable[tuple[Stream, int]] = ()) -> None:
        """Forget what was known, and go on from there."""
        self.at = at
        self.folding = Folding(self.projection, {})
        self.parked = {}
        for stream, position in parked:
            self.parked.setdefault(stream, position)

    def concerned_by(self, lost: Unreadable, known: frozenset[str]) -> bool:
        """Whether it would want a fact that nobody can read: by its name, else by its kind."""
        if lost.name in known:
            return lost.name in self._named
        return lost.name.partition(".")[0] in self._kinds

    def plan(self, facts: list[Fact]) -> list[Step]:
        """Facts with what each of them touches, or what is wrong with it."""
        touches, plan = self.projection.keys, list[Step]()
        for fact in facts:
            try:
                if isinstance(fact.event, Unreadable):
                    raise fact.event
                plan.append((fact, tuple(touches(fact)), None))
            except Exception as wrong:
                plan.append((fact, (), wrong))
        return plan


class Feed:
    """
    Projections fed over one connection.  Not to be shared by threads.

    `of` reads a stream (History.of): rows about a person who is erased are folded again.
    """

    def __init__(
        self,
        db: Connection,
        projections: Iterable[Projection[Any]],
        schema: str,
        of: Callable[..., list[Fact]],
    ) -> None:
        self.db, self._of = db, of
        self.cursors = {one.name: Cursor(one) for one in projections}
        self.writer = TableWriter(db, (s.projection for s in self.cursors.values()), schema)
        self._routes: dict[type, list[Cursor]] = {}
        for cursor in self.cursors.values():
            for wanted in dict.fromkeys(cursor.projection.events):
                self._routes.setdefault(wanted, []).append(cursor)
        self._known = frozenset(NAMES.values())
        self._erasures = {cls for cls, name in NAMES.items() if name.endswith(".erased")}

    @property
    def position(self) -> int:
        """How far the projection that is furthest behind is folded."""
        return min((cursor.at.position for cursor in self.cursors.values()), default=0)

    def load(self) -> None:
        """Read how far every projection is folded.  Raises TableOutdated."""
        positions, parked = self.writer.positions(), self.writer.parked()
        for name, cursor in self.cursors.items():
            mine = [(Stream(p.stream), p.position) for p in parked if p.projection == name]
            cursor.start_at(positions[name], mine)

    def fold(self, page: Sequence[Fact]) -> None:
        """Fold a page into all that have not seen it; nothing is done on TablesMoved."""
        try:
            self._fold(page, careful=False)
        except Exception as wrong:
            self.load()
            if not blames_the_fact(wrong):
                raise
            self._fold(page, careful=True)

    def _fold(self, page: Sequence[Fact], *, careful: bool) -> None:
        last = page[-1].position
        behind = {n: s for n, s in self.cursors.items() if s.at.position < last}
        try:
            with self.db.transaction():
                self.writer.advance({n: s.at for n, s in behind.items()}, last)
                self._forget(page)
                for cursor, facts in self._shares(page):
                    (self.carefully if careful else self._feed)(cursor, facts)
        except Exception:
            if careful:
                self.load()
            raise
        for cursor in behind.values():
            cursor.at = TablePosition(last, cursor.at.growth)

    def _forget(self, page: Sequence[Fact]) -> None:
        """
        Take what was personal about whoever is erased in a page out of all rows before it.

        Those rows and their past are folded again from what can still be read of the stream,
        so that they are what a rebuild would make of them.
        """
        for fact in page:
            if type(fact.event) in self._erasures:
                kind = fact.stream.partition("-")[0]
                for cursor in self.cursors.values():
                    if kind in cursor.persons and fact.position > cursor.at.position:
                        self._refold(cursor, fact.stream)

    def _refold(self, cursor: Cursor, stream: Stream) -> None:
        wants, parked = cursor.projection.events, cursor.parked.pop(stream, None)
        until = cursor.at.position if parked is None else parked - 1
        facts = [f for f in self._of(stream, until=until) if isinstance(f.event, wants)]
        keys = {key: None for _, touched, _ in cursor.plan(facts) for key in touched}
        self.writer.forget(cursor.name, stream, keys)
        cursor.folding.rows.update(keys)
        self.carefully(cursor, facts)
        if parked is not None:
            cursor.parked[stream] = parked

    def _shares(self, page: Sequence[Fact]) -> list[tuple[Cursor, list[Fact]]]:
        """What each projection wants of a page and has not seen."""
        shares: dict[str, list[Fact]] = {name: [] for name in self.cursors}
        for fact in page:
            kind = type(fact.event)
            wanted = self._lost(fact) if kind is Unreadable else self._routes.get(kind, ())
            for cursor in wanted:
                if fact.position > cursor.at.position:
                    shares[cursor.name].append(fact)
        return [(self.cursors[name], facts) for name, facts in shares.items() if facts]

    def _lost(self, fact: Fact) -> list[Cursor]:
        return [s for s in self.cursors.values() if s.concerned_by(fact.event, self._known)]

    def again(self, cursor: Cursor, page: Sequence[Fact]) -> None:
        """Fold a page into one projection that was taken back to before it."""
        for wanting, facts in self._shares(page):
            if wanting is cursor:
                self.carefully(cursor, facts)

    def carefully(self, cursor: Cursor, facts: list[Fact]) -> None:
        """Fold what can be folded, though the database refuses some of it: halve, and halve."""
        parked = dict(cursor.parked)
        try:
            with self.db.transaction():
                self._feed(cursor, facts)
        except Exception as wrong:
            if not blames_the_fact(wrong):
                raise
            cursor.folding.undo()
            cursor.parked = parked
            if len(facts) == 1:
                self._park(cursor, facts[0], wrong)
                return
            half = len(facts) // 2
            self.carefully(cursor, facts[:half])
            self.carefully(cursor, facts[half:])

    def _feed(self, cursor: Cursor, facts: list[Fact]) -> None:
        folding, parked = cursor.folding, cursor.parked
        plan = cursor.plan(facts)
        self._know(cursor, plan)
        for fact, keys, wrong in plan:
            if parked and fact.stream in parked:
                self._park(cursor, fact, None)
                continue
            try:
                if wrong is not None:
                    raise wrong
                folding.fold(fact, keys)
            except Exception as failed:
                self._park(cursor, fact, failed)
        self._keep(cursor, plan)

    def _know(self, cursor: Cursor, plan: list[Step]) -> None:
        """Have all rows at hand that the plan touches."""
        rows = cursor.folding.rows
        missing = {key: None for _, keys, _ in plan for key in keys if key not in rows}
        if missing:
            found = self.writer.fetch(cursor.name, missing)
            rows.update((key, found.get(key)) for key in missing)

    def _keep(self, cursor: Cursor, plan: list[Step]) -> None:
        """Write what changed; remember rows within bounds, those just touched if any."""
        folding = cursor.folding
        if folding.changes:
            self.writer.write(cursor.name, folding.changes)
            folding.changes.clear()
        rows = folding.rows
        if len(rows) > ROWS:
            kept = {key: rows[key] for _, keys, _ in plan for key in keys}
            rows.clear()
            rows.update(kept)

    def _park(self, cursor: Cursor, fact: Fact, wrong: Exception | None) -> None:
        if wrong is None:
            error = f"comes behind position {cursor.parked[fact.stream]} of its stream"
        else:
            error = f"{type(wrong).__name__}: {wrong}"
            log.error(
                "%s cannot fold position %d: %s is parked; mend the fold, then resume. %s",
                cursor.name, fact.position, fact.stream, error,
            )  # fmt: skip
        cursor.parked.setdefault(fact.stream, fact.position)
        self._lay_aside(cursor.name, fact, error)

    def _lay_aside(self, name: str, fact: Fact, error: str) -> None:
        self.writer.park(name, fact.stream, fact.position, error)


def blames_the_fact(wrong: Exception) -> bool:
    """Whether a fact is at fault, and not the database, the connection or the tables."""
    if not isinstance(wrong, psycopg.Error):
        return not isinstance(wrong, OSError | MemoryError | TablesMoved | Stopped)
    if isinstance(wrong, psycopg.errors.UniqueViolation):
        return False
    blamed = psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded
    return isinstance(wrong, blamed)
