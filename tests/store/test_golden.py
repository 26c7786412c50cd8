"""
Every shape an event was ever written in can be read for ever.

A line of golden.jsonl for each (event name, version); ./scripts/golden adds those that
are missing.  A line is never edited: an event that is to look otherwise gets an upcast in
replay/store/upcasts.py, and with it a new version and a new line.
"""

from __future__ import annotations

import subprocess
import sys
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import TypeAdapter

from domain.catalogue import EVENTS
from domain.kit import event
from replay.store import mapper, upcasts
from replay.store.mapper import READERS, RawReaders, Readers, facts
from replay.store.shapes import compatible, shape_of
from replay.store.upcasts import newest

ROOT = Path(__file__).resolve().parents[2]
LINES: list[dict[str, Any]] = [
    orjson.loads(line)
    for line in (ROOT / "tests" / "store" / "golden.jsonl").read_bytes().splitlines()
]
ENVELOPE = b'{"v":1,"by":"ada","role":"clerk","cause":"c","correlation":""'
AT = datetime(2026, 3, 1, tzinfo=UTC)
NAMES = sorted(name for name in EVENTS if not name.startswith("test."))


@pytest.mark.parametrize("name", NAMES)
def test_an_event_has_a_line_for_every_version_it_had(name: str) -> None:
    versions = [line["v"] for line in LINES if line["name"] == name]

    assert versions == list(range(1, newest(name) + 1)), "run ./scripts/golden"


@pytest.mark.parametrize("name", NAMES)
def test_an_event_is_changed_only_with_an_upcast(name: str) -> None:
    shapes = {line["v"]: line["shape"] for line in LINES if line["name"] == name}

    assert compatible(shapes.get(newest(name)), shape_of(name)), (
        f"{name} looks otherwise than when it was written: give replay/store/upcasts.py a "
        f"way from version {newest(name)} to the next, then run ./scripts/golden"
    )


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line['name']} v{line['v']}")
def test_every_line_can_be_read_and_the_newest_is_written_the_same(
    line: dict[str, Any],
) -> None:
    name, version = line["name"], line["v"]

    happened = READERS[name, version](line["data"])

    now, _ = upcasts.upcast(name, version, line["data"])
    assert type(happened) is EVENTS[now]
    if name in EVENTS and version == newest(name):
        stored = orjson.loads(TypeAdapter[Any](EVENTS[name]).dump_json(happened))
        assert stored == line["data"]


def test_no_line_is_there_twice() -> None:
    assert len({(line["name"], line["v"]) for line in LINES}) == len(LINES)


def test_the_script_has_nothing_to_add() -> None:
    before = (ROOT / "tests" / "store" / "golden.jsonl").read_bytes()

    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "golden"],
        capture_output=True,
        check=True,
        text=True,
    )

    assert done.stdout == ""
    assert (ROOT / "tests" / "store" / "golden.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("now", "fits"),
    [
        ({"kind": {"one of": ["a", "b"]}}, True),
        ({"kind": {"one of": ["a", "b", "c"]}}, True),
        ({"kind": {"one of": ["a"]}}, False),
        ({"kind": {"one of": ["a", "b"]}, "more?": "str"}, True),
        ({"kind": {"one of": ["a", "b"]}, "more": "str"}, False),
        ({"kind": "str"}, False),
    ],
)
def test_closed_sets_and_fields_with_a_default_may_be_added_and_nothing_else_may_change(
    now: Any, fits: bool
) -> None:
    assert compatible({"kind": {"one of": ["a", "b"]}}, now) is fits


def test_a_new_kind_of_charge_is_no_new_shape_of_a_tariff() -> None:
    was = deepcopy(shape_of("tariff.drafted"))
    now = deepcopy(was)
    kinds = now["document"]["charges"]["list"]["any of"]
    kinds["lamps"] = {"code": "str", "price": "Decimal"}

    assert compatible(was, now)
    assert not compatible(now, was)
    kinds["fixed"]["price"] = "int"
    assert not compatible(was, now)


@event("test.reshaped")
class Reshaped:
    """Once had a `sum`; now it has `minor`, and says in what."""

    minor: int
    currency: str


def test_an_old_shape_is_read_a_version_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        upcasts.UPCASTS, ("test.reshaped", 1), lambda old: {"minor": old["sum"]}
    )
    monkeypatch.setitem(
        upcasts.UPCASTS, ("test.reshaped", 2), lambda old: {**old, "currency": "GBP"}
    )
    readers = Readers()
    now = Reshaped(minor=5, currency="GBP")

    assert newest("test.reshaped") == 3
    assert readers["test.reshaped", 1]({"sum": 5}) == now
    assert readers["test.reshaped", 2]({"minor": 5}) == now
    assert readers["test.reshaped", 3]({"minor": 5, "currency": "GBP"}) == now
    with pytest.raises(KeyError):
        readers["test.reshaped", 4]


def test_an_old_event_may_be_read_as_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is stored keeps its name and version; what is read has today's."""
    monkeypatch.setitem(
        upcasts.RETYPED,
        ("test.counted", 1),
        lambda old: ("test.reshaped", 2, {"minor": old["count"]}),
    )
    monkeypatch.setitem(
        upcasts.UPCASTS, ("test.reshaped", 1), lambda old: {"minor": old["sum"]}
    )
    monkeypatch.setitem(
        upcasts.UPCASTS, ("test.reshaped", 2), lambda old: {**old, "currency": "GBP"}
    )
    monkeypatch.setattr(mapper, "READERS", Readers())  # or later tests would read like this
    monkeypatch.setattr(mapper, "RAW_READERS", RawReaders())
    now = Reshaped(minor=5, currency="GBP")

    assert Readers()["test.counted", 1]({"count": 5}) == now
    assert RawReaders()["test.counted", 1](b'{"count":5}') == now
    row = ("test-1", 1, "test.counted", ENVELOPE + b',"data":{"count":5}}', 1, AT)
    [fact] = facts([row])
    assert (fact.event, fact.name, fact.written) == (now, "test.reshaped", ("test.counted", 1))


def test_a_shape_changes_with_its_fields_and_not_with_its_prose() -> None:
    def declared(name: str, doc: str, **fields: type) -> Any:
        cls = type(name, (), {"__annotations__": fields, "__doc__": doc})
        event(f"test.{name}")(cls)
        return shape_of(f"test.{name}")

    plain = declared("plain", "One thing.", title=str)
    assert declared("reworded", "Said otherwise.", title=str) == plain
    assert declared("widened", "One thing.", title=str, more=int) != plain
    assert declared("loosened", "One thing.", title=int) != plain
