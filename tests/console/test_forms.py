"""Forms made from commands: each command has one, and what it sends is the command."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import httpx2
import orjson
import pytest

from api.commands import reader
from api.console.forms import body_of, form_of, spelled
from domain.catalogue import COMMANDS
from domain.kit import ASKED
from tests.console.conftest import Browser
from tests.served import Door
from tests.town import Town

PAYMENT = {
    "payment": "TILL-1",
    "account": "000121",
    "amount": "12.50",
    "method": "cash",
    "on": "2026-03-20",
}


def sent(client: httpx2.Client, command: str, **entered: str) -> httpx2.Response:
    """A form as a browser sends it."""
    return client.post(f"/forms/{command}", data={"key": str(uuid4()), **entered})


@pytest.mark.parametrize("command", COMMANDS)
def test_what_a_form_sends_is_what_was_entered(command: str) -> None:
    form = form_of(command)
    example: Any = ASKED[COMMANDS[command]].example
    entered = {
        one.name: _entered(one.kind, example[one.name])
        for one in form.fields
        if one.name in example
    }
    read = reader(COMMANDS[command])
    body = orjson.dumps(body_of(form.filled(entered), digits=2))
    assert read(body) == read(orjson.dumps(example))


def _entered(kind: Any, value: Any) -> str:
    return f"{value / 100:.2f}" if kind == "money" else spelled(kind, value)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_its_form(browser: Browser, command: str) -> None:
    text = browser().get(f"/forms/{command}").text
    for one in form_of(command).fields:
        assert f'name="{one.name}"' in text
        assert f'for="f-{one.name}"' in text


def test_a_payment_is_taken_once_however_often_it_is_sent(
    harbour: tuple[Town, Door], browser: Browser
) -> None:
    town, _ = harbour
    client = browser("admin")
    entered = PAYMENT | {
        "account": "000120",
        "back": "/accounts/000120",
        "why": "at the counter",
    }
    key = str(uuid4())
    first = sent(client, "receive-payment", **entered, key=key)
    assert first.status_code == 303, first.text
    onward = first.headers["location"]
    assert re.fullmatch(r"/accounts/000120\?recorded=\d+", onward)
    shown = client.get(onward).text
    assert "Recorded at position" in shown
    assert "TILL-1" in shown
    head = town.system.history.head()
    again = sent(client, "receive-payment", **entered, key=key)
    assert again.headers["location"] == onward
    assert town.system.history.head() == head
    (fact,) = town.system.history.of("payment-TILL-1")  # type: ignore[arg-type]
    assert (fact.reason, fact.terminal) == ("at the counter", "console")


def test_what_is_refused_is_shown_beside_its_field_and_nothing_typed_is_lost(
    browser: Browser,
) -> None:
    client = browser()
    entered = PAYMENT | {"amount": "12.505", "account": "not there!", "why": "because"}
    told = sent(client, "receive-payment", **entered)
    assert told.status_code == 422
    for text in entered.values():
        assert f'value="{text}"' in told.text or f"<option selected>{text}" in told.text
    assert told.text.count('aria-invalid="true"') == 2


def test_a_refusal_of_the_domain_is_told(browser: Browser) -> None:
    told = sent(browser(), "receive-payment", **(PAYMENT | {"account": "999999"}))
    assert told.status_code == 409
    assert 'role="alert"' in told.text
    assert "999999" in told.text


def test_who_may_not_is_told_who_may(browser: Browser) -> None:
    client = browser("reader", "ruth")
    told = sent(client, "receive-payment", **PAYMENT)
    assert told.status_code == 403
    assert "cashier" in told.text
    assert "/forms/receive-payment" not in client.get("/forms").text
    assert "/forms/read-meter" in client.get("/forms").text


@pytest.mark.parametrize(
    "headers", [{"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}]
)
def test_a_form_on_another_site_does_nothing(
    harbour: tuple[Town, Door], browser: Browser, headers: dict[str, str]
) -> None:
    town, _ = harbour
    client, head = browser(), town.system.history.head()
    told = client.post("/forms/receive-payment", data=PAYMENT | {"key": "k"}, headers=headers)
    assert told.status_code == 400 or told.status_code == 403
    assert town.system.history.head() == head


def test_a_form_sent_after_the_session_ended_does_nothing(
    harbour: tuple[Town, Door], browser: Browser
) -> None:
    town, _ = harbour
    client, head = browser(), town.system.history.head()
    assert client.post("/sign-out").status_code == 303
    told = sent(client, "receive-payment", **PAYMENT)
    assert told.headers["location"].startswith("/sign-in")
    assert town.system.history.head() == head


def test_where_to_go_on_is_a_page_of_ours(browser: Browser) -> None:
    told = sent(
        browser(),
        "rename-customer",
        customer="C-RENAMED",
        name="After",
        back="//evil.example/x",
    )
    assert re.fullmatch(r"/\?recorded=\d+", told.headers["location"])
