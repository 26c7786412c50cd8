"""How the fields of a row are kept in Postgres: the type of each column, and its text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from functools import cache
from operator import attrgetter
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from projections.kit.spelling import SIMPLE, Decode, Kept, Spell, Write, document, text, texts

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
KEPT = ("known_from", "gone")  # the columns that a table of the past has besides the row's

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Column:
    """
    One field of a row, and how its values are written and read.

    `write` spells a list of values as COPY takes them, `spell` one value as COPY gives it, the
    one spelling that a digest is taken over.  `decode` is None where what the driver gives is
    the value itself.
    """

    name: str
    sql: str  # text, bigint, boolean, numeric, date, timestamptz or jsonb
    optional: bool
    write: Write
    spell: Spell
    decode: Decode | None = None

    @property
    def ordered(self) -> bool:
        """Whether it can be compared and sorted by; a document cannot."""
        return self.sql != "jsonb"


def once(make: Callable[[type[Any]], T]) -> Callable[[type[Any]], T]:
    """Derive it from a row once, and remember it."""
    return cast("Callable[[type[Any]], T]", cache(make))


def plain(given: Any) -> Any:
    """The value as it is kept: of a member of an enumeration, its text."""
    return given.value if isinstance(given, Enum) else given


def storable(given: Any) -> bool:
    """Whether Postgres can hold it; a text with a NUL or half a surrogate pair it cannot."""
    if not isinstance(given, str):
        return True
    try:
        given.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in given


@once
def columns(row: type[Any]) -> tuple[Column, ...]:
    """The columns of a row, in order.  Raises TypeError on a field that no table can have."""
    if not is_dataclass(row):
        raise TypeError(f"{row!r} is no dataclass, so it is no row")
    hints = get_type_hints(row, include_extras=True)
    return tuple(_column(row, field.name, hints[field.name]) for field in fields(row))


def _column(row: type[Any], name: str, hint: Any) -> Column:
    if not NAME.fullmatch(name) or name in KEPT:
        raise TypeError(f"{row.__qualname__}.{name} cannot be the name of a column")
    kind, optional = bare(hint)
    sql, write, spell, decode = _kept_as(kind)
    if optional:
        write, spell = _write_or_null(write), _spell_or_null(spell)
    return Column(name, sql, optional, write, spell, decode)


def bare(hint: Any) -> tuple[Any, bool]:
    """The type without its Annotated, NewType and `| None`; and whether it may be None."""
    optional = False
    while True:
        if get_origin(hint) is Annotated:
            hint = get_args(hint)[0]
        elif hasattr(hint, "__supertype__"):
            hint = hint.__supertype__
        elif get_origin(hint) in (Union, UnionType) and NoneType in get_args(hint):
            rest = tuple(arg for arg in get_args(hint) if arg is not NoneType)
            hint, optional = Union[rest], True  # noqa: UP007  (built, not written)
        else:
            return hint, optional


def _kept_as(kind: Any) -> Kept:
    if kind in SIMPLE:
        return SIMPLE[kind]
    if get_origin(kind) is Literal and all(isinstance(arg, str) for arg in get_args(kind)):
        return SIMPLE[str]
    if isinstance(kind, type) and issubclass(kind, Enum) and _of_texts(kind):
        return "text", lambda given: texts([v.value for v in given]), _member, kind
    return document(kind)


def _of_texts(kind: type[Enum]) -> bool:
    return all(isinstance(member.value, str) for member in kind)


def _member(given: Any) -> str:
    return text(given.value)


def _write_or_null(write: Write) -> Write:
    def maybe(given: list[Any]) -> Iterable[str]:
        there = [value for value in given if value is not None]
        if len(there) == len(given):
            return write(given)
        told = iter(write(there))
        return ["\\N" if value is None else next(told) for value in given]

    return maybe


def _spell_or_null(spell: Spell) -> Spell:
    return lambda given: "\\N" if given is None else spell(given)


@once
def lines(row: type[Any]) -> Callable[[Sequence[Any]], list[str]]:
    """A function that writes rows as lines of COPY's text format, without the newline."""
    each = [(attrgetter(column.name), column.write) for column in columns(row)]

    def tell(rows: Sequence[Any]) -> list[str]:
        told = [write(list(map(value, rows))) for value, write in each]
        return list(map("\t".join, zip(*told, strict=True)))

    return tell


@once
def spelled(row: type[Any]) -> Callable[[Any], str]:
    """A function that spells a row as COPY gives it in a session in UTC."""
    each = [(attrgetter(column.name), column.spell) for column in columns(row)]
    return lambda given: "\t".join([spell(value(given)) for value, spell in each])


@once
def read(row: type[Any]) -> Callable[[tuple[Any, ...]], Any]:
    """A function that makes a row of what the driver gives for its columns, in order."""
    decoders = [(n, c.decode) for n, c in enumerate(columns(row)) if c.decode is not None]
    names = tuple(column.name for column in columns(row))
    named = any(field.kw_only for field in fields(row))

    def make(values: tuple[Any, ...]) -> Any:
        if decoders:
            told = list(values)
            for n, decode in decoders:
                if told[n] is not None:
                    told[n] = decode(told[n])
            values = tuple(told)
        return row(**dict(zip(names, values, strict=True))) if named else row(*values)

    return make


def shape(row: type[Any], key: tuple[str, ...]) -> str:
    """The table as one text: what must not change while the version of a projection stays."""
    return ", ".join(_declared(row, key))


def _declared(row: type[Any], key: tuple[str, ...]) -> Iterator[str]:
    for column in columns(row):
        yield f"{column.name} {column.sql}" + ("" if column.optional else " not null")
    yield f"key ({', '.join(key)})"
