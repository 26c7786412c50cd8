"""
Filling tables from nothing, as fast as they can be filled.

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
from projections.kit.table import Projection, tombstone
from replay.store.append import Unreadable
from replay.tables.feed import Cursor, Feed, Step

MEMORY = (
    24_000_000  # characters of rows kept in memory; as objects they take some five times that
)
SORTING = "64MB"  # of memory for Postgres to sort rows and build keys with
TOGETHER = 2  # tables whose keys are built at once
MASK = (1 << 22) - 1  # where a key may be found in the table, by its hash: a byte for each


class NewTable:
    """One table being filled: what of it is in memory, and what may be in Postgres."""

    def __init__(self, cursor: Cursor, stored: Stored, db: Connection) -> None:
        self.cursor, self.stored, self.db = cursor, stored, db
        self._ending = ExitStack()
        self.past = self._ending.enter_context(
            db.cursor().copy(f"copy {stored.past} from stdin".encode())
        )
        self.lines = lines(cursor.projection.row)
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
        return mean * len(self.cursor.folding.rows)

    def missing(self, plan: list[Step]) -> list[Any]:
        """The keys of which the row may be in the table and is not in memory."""
        spilt, rows = self.spilt, self.cursor.folding.rows
        if spilt is None:
            return []
        asked = {key: None for _, keys, _ in plan for key in keys if key not in rows}
        return [key for key in asked if spilt[hash(key) & MASK]]

    def keep(self) -> None:
        """Send what changed to the past."""
        folding = self.cursor.folding
        rows = [row for *_, row in folding.changes if row is not None]
        told = iter(self.lines(rows))
        past: list[str] = []
        for position, key, _, row in folding.changes:
            if row is None:
                past.append(f"{position}\t{tombstone(self.cursor.projection, key)}\tt\n")
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


class BulkFeed(Feed):
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
        self.new: dict[str, NewTable] = {}
        self._aside: list[tuple[str, str, int, str]] = []

    def __enter__(self) -> BulkFeed:
        self.writer.make(bare=True)
        self.load()
        with ExitStack() as stack:
            for name, stored in self.writer.stored.items():
                db: Connection = psycopg.connect(self._url)
                stack.callback(db.close)
                db.execute(f"set maintenance_work_mem = '{SORTING}'".encode())
                db.execute(f"set work_mem = '{SORTING}'".encode())
                self.new[name] = NewTable(self.cursors[name], stored, db)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *raised: Any) -> None:
        self._stack.__exit__(*raised)

    def fold(self, page: Sequence[Fact]) -> None:
        """Fold a page.  What it raises ends the rebuild, not only the page."""
        for cursor, facts in self._shares(page):
            self._feed(cursor, facts)
        for cursor in self.cursors.values():
            cursor.at = cursor.at._replace(position=page[-1].position)
        if sum(table.weight for table in self.new.values()) > MEMORY:
            self._spill(max(self.new.values(), key=lambda table: table.weight))

    def settle(self) -> None:
        """Write what is still in memory, build the keys, and say how far the tables are."""
        for table in self.new.values():
            if table.spilt is not None:
                self._spill(table)
        with ThreadPoolExecutor(TOGETHER) as pool:
            for _ in pool.map(NewTable.finish, self.new.values()):
                pass
        with self.db.transaction():
            for one in self._aside:
                self.writer.park(*one)
            for name, cursor in self.cursors.items():
                self.writer.set_position(name, cursor.at.position)

    def _feed(self, cursor: Cursor, facts: list[Fact]) -> None:
        if cursor.parked or self.new[cursor.name].spilt is not None:
            super()._feed(cursor, facts)
            return
        fold = cursor.folding.fold  # everything there is of the table is in memory
        for n, fact in enumerate(facts):
            try:
                if type(fact.event) is Unreadable:
                    raise fact.event
                fold(fact)
            except Exception as wrong:
                self._park(cursor, fact, wrong)
                super()._feed(cursor, facts[n + 1 :])
                return
        self._keep(cursor, [])

    def _know(self, cursor: Cursor, plan: list[Step]) -> None:
        table = self.new[cursor.name]
        if missing := table.missing(plan):
            found = self.writer.fetch(cursor.name, missing)
            cursor.folding.rows.update(found)
            table.there.update(found)

    def _keep(self, cursor: Cursor, _: list[Step]) -> None:
        if cursor.folding.changes:
            self.new[cursor.name].keep()

    def _lay_aside(self, name: str, fact: Fact, error: str) -> None:
        self._aside.append((name, fact.stream, fact.position, error))

    def _spill(self, table: NewTable) -> None:
        """Write the rows in memory to the table, and forget them."""
        rows, there = table.cursor.folding.rows, table.there
        fresh = {k: row for k, row in rows.items() if row is not None and k not in there}
        moved = [
            rows[k] for k, row in there.items() if rows[k] is not None and rows[k] is not row
        ]
        gone = [key for key in there if rows[key] is None]
        with self.db.transaction():
            self.writer.put(
                table.cursor.name,
                fresh=[f"{line}\n" for line in table.lines(list(fresh.values()))],
                moved=[f"{line}\n" for line in table.lines(moved)],
                gone=gone,
            )
            if table.spilt is None:
                table.spilt = bytearray(MASK + 1)
                self.db.execute(next(table.stored.keys())[1].encode())
        for key in fresh:
            table.spilt[hash(key) & MASK] = 1
        rows.clear()
        there.clear()
