"""What a projection's table is called in Postgres and how it is made: derived from its row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from projections.kit.columns import Column, columns, shape
from projections.kit.table import Projection

SCHEMA = "books"


def quoted(*names: str) -> str:
    """Names as SQL writes them, joined by commas."""
    return ", ".join(f'"{name}"' for name in names)


class Stored:
    """One projection as it is kept in one schema: its two tables, their columns and keys."""

    def __init__(self, schema: str, projection: Projection[Any]) -> None:
        self.schema, self.projection = schema, projection
        self.columns = columns(projection.row)
        self.names = tuple(column.name for column in self.columns)
        self.key = self.columns[: len(projection.key)]
        self.table = f'"{schema}"."{projection.name}"'
        self.past = f'"{schema}"."{projection.name}_past"'
        self.shape = shape(projection.row, projection.key)

    def listed(self, source: str = "v") -> str:
        """The columns, to be selected: documents as text."""
        return ", ".join(_selected(column, source) for column in self.columns)

    def tables(self) -> Iterator[tuple[str, str]]:
        """What creates each of both tables, by name, without a key or an index."""
        fields = ", ".join(_declared(column, column.optional) for column in self.columns)
        kept = ", ".join(_declared(column, column not in self.key) for column in self.columns)
        name = self.projection.name
        yield name, f"create table {self.table} ({fields}) with (fillfactor = 90)"
        yield (
            f"{name}_past",
            f"create table {self.past} (known_from bigint not null, {kept},"
            f" gone boolean not null)",
        )

    def keys(self) -> Iterator[tuple[str, str]]:
        """What gives each of both tables its primary key, by the name of the index."""
        name, key = self.projection.name, quoted(*self.projection.key)
        yield f"{name}_pkey", f"alter table {self.table} add primary key ({key})"
        yield (
            f"{name}_past_pkey",
            f"alter table {self.past} add primary key ({key}, known_from)",
        )

    def indexes(self) -> Iterator[tuple[str, str]]:
        """What creates each index that people look by, on the table and on its past."""
        for names in self.projection.indexes:
            by = quoted(*names, *(k for k in self.projection.key if k not in names))
            label = f"{self.projection.name}_by_{'_'.join(names)}"[:56]
            yield label, f'create index "{label}" on {self.table} ({by})'
            past = f"{label}_past"
            yield past, f'create index "{past}" on {self.past} ({by}, known_from)'
        if (column := self.projection.search) is not None:
            by = f'using gin ("{column}" jsonb_path_ops)'
            label = f"{self.projection.name}_by_{column}"[:56]
            yield label, f'create index "{label}" on {self.table} {by}'
            yield f"{label}_past", f'create index "{label}_past" on {self.past} {by}'


def every_table(stored: Iterable[Stored]) -> str:
    """The tables with their pasts, in the one order in which everybody locks them."""
    ordered = sorted(stored, key=lambda one: one.projection.name)
    return ", ".join(table for one in ordered for table in (one.table, one.past))


def meta(schema: str) -> str:
    """Create the schema and its own three tables, if they are not there."""
    return (
        f'create schema if not exists "{schema}";'
        f'create table if not exists "{schema}".progress (projection text primary key,'
        f" version integer not null, shape text not null, position bigint not null,"
        f" growth bigint not null);"
        f'create table if not exists "{schema}".parked (projection text not null,'
        f" stream text not null, position bigint not null, error text not null,"
        f" primary key (projection, position));"
        f'create table if not exists "{schema}".rebuilding (projection text primary key,'
        f" position bigint not null, goal bigint not null)"
    )


def _declared(column: Column, optional: bool) -> str:
    order = ' collate "C"' if column.sql == "text" else ""
    return f'"{column.name}" {column.sql}{order}' + ("" if optional else " not null")


def _selected(column: Column, source: str) -> str:
    return f'{source}."{column.name}"' + ("::text" if column.sql == "jsonb" else "")
