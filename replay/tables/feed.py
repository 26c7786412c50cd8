"""One page of facts folded into every projection, in one transaction; what fails is parked."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import psycopg

from domain.kit import NAMES, Fact, Stream
from projections.kit.copying import Connection
from projections.kit.table import Folding, Projection
from projections.kit.writer import Moved, Stand, Writer
from replay.store.append import Unreadable
from replay.store.sealing import PERSONALS

log = logging.getLogger("wattledger.follow")

ROWS = 20_000  # rows of one table remembered between two pages; those beyond are asked again


Step: TypeAlias = tuple[Fact, tuple[Any, ...], Exception | None]


class Strand:
    """One projection as it is followed: where it stands, the rows it knows, what is parked."""

    def __init__(self, projection: Projection[Any]) -> None:
        self.projection, self.name = projection, projection.name
        self.folding: Folding[Any] = Folding(projection, {})
        self.stand = Stand(0, 0)
        self.parked: dict[Stream, int] = {}  # stream -> the first position laid aside
        names = [NAMES[wanted] for wanted in projection.events if wanted in NAMES]
        self._named = frozenset(names)
        self._kinds = frozenset(name.partition(".")[0] for name in names)
        self.persons = frozenset(
            NAMES[wanted].partition(".")[0] for wanted in projection.events if PERSONALS[wanted]
        )  # the kinds of which it holds something personal

    def stand_at(self, stand: Stand, parked: Iterable[tuple[Stream, int]] = ()) -> None:
        """Forget what was known, and go on from there."""
        self.stand = stand
        self.folding = Folding(self.projection, {})
        self.parked = {}
        for stream, position in parked:
            self.parked.setdefault(stream, position)

    def wants(self, lost: Unreadable, known: frozenset[str]) -> bool:
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
        self.strands = {one.name: Strand(one) for one in projections}
        self.writer = Writer(db, (s.projection for s in self.strands.values()), schema)
        self._routes: dict[type, list[Strand]] = {}
        for strand in self.strands.values():
            for wanted in dict.fromkeys(strand.projection.events):
                self._routes.setdefault(wanted, []).append(strand)
        self._known = frozenset(NAMES.values())
        self._erasures = {cls for cls, name in NAMES.items() if name.endswith(".erased")}

    @property
    def position(self) -> int:
        """How far the projection that is furthest behind is folded."""
        return min((strand.stand.position for strand in self.strands.values()), default=0)

    def load(self) -> None:
        """Read where every projection stands.  Raises VersionChanged."""
        stands, parked = self.writer.stands(), self.writer.parked()
        for name, strand in self.strands.items():
            mine = [(Stream(p.stream), p.position) for p in parked if p.projection == name]
            strand.stand_at(stands[name], mine)

    def fold(self, page: Sequence[Fact]) -> None:
        """Fold a page into all that have not seen it.  Raises Moved; nothing is done then."""
        try:
            self._fold(page, careful=False)
        except Exception as wrong:
            self.load()
            if not blames_the_fact(wrong):
                raise
            self._fold(page, careful=True)

    def _fold(self, page: Sequence[Fact], *, careful: bool) -> None:
        last = page[-1].position
        behind = {n: s for n, s in self.strands.items() if s.stand.position < last}
        try:
            with self.db.transaction():
                self.writer.advance({n: s.stand for n, s in behind.items()}, last)
                self._forget(page)
                for strand, facts in self._shares(page):
                    (self.carefully if careful else self._feed)(strand, facts)
        except Exception:
            if careful:
                self.load()
            raise
        for strand in behind.values():
            strand.stand = Stand(last, strand.stand.growth)

    def _forget(self, page: Sequence[Fact]) -> None:
        """
        Take what was personal about whoever is erased in a page out of all rows before it.

        Those rows and their past are folded again from what can still be read of the stream,
        so that they are what a rebuild would make of them.
        """
        for fact in page:
            if type(fact.event) in self._erasures:
                kind = fact.stream.partition("-")[0]
                for strand in self.strands.values():
                    if kind in strand.persons and fact.position > strand.stand.position:
                        self._refold(strand, fact.stream)

    def _refold(self, strand: Strand, stream: Stream) -> None:
        wants, parked = strand.projection.events, strand.parked.pop(stream, None)
        until = strand.stand.position if parked is None else parked - 1
        facts = [f for f in self._of(stream, until=until) if isinstance(f.event, wants)]
        keys = {key: None for _, touched, _ in strand.plan(facts) for key in touched}
        self.writer.forget(strand.name, stream, keys)
        strand.folding.rows.update(keys)
        self.carefully(strand, facts)
        if parked is not None:
            strand.parked[stream] = parked

    def _shares(self, page: Sequence[Fact]) -> list[tuple[Strand, list[Fact]]]:
        """What each projection wants of a page and has not seen."""
        shares: dict[str, list[Fact]] = {name: [] for name in self.strands}
        for fact in page:
            kind = type(fact.event)
            wanted = self._lost(fact) if kind is Unreadable else self._routes.get(kind, ())
            for strand in wanted:
                if fact.position > strand.stand.position:
                    shares[strand.name].append(fact)
        return [(self.strands[name], facts) for name, facts in shares.items() if facts]

    def _lost(self, fact: Fact) -> list[Strand]:
        return [s for s in self.strands.values() if s.wants(fact.event, self._known)]

    def again(self, strand: Strand, page: Sequence[Fact]) -> None:
        """Fold a page into one projection that was taken back to before it."""
        for wanting, facts in self._shares(page):
            if wanting is strand:
                self.carefully(strand, facts)

    def carefully(self, strand: Strand, facts: list[Fact]) -> None:
        """Fold what can be folded, though the database refuses some of it: halve, and halve."""
        parked = dict(strand.parked)
        try:
            with self.db.transaction():
                self._feed(strand, facts)
        except Exception as wrong:
            if not blames_the_fact(wrong):
                raise
            strand.folding.undo()
            strand.parked = parked
            if len(facts) == 1:
                self._park(strand, facts[0], wrong)
                return
            half = len(facts) // 2
            self.carefully(strand, facts[:half])
            self.carefully(strand, facts[half:])

    def _feed(self, strand: Strand, facts: list[Fact]) -> None:
        folding, parked = strand.folding, strand.parked
        plan = strand.plan(facts)
        self._know(strand, plan)
        for fact, keys, wrong in plan:
            if parked and fact.stream in parked:
                self._park(strand, fact, None)
                continue
            try:
                if wrong is not None:
                    raise wrong
                folding.fold(fact, keys)
            except Exception as failed:
                self._park(strand, fact, failed)
        self._keep(strand, plan)

    def _know(self, strand: Strand, plan: list[Step]) -> None:
        """Have all rows at hand that the plan touches."""
        rows = strand.folding.rows
        missing = {key: None for _, keys, _ in plan for key in keys if key not in rows}
        if missing:
            found = self.writer.fetch(strand.name, missing)
            rows.update((key, found.get(key)) for key in missing)

    def _keep(self, strand: Strand, plan: list[Step]) -> None:
        """Write what changed; remember rows within bounds, those just touched if any."""
        folding = strand.folding
        if folding.changes:
            self.writer.write(strand.name, folding.changes)
            folding.changes.clear()
        rows = folding.rows
        if len(rows) > ROWS:
            kept = {key: rows[key] for _, keys, _ in plan for key in keys}
            rows.clear()
            rows.update(kept)

    def _park(self, strand: Strand, fact: Fact, wrong: Exception | None) -> None:
        if wrong is None:
            error = f"comes behind position {strand.parked[fact.stream]} of its stream"
        else:
            error = f"{type(wrong).__name__}: {wrong}"
            log.error(
                "%s cannot fold position %d: %s is parked; mend the fold, then resume. %s",
                strand.name, fact.position, fact.stream, error,
            )  # fmt: skip
        strand.parked.setdefault(fact.stream, fact.position)
        self._lay_aside(strand.name, fact, error)

    def _lay_aside(self, name: str, fact: Fact, error: str) -> None:
        self.writer.park(name, fact.stream, fact.position, error)


def blames_the_fact(wrong: Exception) -> bool:
    """Whether a fact is at fault, and not the database, the connection or the tables."""
    if not isinstance(wrong, psycopg.Error):
        return not isinstance(wrong, OSError | MemoryError | Moved)
    if isinstance(wrong, psycopg.errors.UniqueViolation):
        return False
    blamed = psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded
    return isinstance(wrong, blamed)
