"""Events to bytes and back: pydantic does the event, orjson the envelope round it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

import orjson
from pydantic import TypeAdapter, ValidationError

from domain.kit import EVENTS, NAMES, Fact
from replay.store.append import ENVELOPE, Unreadable
from replay.store.sealing import MARK, PERSONALS, opened, sealed
from replay.store.upcasts import RETYPED, UPCASTS, newest, upcast

Row: TypeAlias = tuple[str, int, str, bytes, int, datetime]
"""stream, version, name, state, position, at: the columns a fact is read from."""

COLUMNS = "originator_id, originator_version, topic, state, notification_id, at"


class StoredAs(NamedTuple):
    """How an event is stored: its name and version, and what writes its data as JSON."""

    shape: tuple[str, int]
    data: Callable[[Any], bytes]


class Writers(dict[type, StoredAs]):
    """Event class -> how such an event is stored today."""

    def __missing__(self, cls: type) -> StoredAs:
        name = NAMES[cls]
        writer = StoredAs((name, newest(name)), TypeAdapter(cls).serializer.to_json)
        self[cls] = writer
        return writer


class Readers(dict[tuple[str, int], Callable[[Any], Any]]):
    """Stored name and version -> what makes the event of its data."""

    def __missing__(self, shape: tuple[str, int]) -> Callable[[Any], Any]:
        name, version = shape
        if shape not in UPCASTS and shape not in RETYPED:
            read = TypeAdapter(EVENTS[name]).validator.validate_python
            if version != newest(name):
                raise KeyError(f"version {version} is newer than this program")
            self[shape] = read
            return read

        def old(data: Any) -> Any:
            now, made = upcast(name, version, data)
            return self[now, newest(now)](made)

        self[shape] = old
        return old


class RawReaders(dict[tuple[str, int], Callable[[bytes], Any]]):
    """The same of its data as they are stored: today's shape is read without a detour."""

    def __missing__(self, shape: tuple[str, int]) -> Callable[[bytes], Any]:
        read: Callable[[bytes], Any]
        if shape not in UPCASTS and shape not in RETYPED and shape[1] == newest(shape[0]):
            read = TypeAdapter(EVENTS[shape[0]]).validator.validate_json
        else:
            through = READERS[shape]

            def read(data: bytes) -> Any:
                return through(orjson.loads(data))

        self[shape] = read
        return read


# The data stand last in the envelope.  Inside of a text the quotes would be escaped.
DATA = b',"data":'

NOTHING_SAID = ("",) * len(ENVELOPE)

NO_KEYS: Mapping[str, bytes | None] = {}

WRITERS = Writers()
READERS = Readers()
RAW_READERS = RawReaders()


class Envelope:
    """
    What makes the stored state of the events of one command: a JSON object, data last.

    It is given what ENVELOPE names, in that order.
    """

    def __init__(self, envelope: Sequence[str]) -> None:
        said = {name: text for name, text in zip(ENVELOPE, envelope, strict=True) if text}
        self._said = b"," + orjson.dumps(said)[1:-1] + DATA

    def __call__(self, event: object) -> bytes:
        """The state of an event in which nothing is personal."""
        (_, version), write = WRITERS[type(event)]
        return b'{"v":%d%b%b}' % (version, self._said, write(event))

    def sealed(self, event: object, key: bytes, ref: str) -> bytes:
        """The same, what is personal sealed under a key, as what stands at `ref` (Fact.ref)."""
        (_, version), write = WRITERS[type(event)]
        data = sealed(orjson.loads(write(event)), PERSONALS[type(event)], key, ref)
        return b'{"v":%d%b%b}' % (version, self._said, orjson.dumps(data))


