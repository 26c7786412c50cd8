"""What the released schema promised is kept: a client of it is never broken unawares."""

from __future__ import annotations

from pathlib import Path

import pytest
from graphql import build_schema
from graphql.utilities import find_breaking_changes

ROOT = Path(__file__).resolve().parents[2]
RELEASED = ROOT / "tests" / "releases" / "schema.graphql"
NOW = ROOT / "docs" / "schema.graphql"


def broken(released: str, now: str) -> list[str]:
    """What a client of the one cannot ask of the other any more."""
    found = find_breaking_changes(build_schema(released), build_schema(now))
    return [change.description for change in found]


def test_nothing_that_was_released_is_broken() -> None:
    assert broken(RELEASED.read_text("utf-8"), NOW.read_text("utf-8")) == [], (
        "a client is broken by this: deprecate it first; if it must be, say so in CHANGELOG.md "
        "under Changed and copy docs/schema.graphql to tests/releases with the release"
    )


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("  estimated: Boolean!\n", "  assumed: Boolean!\n"),  # gone
        ("  estimated: Boolean!\n", "  estimated: Boolean\n"),  # may be null now
        ("  EXCHANGED\n", "  SWAPPED\n"),
    ],
)
def test_what_would_break_a_client_is_found(was: str, now: str) -> None:
    released = RELEASED.read_text("utf-8")
    assert was in released
    assert broken(released, released.replace(was, now))


def test_more_breaks_nobody() -> None:
    released = RELEASED.read_text("utf-8")
    field = "  estimated: Boolean!\n"
    assert broken(released, released.replace(field, f"{field}\n  more: Int\n")) == []
