"""How values are spelled in Postgres' text formats: for COPY, in and out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeAlias

from pydantic import TypeAdapter

Write: TypeAlias = Callable[[list[Any]], Iterable[str]]
Spell: TypeAlias = Callable[[Any], str]
Decode: TypeAlias = Callable[[Any], Any]
Kept: TypeAlias = tuple[str, Write, Spell, Decode | None]

ESCAPES = {
    "\\": "\\\\",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
}
ESCAPED = str.maketrans(ESCAPES)
IN_JSON = {c: f"\\u{c:04x}" for c in range(32)} | str.maketrans(
    {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
)


def text(given: str) -> str:
    """A text, with what means something to COPY escaped."""
    if given.isprintable() and "\\" not in given:
        return given
    return given.translate(ESCAPED)


def texts(given: list[Any]) -> Iterable[str]:
    """Texts, looked through all at once: most have nothing to escape."""
    joined = " ".join(given)
    if joined.isprintable() and "\\" not in joined:
        return given
    return map(text, given)


def flag(given: bool) -> str:
    """A bool."""
    return "t" if given else "f"


def number(given: Decimal) -> str:
    """A decimal with every digit that it has; Postgres has no negative zero."""
    return format(given or abs(given), "f")


def moment(given: datetime) -> str:
    """An instant as a session in UTC is told of it."""
    local = given.astimezone(UTC).replace(tzinfo=None)
    told = local.isoformat(" ")
    return f"{told.rstrip('0') if local.microsecond else told}+00"


def _all(kind: type, tell: Callable[[Any], str]) -> Write:
    """Values that must be of one type and no other, not even of one derived from it."""

    def write(given: list[Any]) -> Iterable[str]:
        if wrong := set(map(type, given)) - {kind}:
            raise TypeError(f"{wrong.pop().__name__} stands where {kind.__name__} belongs")
        return map(tell, given)

    return write


def _moments(given: list[Any]) -> Iterable[str]:
    if any(value.tzinfo is None for value in given):
        raise TypeError("a moment without a time zone")
    return map(moment, given)


SIMPLE: dict[Any, Kept] = {
    str: ("text", texts, text, None),
    int: ("bigint", _all(int, str), str, None),
    bool: ("boolean", _all(bool, flag), flag, None),
    Decimal: ("numeric", _all(Decimal, number), number, None),
    date: ("date", _all(date, str), str, None),
    datetime: ("timestamptz", _moments, moment, lambda given: given.astimezone(UTC)),
}


def document(hint: Any) -> Kept:
    """Anything else: JSON, as pydantic writes and reads it."""
    shape: TypeAdapter[Any] = TypeAdapter(hint)
    tell = shape.serializer.to_json

    def write(given: list[Any]) -> Iterable[str]:
        return [tell(value).decode().replace("\\", "\\\\") for value in given]

    def spell(given: Any) -> str:
        return jsonb(shape.dump_python(given, mode="json")).replace("\\", "\\\\")

    return "jsonb", write, spell, shape.validate_json


def jsonb(given: Any) -> str:
    """A document as Postgres spells jsonb: short keys first, a space after each sign."""
    match given:
        case str():
            return f'"{given.translate(IN_JSON)}"'
        case dict():
            keys = sorted(given, key=lambda key: (len(key.encode()), key))
            return "{" + ", ".join(f"{jsonb(key)}: {jsonb(given[key])}" for key in keys) + "}"
        case list():
            return "[" + ", ".join(map(jsonb, given)) + "]"
        case bool():
            return "true" if given else "false"
        case None:
            return "null"
        case _:
            return str(given)
