"""The feeds over real HTTP: pages, long polls, streams, and a client that adds them up."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from api.asyncapi import asyncapi
from api.auth import ROLES
from domain.catalogue import EVENTS
from projections.customers import accounts
from replay.store.upcasts import newest
from tests.served import Door, served
from tests.town import Town, town

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def told(database_url: str, tmp_path: Path) -> Iterator[tuple[Town, Door]]:
    """The story of one home, served."""
    with town(database_url, tmp_path) as made:
        made.story()
        with served(made.system) as door:
            yield made, door


def test_pages_lead_from_the_first_fact_to_the_last(told: tuple[Town, Door]) -> None:
    made, door = told
    events: list[dict[str, Any]] = []
    at, after = "/feed?limit=7", ""
    while at != after:
        page = door.get(at, "auditor")
        assert page.headers["content-type"] == "application/cloudevents-batch+json"
        events += page.json()
        full = len(page.json()) == 7
        assert ("immutable" in page.headers["cache-control"]) == full
        at, after = page.headers["link"].partition("<")[2].partition(">")[0], at
    facts = list(made.system.history.since())
    assert [int(event["sequence"]) for event in events] == [fact.position for fact in facts]
    assert [event["id"] for event in events] == [fact.ref for fact in facts]
    assert len({event["id"] for event in events}) == len(events)
    for event, fact in zip(events, facts, strict=True):
        assert event["specversion"] == "1.0"
        assert event["type"] == f"wattledger.{fact.name}.v{newest(fact.name)}"
        assert event["subject"] == fact.stream
        assert (event["by"], event["duty"], event["cause"]) == (fact.by, fact.duty, fact.cause)
        assert all(re.fullmatch("[a-z0-9]{1,20}", name) for name in event)
        assert event["time"].endswith("Z")


def test_money_in_the_feed_is_whole_minor_units(told: tuple[Town, Door]) -> None:
    _, door = told
    page = door.get("/feed?limit=1000", "auditor")
    json.loads(page.content, parse_float=lambda text: pytest.fail(f"a float: {text}"))
    kind = f"wattledger.payment.received.v{newest('payment.received')}"
    paid = [e["data"] for e in page.json() if e["type"] == kind]
    assert paid[-1] | {"amount": 5000, "currency": "GBP"} == paid[-1]


def test_a_full_page_is_the_same_after_more_has_happened(told: tuple[Town, Door]) -> None:
    made, door = told
    first = door.get("/feed?after=3&limit=5")
    tail = door.get("/feed?after=3&limit=1000")
    made.home(77)
    again = door.get("/feed?after=3&limit=5")
    assert (again.content, again.headers["etag"]) == (first.content, first.headers["etag"])
    unchanged = door.get("/feed?after=3&limit=5", **{"If-None-Match": first.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    grown = door.get("/feed?after=3&limit=1000", **{"If-None-Match": tail.headers["etag"]})
    assert grown.status_code == 200
    assert len(grown.json()) > len(tail.json())


def test_the_journal_is_balanced_and_adds_up_to_the_accounts(told: tuple[Town, Door]) -> None:
    _, door = told
    entries = [event["data"] for event in door.get("/feed/journal?limit=1000").json()]
    assert entries
    kinds = {entry["kind"] for entry in entries}
    assert {"bill", "payment"} <= kinds
    for entry in entries:
        assert (entry["account"], entry["month"]) == ("000120", entry["on"][:7])
        assert entry["about"] <= entry["on"]
        assert (entry["due"] is not None) == (entry["kind"] == "bill")
        assert sum(posting["minor"] for posting in entry["postings"]) == 0
        for posting in entry["postings"]:
            assert Decimal(posting["amount"]) == Decimal(posting["minor"]).scaleb(-2)


def test_a_small_client_reads_what_the_books_say_to_the_cent(told: tuple[Town, Door]) -> None:
    made, door = told
    for number in (130, 131):
        account = made.home(number)
        made.read(account)
        made.bill(account, 1)
    made.fast("000120")
    made.correct("000120", "000120-2026-01")
    made.settle()
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "feed-client.py"), door.url, door.token()],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    read = {a: Decimal(b) for a, b in (line.split() for line in done.stdout.splitlines())}
    rows = made.system.tables.find(accounts)
    assert read == {row.account: Decimal(row.balance).scaleb(-2) for row in rows}
    assert len(read) == 3


def test_a_long_poll_is_answered_when_something_happens(told: tuple[Town, Door]) -> None:
    made, door = told
    head = made.system.history.head()
    began = threading.Event()

    def later() -> None:
        began.wait()
        time.sleep(0.2)
        made.home(78)

    thread = threading.Thread(target=later)
    thread.start()
    began.set()
    page = door.get(f"/feed?after={head}", Prefer="wait=20")
    thread.join()
    assert page.headers["preference-applied"] == "wait=20"
    assert int(page.json()[0]["sequence"]) == head + 1


def test_a_long_poll_ends_when_nothing_happens(told: tuple[Town, Door]) -> None:
    made, door = told
    page = door.get(f"/feed?after={made.system.history.head()}", Prefer="wait=1")
    assert (page.status_code, page.json()) == (200, [])


def streamed(door: Door, path: str, count: int, **headers: str) -> list[dict[str, str]]:
    """So many server-sent events, as their fields."""
    found: list[dict[str, str]] = []
    one: dict[str, str] = {}
    asked = {"Authorization": f"Bearer {door.token()}", "Accept": "text/event-stream"}
    with door.client.stream("GET", path, headers=asked | headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            if line:
                name, _, value = line.partition(": ")
                one[name] = value
            elif "data" in one:
                found.append(one)
                one = {}
            if len(found) == count:
                break
    return found


def test_a_stream_gives_what_the_pages_give_and_goes_on(told: tuple[Town, Door]) -> None:
    made, door = told
    page = door.get("/feed?limit=1000").json()

    def later() -> None:
        time.sleep(0.3)
        made.home(79)

    thread = threading.Thread(target=later)
    thread.start()
    events = streamed(door, "/feed", len(page) + 2)
    thread.join()
    assert [json.loads(event["data"]) for event in events[: len(page)]] == page
    assert [int(event["id"]) for event in events] == list(range(1, len(page) + 3))
    assert events[0]["event"] == page[0]["type"]


def test_a_stream_resumes_behind_the_last_event(told: tuple[Town, Door]) -> None:
    _, door = told
    (event,) = streamed(door, "/feed?after=1", 1, **{"Last-Event-ID": "4"})
    assert event["id"] == "5"


def test_a_stream_ends_when_the_server_stops(database_url: str, tmp_path: Path) -> None:
    with town(database_url, tmp_path) as made, served(made.system) as door:
        asked = {"Authorization": f"Bearer {door.token()}", "Accept": "text/event-stream"}
        with door.client.stream("GET", "/feed", headers=asked) as answer:
            lines = answer.iter_lines()
            next(lines)
            door.stop()
            for _ in lines:
                pass  # it comes to its end


@pytest.mark.parametrize("role", [*ROLES, None])
def test_the_feeds_are_for_those_who_follow(quiet_door: Door, role: str | None) -> None:
    expected = (
        401 if role is None else 200 if role in {"integrator", "auditor", "admin"} else 403
    )
    assert quiet_door.get("/feed", role).status_code == expected
    expected = 200 if role == "finance" else expected
    assert quiet_door.get("/feed/journal", role).status_code == expected


@pytest.mark.parametrize(
    "query", ["after=-1", "after=x", "limit=0", "limit=1001", "after=" + "9" * 30]
)
def test_a_cursor_that_is_none_is_refused(quiet_door: Door, query: str) -> None:
    page = quiet_door.get(f"/feed?{query}")
    assert (page.status_code, page.json()["errors"][0]["field"]) == (
        422,
        query.partition("=")[0],
    )


def test_behind_the_end_there_is_nothing_yet(quiet_door: Door) -> None:
    page = quiet_door.get("/feed?after=1000000")
    assert page.json() == []
    assert "after=1000000" in page.headers["link"]


def test_the_description_that_is_kept_is_the_one_served(
    quiet_door: Door,
) -> None:
    served_now = quiet_door.client.get("/asyncapi.json").json()
    assert served_now == asyncapi(version("wattledger"))
    assert set(EVENTS) | {"entry.posted", "fact.unreadable"} == set(
        served_now["components"]["messages"]
    )
    # A process of its own: in this one tests have declared events as well.
    made = subprocess.run(
        [sys.executable, "-m", "api.asyncapi"], cwd=ROOT, capture_output=True, check=True
    )
    kept = ROOT / "docs" / "asyncapi.json"
    assert json.loads(kept.read_text("utf-8")) == json.loads(made.stdout)
