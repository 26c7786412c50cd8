"""Events to bytes and back: pydantic does the event, orjson the envelope round it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeAlias

import orjson
from pydantic import TypeAdapter, ValidationError

from domain.kit import EVENTS, NAMES, Fact, Stream
from replay.append import Unreadable
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

WRITERS = Writers()
READERS = Readers()


def written(event: object, *, by: str, role: str, cause: str, correlation: str) -> bytes:
    """The stored state of an event: one JSON object, the data last."""
    _, version, write = WRITERS[type(event)]
    return orjson.dumps(
        {
            "v": version,
            "by": by,
            "role": role,
            "cause": cause,
            "correlation": correlation,
            "data": orjson.Fragment(write(event)),
        }
    )


def facts(rows: Iterable[Row], *, unreadable: bool = False) -> list[Fact]:
    """
    The facts in rows of the events table.

    Raises Unreadable at the first that cannot be read; with `unreadable` that exception stands
    in the fact in the place of its event, and the caller decides what stops.
    """
    loads, readers, made = orjson.loads, READERS, []
    for stream, version, name, state, position, at in rows:
        envelope = ABSENT
        try:
            envelope = loads(state)
            event = readers[name, envelope["v"]](envelope["data"])
        except (KeyError, ValidationError, TypeError, ValueError) as wrong:
            event = Unreadable(name, envelope["v"], state, str(wrong))
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
