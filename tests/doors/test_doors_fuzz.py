"""Whatever is thrown at a command: it is answered, never with 500, and written whole or not."""

from __future__ import annotations

import json
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from api.settings import Settings
from api.system import opened
from domain.catalogue import COMMANDS
from tests.served import EXAMPLES, Door, served

TEXTS = st.text(max_size=20) | st.sampled_from(
    [
        "\0",
        "a\0b",
        "\x7f",
        "名",
        "\U0001f50c",
        "\u202e",
        "'; drop table history.events; --",
        "x" * 5000,
    ]
)
NUMBERS = st.integers() | st.sampled_from([0, -1, 2**31, 2**63, 2**64, 10**30]) | st.floats()
DAYS = st.dates().map(str) | st.sampled_from(
    ["0001-01-01", "9999-12-31", "9999-12-01", "2026-02-30", "2026-03-29", "1582-10-10"]
)
PRICES = st.decimals(allow_nan=True).map(str) | st.sampled_from(["1e300", "-0", "0.1", "99999"])
LEAVES = st.none() | st.booleans() | NUMBERS | TEXTS | DAYS | PRICES
VALUES = st.recursive(
    LEAVES, lambda some: st.lists(some, max_size=4) | st.dictionaries(TEXTS, some, max_size=3)
)
FOUNDING = "found-utility"
ANSWERED = {200, 201, 409, 412, 413, 422}


def altered(draw: st.DrawFn, node: Any) -> Any:
    """A value like this one, with something in it changed."""
    if isinstance(node, dict) and node and draw(st.booleans()):
        name = draw(st.sampled_from(sorted(node)))
        return node | {name: altered(draw, node[name])}
    if isinstance(node, list) and node and draw(st.booleans()):
        n = draw(st.integers(0, len(node) - 1))
        return [*node[:n], altered(draw, node[n]), *node[n + 1 :]]
    if isinstance(node, str) and draw(st.booleans()):
        return draw(DAYS | PRICES | TEXTS)
    return draw(VALUES)


@st.composite
def bodies(draw: st.DrawFn, name: str) -> bytes:
    """A body for a command: its example with changes, other fields, or anything at all."""
    kind = draw(st.sampled_from(["alike", "alike", "alike", "more", "less", "any", "bytes"]))
    body: Any = dict(EXAMPLES[name])
    match kind:
        case "alike":
            for field in draw(st.sets(st.sampled_from(sorted(body)), min_size=1, max_size=3)):
                body[field] = altered(draw, body[field])
        case "more":
            body |= draw(st.dictionaries(TEXTS, VALUES, max_size=3))
        case "less":
            body.pop(draw(st.sampled_from(sorted(body))))
        case "any":
            body = draw(VALUES)
        case _:
            return draw(st.binary(max_size=50))
    text = json.dumps(body, ensure_ascii=draw(st.booleans()))
    return text.encode("utf-8", "surrogatepass")


@pytest.fixture(scope="module", autouse=True)
def _begun(quiet_door: Door) -> None:
    """So that commands get as far as their rules."""
    for name in EXAMPLES:
        if name not in ("issue-bill", FOUNDING):
            quiet_door.post(name, person="boris" if name == "approve-tariff" else "ada")


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - {FOUNDING}))
def test_a_command_answers_whatever_it_is_sent(quiet_door: Door, name: str, long: bool) -> None:
    sends(quiet_door, name, long)


def test_founding_answers_whatever_it_is_sent(
    database_url: str, tmp_path: Path, long: bool
) -> None:
    """In a utility of its own: from the day of founding on, only its people may ask."""
    settings = Settings(database_url=SecretStr(database_url), data_dir=tmp_path, demo=False)
    with opened(settings) as system, served(system) as door:
        sends(door, FOUNDING, long, ANSWERED | {403})


def sends(door: Door, name: str, long: bool, answered: AbstractSet[int] = ANSWERED) -> None:
    """Bodies of every sort: each has an answer, and a position for each fact and no other."""
    history = door.system.history

    @settings(
        max_examples=400 if long else 25,
        deadline=None,
        derandomize=not long,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(bodies(name))
    def sent(body: bytes) -> None:
        before = history.head()
        told: httpx2.Response = door.post(name, body)
        assert told.status_code in answered, (told.status_code, told.text, body)
        positions = told.json().get("positions", [])
        if told.status_code == 201:
            assert positions == list(range(before + 1, before + 1 + len(positions)))
        else:
            assert not positions
            assert told.status_code == 200 or told.json()["type"].startswith("/problems/")
        assert history.head() == before + len(positions)

    sent()


def test_nothing_that_was_accepted_stops_those_who_follow(quiet_door: Door) -> None:
    """Run last: what the commands let in, the projections can fold and the feed can tell."""
    system = quiet_door.system
    assert system.tables.wait_for(system.history.head(), 60)
    assert system.follower.parked() == []
    assert quiet_door.get("/feed?limit=1000").status_code == 200