def facts(
    rows: Iterable[Row], *, keys: Mapping[str, bytes | None] = NO_KEYS, unreadable: bool = False
) -> list[Fact]:
    """
    The facts in rows of the events table.

    `keys` opens what is sealed, by stream; with None for a key it reads as erased.
    Raises Unreadable at the first that cannot be read; with `unreadable` that exception stands
    in the fact in the place of its event, and the caller decides what stops.
    """
    readers, make, made = RAW_READERS, fact_of, []
    known = b""
    envelope: Sequence[str] = ()
    for stream, version, name, state, position, at in rows:
        try:
            cut = state.index(DATA)
            if (head := state[:cut]) != known:  # often that of the fact before
                shape, envelope = _envelope(head)
                known = head
            if stream in keys and MARK in state:
                data = opened(orjson.loads(state)["data"], keys[stream], f"{stream}@{version}")
                event = READERS[name, shape](data)
            else:
                event = readers[name, shape](state[cut + 8 : -1])
        except (KeyError, ValidationError, TypeError, ValueError) as wrong:
            event, envelope, known = _unreadable(name, state, wrong), _said(state), b""
            shape = event.version
            if not unreadable:
                raise event from wrong
        made.append(make(stream, version, event, at, envelope, position, (name, shape)))
    return made


def _envelope(head: bytes) -> tuple[int, Sequence[str]]:
    """The version of the data and what ENVELOPE names, from what stands before the data."""
    said = orjson.loads(head + b"}")
    return said["v"], _read(said)


def _read(said: Mapping[str, Any]) -> tuple[str, ...]:
    """What ENVELOPE names; in the first release a duty was called role."""
    get = said.get
    return (
        get("by", ""), said["duty"] if "duty" in said else get("role", ""),
        get("org_unit", ""), get("terminal", ""), get("on_behalf_of", ""),
        get("command", ""), get("reason", ""), get("cause", ""), get("correlation", ""),
    )  # fmt: skip


def _said(state: bytes) -> Sequence[str]:
    """The same of a fact that cannot be read, as far as its envelope can."""
    try:
        return tuple(map(str, _read(orjson.loads(state))))
    except (ValueError, AttributeError, TypeError):
        return NOTHING_SAID


def _unreadable(name: str, state: bytes, wrong: Exception) -> Unreadable:
    found = re.match(rb'\{"v":(\d+),', state)
    return Unreadable(name, int(found[1]) if found else 0, state, _reason(wrong))


# Setting the slots at once takes half the time of calling the class, which is frozen and sets
# them through object.__setattr__; a fact is made for each that is read.
_NEW = Fact.__new__
_SET = {each.name: vars(Fact)[each.name].__set__ for each in fields(Fact)}
_STREAM, _VERSION, _EVENT, _AT, _POSITION, _WRITTEN = map(
    _SET.__getitem__, ("stream", "version", "event", "at", "position", "written")
)
(
    _BY, _DUTY, _ORG_UNIT, _TERMINAL, _ON_BEHALF_OF, _COMMAND, _REASON, _CAUSE, _CORRELATION
) = (_SET[name] for name in ENVELOPE)  # fmt: skip


def fact_of(
    stream: str,
    version: int,
    event: Any,
    at: datetime,
    envelope: Sequence[str],
    position: int,
    written: tuple[str, int] | None = None,
) -> Fact:
    """The fact; `envelope` says what ENVELOPE names; `written` None: just now."""
    made = _NEW(Fact)
    _STREAM(made, stream)
    _VERSION(made, version)
    _EVENT(made, event)
    _AT(made, at)
    # One by one: a loop over them costs a replay a sixth of its speed (measured).
    by, duty, org_unit, terminal, on_behalf_of, command, reason, cause, correlation = envelope
    _BY(made, by)
    _DUTY(made, duty)
    _ORG_UNIT(made, org_unit)
    _TERMINAL(made, terminal)
    _ON_BEHALF_OF(made, on_behalf_of)
    _COMMAND(made, command)
    _REASON(made, reason)
    _CAUSE(made, cause)
    _CORRELATION(made, correlation)
    _POSITION(made, position)
    _WRITTEN(made, written)
    return made


def _reason(wrong: Exception) -> str:
    """What is wrong with a fact, without what is in it: that may be personal."""
    if not isinstance(wrong, ValidationError):
        return str(wrong)
    found = wrong.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in found)
