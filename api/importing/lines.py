"""Lines of CSV, and what is told of them: a report, and rejects with line, column and rule."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any, TypeAlias

from domain.kit import Refused
from domain.values import EXACT

Row: TypeAlias = dict[str, str]
LARGEST = Decimal(10) ** 9  # kWh; no register has more digits


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why something was not recorded; line 1 is the header."""

    line: int
    column: str
    rule: str
    message: str


@dataclass(slots=True)
class Report:
    """What became of a file.  A unit is a reading of a meter, or a day of a channel."""

    file: str
    correlation: str = ""  # of all facts that it led to: `withdraw-import` takes them back
    lines: int = 0
    accepted: int = 0
    repeated: int = 0
    rejected: int = 0
    rejects: list[Rejected] = field(default_factory=list)
    first: int | None = None  # the first position that was recorded
    last: int | None = None

    def reject(self, line: int, column: str, rule: str, message: str) -> None:
        """Tell of a line."""
        self.rejects.append(Rejected(line, column, rule, message))

    def recorded(self, positions: tuple[int, ...]) -> None:
        """Count what a command led to."""
        if not positions:
            self.repeated += 1
            return
        self.accepted += 1
        self.first = min(self.first or positions[0], positions[0])
        self.last = max(self.last or 0, positions[-1])

    @property
    def clean(self) -> bool:
        """Whether nothing was rejected."""
        return not self.rejects


@dataclass(slots=True)
class Unit:
    """Lines that are recorded together, or not at all: `order` is the thing and the day."""

    order: tuple[Any, ...]
    lines: list[tuple[int, Row]] = field(default_factory=list)
    broken: bool = False


class NotOurFile(Refused):
    """The file has not the columns of such a file."""


class Wrong(Exception):
    """A value that cannot be taken: the column, the rule, what is the matter."""

    def __init__(self, column: str, rule: str, message: str) -> None:
        super().__init__(message)
        self.column, self.rule = column, rule


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that a file has to have, and those that it may."""

    needed: tuple[str, ...]
    optional: tuple[str, ...]


def lines(path: Path, columns: Columns, report: Report) -> Iterator[tuple[int, Row]]:
    """The rows that have all their columns, with the number of the line they end on."""
    text = path.read_bytes().decode("utf-8-sig", "replace")
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    named: list[str] = []
    while True:
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error as wrong:
            report.lines += 1
            report.reject(reader.line_num, "", "csv", str(wrong))
            continue
        if not row:
            continue
        if not named:
            named = _named(row, columns, path)
            continue
        report.lines += 1
        if len(row) != len(named):
            told = f"{len(row)} columns where {len(named)} are named"
            report.reject(reader.line_num, "", "columns", told)
            continue
        yield reader.line_num, dict(zip(named, map(str.strip, row), strict=True))
    if not named:
        raise NotOurFile(file=path.name, has=[], needs=list(columns.needed))


def _named(row: list[str], columns: Columns, path: Path) -> list[str]:
    named = [name.strip().lower() for name in row]
    known = (*columns.needed, *columns.optional)
    if len(set(named)) < len(named) or not set(columns.needed) <= set(named) <= set(known):
        raise NotOurFile(
            file=path.name,
            has=named,
            needs=list(columns.needed),
            may_have=list(columns.optional),
        )
    return named


def text(row: Row, column: str) -> str:
    """What must be said.  Raises Wrong."""
    if not row[column]:
        raise Wrong(column, "empty", f"the {column} is not said")
    return row[column]


def number(row: Row, column: str) -> Decimal:
    """A number of zero or more, written with digits alone.  Raises Wrong."""
    given = text(row, column)
    if not EXACT.fullmatch(given):
        raise Wrong(column, "not-a-number", f"{row[column]!r} is not a number")
    found = Decimal(given)
    if found < 0:
        raise Wrong(column, "negative", f"{row[column]} is below zero")
    if found >= LARGEST:
        raise Wrong(column, "too-large", f"{row[column]} is more than any meter counts")
    return found


def day(row: Row, column: str) -> date:
    """A date.  Raises Wrong."""
    try:
        return date.fromisoformat(text(row, column))
    except ValueError:
        told = f"{row[column]!r} is not a date like 2026-03-31"
        raise Wrong(column, "not-a-date", told) from None
