"""How the fields of a row are kept in Postgres: the type of each column, and its text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from operator import attrgetter
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    TypeAlias,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

import orjson
from pydantic import TypeAdapter

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
KEPT = ("known_from", "gone")  # the columns that a table of the past has besides the row's

T = TypeVar("T")
Encode: TypeAlias = Callable[[Any], str]
Decode: TypeAlias = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One field of a row.  `decode` is None where what the driver gives is the value itself."""

    name: str
    sql: str  # text, bigint, boolean, numeric, date, timestamptz or jsonb
    optional: bool
    encode: Encode
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
    bare, optional = _bare(hint)
    sql, encode, decode = _kept_as(bare)
    return Column(name, sql, optional, _or_null(encode) if optional else encode, decode)


def _bare(hint: Any) -> tuple[Any, bool]:
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


def _kept_as(bare: Any) -> tuple[str, Encode, Decode | None]:
    if bare in _SIMPLE:
        return _SIMPLE[bare]
    if get_origin(bare) is Literal and all(isinstance(arg, str) for arg in get_args(bare)):
        return _SIMPLE[str]
    if isinstance(bare, type) and issubclass(bare, Enum) and _of_texts(bare):
        return "text", _enum_text, bare
    return "jsonb", *_document(bare)


def _of_texts(kind: type[Enum]) -> bool:
    return all(isinstance(member.value, str) for member in kind)


def _document(hint: Any) -> tuple[Encode, Decode]:
    shape: TypeAdapter[Any] = TypeAdapter(hint)

    def encode(given: Any) -> str:
        # Postgres keeps no order of keys, so the text has one of its own: the sorted one.
        told = orjson.dumps(shape.dump_python(given, mode="json"), option=orjson.OPT_SORT_KEYS)
        return told.decode().replace("\\", "\\\\")

    return encode, shape.validate_json


def _text(given: str) -> str:
    if "\\" in given:
        given = given.replace("\\", "\\\\")
    if given.isprintable():
        return given
    return given.replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")


def _enum_text(given: Any) -> str:
    return _text(given.value)


def _number(given: Decimal) -> str:
    if not given:
        given = abs(given)  # Postgres has no negative zero
    return format(given, "f")


def _flag(given: bool) -> str:
    return "t" if given is True else "f" if given is False else _wrong(given, "a bool")


def _whole(given: int) -> str:
    return str(given) if type(given) is int else _wrong(given, "an int")


def _moment(given: datetime) -> str:
    if given.tzinfo is None:
        _wrong(given, "a moment with a time zone")
    return (given if given.tzinfo is UTC else given.astimezone(UTC)).isoformat()


def _wrong(given: object, wanted: str) -> str:
    raise TypeError(f"{given!r} stands where {wanted} belongs")


def _in_utc(given: datetime) -> datetime:
    return given.astimezone(UTC)


def _or_null(encode: Encode) -> Encode:
    return lambda given: "\\N" if given is None else encode(given)


_SIMPLE: dict[Any, tuple[str, Encode, Decode | None]] = {
    str: ("text", _text, None),
    int: ("bigint", _whole, None),
    bool: ("boolean", _flag, None),
    Decimal: ("numeric", _number, None),
    date: ("date", date.isoformat, None),
    datetime: ("timestamptz", _moment, _in_utc),
}


@once
def line(row: type[Any]) -> Callable[[Any], str]:
    """A function that writes a row as one line of COPY's text format, without the newline."""
    encoders = tuple(column.encode for column in columns(row))
    names = tuple(column.name for column in columns(row))
    if len(names) == 1:
        return lambda given: encoders[0](getattr(given, names[0]))
    values = attrgetter(*names)
    return lambda given: "\t".join(
        [one(value) for one, value in zip(encoders, values(given), strict=True)]
    )


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
