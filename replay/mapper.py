"""Events to bytes and back: pydantic does the event, orjson the envelope round it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

import orjson
from pydantic import TypeAdapter, ValidationError

from domain.kit import EVENTS, NAMES, Fact, Stream
from replay.append import Unreadable
from replay.sealing import MARK, PERSONALS, opened, sealed
from replay.upcasts import UPCASTS, newest, upcast

Row: TypeAlias = tuple[str, int, str, bytes, int, datetime]
"""stream, version, name, state, position, at: the columns a fact is read from."""

COLUMNS = "originator_id, originator_version, topic, state, notification_id, at"


class Writers(dict[type, tuple[str, int, Callable[[Any], bytes]]]):
    """Event class -> its stored name, today's version, and what writes its data as JSON."""

    def __missing__(self, cls: type) -> tuple[str, int, Callable[[Any], bytes]]:
        name = NAMES[cls]
        writer = name, newest(name), TypeAdapter(cls).serializer.to_json
        self[cls] = writer
        return writer


class Readers(dict[tuple[str, int], Callable[[Any], Any]]):
    """Stored name and version -> what makes the event of its data."""

    def __missing__(self, shape: tuple[str, int]) -> Callable[[Any], Any]:
        name, version = shape
        read = TypeAdapter(EVENTS[name]).validator.validate_python
        if shape not in UPCASTS:
            if version != newest(name):
                raise KeyError(f"version {version} is newer than this program")
            self[shape] = read
            return read

        def old(data: Any) -> Any:
            return read(upcast(name, version, data))

        self[shape] = old
        return old


# Stands for the envelope of what cannot be read at all.
ABSENT: dict[str, Any] = dict.fromkeys(("by", "role", "cause", "correlation"), "") | {"v": 0}

NO_KEYS: Mapping[str, bytes | None] = {}

WRITERS = Writers()
READERS = Readers()


def written(
    event: object,
    *,
    by: str,
    role: str,
    cause: str,
    correlation: str,
    key: bytes | None = None,
    ref: str = "",
) -> bytes:
    """
    The stored state of an event: one JSON object, the data last.

    What is personal in it is sealed under `key`, as what stands at `ref` (Fact.ref).
    """
    _, version, write = WRITERS[type(event)]
    data = write(event)
    if personal := PERSONALS[type(event)]:
        if key is None:
            raise TypeError(f"{type(event).__qualname__} is personal and there is no key")
        data = orjson.dumps(sealed(orjson.loads(data), personal, key, ref))
    return orjson.dumps(
        {
            "v": version,
            "by": by,
            "role": role,
            "cause": cause,
            "correlation": correlation,
            "data": orjson.Fragment(data),
        }
    )


def facts(
    rows: Iterable[Row], *, keys: Mapping[str, bytes | None] = NO_KEYS, unreadable: bool = False
) -> list[Fact]:
    """
    The facts in rows of the events table.

    `keys` opens what is sealed, by stream; with None for a key it reads as erased.
    Raises Unreadable at the first that cannot be read; with `unreadable` that exception stands
    in the fact in the place of its event, and the caller decides what stops.
    """
    loads, readers, made = orjson.loads, READERS, []
    for stream, version, name, state, position, at in rows:
        envelope = ABSENT
        try:
            envelope = loads(state)
            data = envelope["data"]
            if stream in keys and MARK in state:
                data = opened(data, keys[stream], f"{stream}@{version}")
            event = readers[name, envelope["v"]](data)
        except (KeyError, ValidationError, TypeError, ValueError) as wrong:
            event = Unreadable(name, envelope["v"], state, _reason(wrong))
            if not unreadable:
                raise event from wrong
        made.append(
            Fact(
                Stream(stream),
                version,
                event,
                at,
                envelope["by"],
                envelope["role"],
                envelope["cause"],
                envelope["correlation"],
                position,
            )
        )
    return made


def _reason(wrong: Exception) -> str:
    """What is wrong with a fact, without what is in it: that may be personal."""
    if not isinstance(wrong, ValidationError):
        return str(wrong)
    found = wrong.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in found)
