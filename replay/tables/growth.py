"""
Growing tables from nothing, as fast as they can be grown.

Nobody reads them yet, so nothing has to be in its place before the end: the past of each table
is one long COPY over a connection of its own, rows stay in memory until it fills and are
written when they leave it, and keys and indexes are built last, over all rows at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import psycopg

from domain.kit import Fact
from projections.kit.columns import lines
from projections.kit.copying import Connection
from projections.kit.ddl import Stored, quoted
from projections.kit.table import Projection, farewell
from replay.store.append import Unreadable
from replay.tables.feed import Feed, Step, Strand

MEMORY = (
    24_000_000  # characters of rows kept in memory; as objects they take some five times that
)
SORTING = "64MB"  # of memory for Postgres to sort rows and build keys with
TOGETHER = 2  # tables whose keys are built at once
MASK = (1 << 22) - 1  # where a key may be found in the table, by its hash: a byte for each


class Sprout:
    """One table that grows: what of it is in memory, and what may be in Postgres."""

    def __init__(self, strand: Strand, stored: Stored, db: Connection) -> None:
        self.strand, self.stored, self.db = strand, stored, db
        self._ending = ExitStack()
        self.past = self._ending.enter_context(
            db.cursor().copy(f"copy {stored.past} from stdin".encode())
        )
        self.lines = lines(strand.projection.row)
        self.there: dict[
            Any, Any
        ] = {}  # rows in memory that are in the table, as they are there
        self.spilt: bytearray | None = (
            None  # nonzero where a key with that hash is in the table
        )
        self.changes = self.characters = 0

    @property
    def weight(self) -> int:
        """About how many characters its rows in memory would be."""
        mean = self.characters // self.changes if self.changes else 0
        return mean * len(self.strand.folding.rows)

    def missing(self, plan: list[Step]) -> list[Any]:
        """The keys of which the row may be in the table and is not in memory."""
        spilt, rows = self.spilt, self.strand.folding.rows
        if spilt is None:
            return []
        asked = {key: None for _, keys, _ in plan for key in keys if key not in rows}
        return [key for key in asked if spilt[hash(key) & MASK]]

    def keep(self) -> None:
        """Send what changed to the past."""
        folding = self.strand.folding
        rows = [row for *_, row in folding.changes if row is not None]
        told = iter(self.lines(rows))
        past: list[str] = []
        for position, key, _, row in folding.changes:
            if row is None:
                past.append(f"{position}\t{farewell(self.strand.projection, key)}\tt\n")
            else:
                past.append(f"{position}\t{next(told)}\tf\n")
        text = "".join(past)
        self.past.write(text)
        self.changes += len(past)
        self.characters += len(text)
        folding.changes.clear()

    def finish(self) -> None:
        """End the past and key it; make the table of it, if nothing of that was written."""
        self._ending.close()
        indexes = list(self.stored.indexes())
        (_, table_key), (_, past_key) = self.stored.keys()
        statements = [past_key]
        if self.spilt is None:
            key = [f'"{column.name}"' for column in self.stored.key]
            latest = ", ".join(f"{name} desc" for name in [*key, "known_from"])
            names = quoted(*self.stored.names)
            statements += [
                f"insert into {self.stored.table} select {names} from (select distinct on"
                f" ({', '.join(key)}) * from {self.stored.past} order by {latest}) v"
                " where not gone",
                table_key,
            ]
        for statement in [*statements, *(index for _, index in indexes)]:
            self.db.execute(statement.encode())
        self.db.commit()


class Growth(Feed):
    """Feeds new tables from position 0 on; they are whole after `settle`, and only then."""

    def __init__(
        self,
        db: Connection,
        url: str,
        projections: Iterable[Projection[Any]],
        schema: str,
        of: Callable[..., list[Fact]],
    ) -> None:
        super().__init__(db, projections, schema, of)
        self._url, self._stack = url, ExitStack()
        self.sprouts: dict[str, Sprout] = {}
        self._aside: list[tuple[str, str, int, str]] = []

    def __enter__(self) -> Growth:
        self.writer.make(bare=True)
        self.load()
        with ExitStack() as stack:
            for name, stored in self.writer.stored.items():
                db: Connection = psycopg.connect(self._url)
                stack.callback(db.close)
                db.execute(f"set maintenance_work_mem = '{SORTING}'".encode())
                db.execute(f"set work_mem = '{SORTING}'".encode())
                self.sprouts[name] = Sprout(self.strands[name], stored, db)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *raised: Any) -> None:
        self._stack.__exit__(*raised)

    def fold(self, page: Sequence[Fact]) -> None:
        """Fold a page.  What it raises ends the growth, not only the page."""
        for strand, facts in self._shares(page):
            self._feed(strand, facts)
        for strand in self.strands.values():
            strand.stand = strand.stand._replace(position=page[-1].position)
        if sum(sprout.weight for sprout in self.sprouts.values()) > MEMORY:
            self._spill(max(self.sprouts.values(), key=lambda sprout: sprout.weight))

    def settle(self) -> None:
        """Write what is still in memory, build the keys, and say how far the tables are."""
        for sprout in self.sprouts.values():
            if sprout.spilt is not None:
                self._spill(sprout)
        with ThreadPoolExecutor(TOGETHER) as pool:
            for _ in pool.map(Sprout.finish, self.sprouts.values()):
                pass
        with self.db.transaction():
            for one in self._aside:
                self.writer.park(*one)
            for name, strand in self.strands.items():
                self.writer.grown(name, strand.stand.position)

    def _feed(self, strand: Strand, facts: list[Fact]) -> None:
        if strand.parked or self.sprouts[strand.name].spilt is not None:
            super()._feed(strand, facts)
            return
        fold = strand.folding.fold  # everything there is of the table is in memory
        for n, fact in enumerate(facts):
            try:
                if type(fact.event) is Unreadable:
                    raise fact.event
                fold(fact)
            except Exception as wrong:
                self._park(strand, fact, wrong)
                super()._feed(strand, facts[n + 1 :])
                return
        self._keep(strand, [])

    def _know(self, strand: Strand, plan: list[Step]) -> None:
        sprout = self.sprouts[strand.name]
        if missing := sprout.missing(plan):
            found = self.writer.fetch(strand.name, missing)
            strand.folding.rows.update(found)
            sprout.there.update(found)

    def _keep(self, strand: Strand, _: list[Step]) -> None:
        if strand.folding.changes:
            self.sprouts[strand.name].keep()

    def _lay_aside(self, name: str, fact: Fact, error: str) -> None:
        self._aside.append((name, fact.stream, fact.position, error))

    def _spill(self, sprout: Sprout) -> None:
        """Write the rows in memory to the table, and forget them."""
        rows, there = sprout.strand.folding.rows, sprout.there
        fresh = {k: row for k, row in rows.items() if row is not None and k not in there}
        moved = [
            rows[k] for k, row in there.items() if rows[k] is not None and rows[k] is not row
        ]
        gone = [key for key in there if rows[key] is None]
        with self.db.transaction():
            self.writer.put(
                sprout.strand.name,
                fresh=[f"{line}\n" for line in sprout.lines(list(fresh.values()))],
                moved=[f"{line}\n" for line in sprout.lines(moved)],
                gone=gone,
            )
            if sprout.spilt is None:
                sprout.spilt = bytearray(MASK + 1)
                self.db.execute(next(sprout.stored.keys())[1].encode())
        for key in fresh:
            sprout.spilt[hash(key) & MASK] = 1
        rows.clear()
        there.clear()
