"""What is denied is answered at once and recorded beside it: the first, then a number."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from api.auth import Person
from api.authority import NotAllowed
from api.denials import WINDOW, Denials
from api.dispatch import Answer, Dispatch, RequestContext
from api.settings import Settings
from api.system import opened
from domain.kit import Fact, Stream
from domain.organisation.attempts import AttemptDenied
from replay.store.append import Unavailable
from replay.store.history import History
from replay.store.migrations import migrate
from tests.served import Door, served

NEW_YEAR = date(2026, 1, 1)


@pytest.fixture
def door(database_url: str, tmp_path: Path) -> Iterator[Door]:
    settings = Settings(database_url=SecretStr(database_url), data_dir=tmp_path, demo=False)
    with opened(settings) as system, served(system) as door:
        yield door


@pytest.fixture
def history(database_url: str) -> Iterator[History]:
    migrate(database_url)
    with History(database_url) as history:
        yield history


class Clock:
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def denied(command: str = "issue-bill", by: str = "ada") -> NotAllowed:
    return NotAllowed(Person(by, "reader", 0), command, frozenset({"billing"}))


def today() -> date:
    return NEW_YEAR


def told(history: History) -> list[tuple[str, str, int]]:
    """command, subject and times of every attempt on record."""
    events = [fact.event for fact in history.since()]
    return [
        (e.command, e.subject, e.times) for e in events if isinstance(e, AttemptDenied)
    ]  # fmt: skip


def next_fact(door: Door, after: int) -> Fact:
    assert door.system.history.wait(after + 1, 30), "nothing was recorded"
    return next(door.system.history.since(after))


def test_a_command_that_is_denied_is_recorded_with_what_it_was_about(door: Door) -> None:
    answer = door.post("receive-payment", role="reader", person="Ann Lee")
    assert (answer.status_code, answer.json()["role"]) == (403, "reader")

    fact = next_fact(door, 0)
    day = datetime.now(UTC).date()
    assert fact.stream == f"attempts-Ann%20Lee-{fact.event.on}"
    assert abs((fact.event.on - day).days) <= 1  # it may be midnight
    assert (fact.by, fact.duty, fact.command) == ("Ann Lee", "reader", "record-attempt")
    assert fact.event == AttemptDenied(
        on=fact.event.on,
        command="receive-payment",
        subject="payment-BACS-88121",
        rule="not-allowed",
        org_unit="",
        times=1,
    )
    assert door.get("/feed").json()[0]["subject"] == fact.stream


def test_queries_and_feeds_that_are_denied_are_recorded(door: Door) -> None:
    assert door.get("/feed", role="clerk").status_code == 403
    assert next_fact(door, 0).event.command == "follow"
    query = {"Authorization": f"Bearer {door.token('integrator')}"}
    answer = door.client.post("/graphql", json={"query": "{ __typename }"}, headers=query)
    assert answer.status_code == 403
    assert next_fact(door, 1).event.command == "query"


@pytest.mark.parametrize("body", [b"{", b"\xff", b'{"account": 1}', b"[" * 5000])
def test_a_body_that_says_nothing_changes_nothing(door: Door, body: bytes) -> None:
    assert door.post("issue-bill", body, role="reader").status_code == 403
    assert next_fact(door, 0).event.subject == ""


def test_who_is_denied_and_does_not_send_the_body_is_recorded_too(door: Door) -> None:
    head = (
        "POST /commands/issue-bill HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {door.token('reader')}\r\nContent-Length: 100\r\n\r\n"
    )
    host, _, port = door.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), 30) as line:
        line.sendall(head.encode())
        assert line.recv(12) == b"HTTP/1.1 403"
    with socket.create_connection((host, int(port)), 30) as line:
        line.sendall(head.replace("issue-bill", "correct-bill").encode())
    commands = {next_fact(door, after).event.command for after in (0, 1)}
    assert commands == {"issue-bill", "correct-bill"}


def test_what_a_rule_refuses_is_nobodys_attempt(door: Door) -> None:
    assert door.post("establish-utility").status_code == 201
    assert door.post("establish-utility").status_code == 409
    assert door.post("receive-payment", b"{}").status_code == 422
    assert door.client.get("/feed").status_code == 401
    door.get("/feed", role="clerk")
    assert next_fact(door, 1).event.command == "follow"  # the one after what was established


def test_what_is_denied_is_logged_and_never_with_a_token(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    token = door.token("clerk", "Eve")
    with caplog.at_level(logging.INFO):
        for way in (f"Bearer {token}", f"Bearer {token}x"):
            for path in ("/feed", "/graphql?query=%7B__typename%7D"):
                door.client.get(path, headers={"Authorization": way})
        door.client.post("/commands/issue-bill", headers={"Authorization": f"Bearer {token}"})
    said = [each.getMessage() for each in caplog.records if "denied to" in each.getMessage()]
    assert sum("'Eve'" in each for each in said) == 2  # a clerk may query
    assert sum("nobody we know" in each for each in said) == 2
    assert token not in caplog.text


def test_a_flood_is_one_fact_and_a_number(database_url: str, tmp_path: Path) -> None:
    """What is counted is recorded at the end of the minute, or of the server."""
    settings = Settings(database_url=SecretStr(database_url), data_dir=tmp_path, demo=False)
    with opened(settings) as system:
        with served(system) as door:
            for _ in range(30):
                assert door.post("issue-bill", role="reader").status_code == 403
        assert [times for _, _, times in told(system.history)] == [1, 29]


def test_a_minute_later_it_is_told_again_and_each_kind_alone(history: History) -> None:
    clock = Clock()
    denials = Denials(Dispatch(history, {}), today, clock)
    for subject in ("account-1", "account-1", "account-1"):
        denials.note(denied(), subject)
    for subject in ("bill-1", "bill-2", "bill-1"):
        denials.note(denied("correct-bill"), subject)
    denials.note(denied(by="eve"), "account-9")
    assert denials.record()
    firsts = [
        ("issue-bill", "account-1", 1),
        ("correct-bill", "bill-1", 1),
        ("issue-bill", "account-9", 1),
    ]
    assert told(history) == firsts
    assert denials.record()
    assert told(history) == firsts, "nothing is due within the minute"

    clock.now = WINDOW
    denials.note(denied(), "account-2")
    assert denials.record()
    later = [("issue-bill", "account-1", 2), ("issue-bill", "account-2", 1)]
    assert told(history)[3:] == [*later, ("correct-bill", "", 2)]
    streams = {fact.stream for fact in history.since()}
    assert streams == {Stream("attempts-ada-2026-01-01"), Stream("attempts-eve-2026-01-01")}


class Away(Dispatch):
    """Records, but so many times it does not hear that it did."""

    lost = 2

    def __call__(self, asked: object, context: RequestContext) -> Answer:
        answer = super().__call__(asked, context)
        if self.lost:
            self.lost -= 1
            raise Unavailable("the connection was lost", unknown=True)
        return answer


def test_what_may_have_been_recorded_is_tried_again_and_recorded_once(history: History) -> None:
    denials = Denials(Away(history, {}), today)
    denials.note(denied(), "account-1")
    assert [denials.record() for _ in range(3)] == [False, False, True]
    assert told(history) == [("issue-bill", "account-1", 1)]
