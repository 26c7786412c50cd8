"""Commands over real HTTP: what is asked, what is answered, and what is refused how."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from api.commands import reader
from api.dispatch import Dispatch
from api.problems import refusals
from domain.catalogue import COMMANDS
from domain.kit import code_of
from replay.store.append import Overloaded, Unavailable
from tests.served import EXAMPLES, Door, served


@pytest.fixture
def door(database_url: str, tmp_path: Path) -> Iterator[Door]:
    from pydantic import SecretStr

    from api.settings import Settings
    from api.system import opened

    settings = Settings(database_url=SecretStr(database_url), data_dir=tmp_path, demo=False)
    with opened(settings) as system, served(system) as door:
        yield door


def problem(told: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    """A response is this problem, and has what RFC 9457 wants of it."""
    assert told.status_code == status, told.text
    assert told.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = told.json()
    assert body["type"] == f"/problems/{code}"
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    assert body["instance"] == told.request.url.path
    return body


def test_every_example_is_a_command_and_every_command_has_one() -> None:
    for name, example in EXAMPLES.items():
        assert isinstance(reader(COMMANDS[name])(json.dumps(example).encode()), COMMANDS[name])


def test_a_command_is_answered_with_the_positions_of_its_facts(door: Door) -> None:
    door.begin()
    told = door.post("receive-payment")
    assert told.status_code == 201
    body = told.json()
    assert len(body["positions"]) == 2
    assert body["streams"] == {"payment-BACS-88121": 1, "account-000120": 2}
    facts = list(door.system.history.since(body["positions"][0] - 1))
    assert [fact.position for fact in facts] == body["positions"]
    assert {(fact.by, fact.duty, fact.cause) for fact in facts} == {
        ("ada", "admin", body["cause"])
    }


def test_headers_say_why_where_and_for_whom(door: Door) -> None:
    said = {"X_Reason": "%E8%A1%A5%E7%BC%B4 by post", "X_Terminal": "till-3"}
    told = door.post("establish-utility", **said, X_On_Behalf_Of="Boris")
    (fact,) = door.system.history.since(told.json()["positions"][0] - 1)
    assert (fact.reason, fact.terminal, fact.on_behalf_of) == (
        "补缴 by post",
        "till-3",
        "Boris",
    )
    assert fact.command == "establish-utility"
    (event,) = door.get("/feed").json()
    assert (event["reason"], event["onbehalfof"]) == ("补缴 by post", "Boris")
    assert "orgunit" not in event


@pytest.mark.parametrize("given", ["%FF", "a%0Ab", "x" * 201, "%00"])
def test_a_reason_that_is_no_text_is_refused(door: Door, given: str) -> None:
    body = problem(door.post("establish-utility", X_Reason=given), 422, "malformed")
    assert body["errors"][0]["field"] == "X-Reason"
    assert door.system.history.head() == 0


def test_what_is_known_already_is_answered_with_nothing(door: Door) -> None:
    door.begin()
    told = door.post("read-meter")
    assert (told.status_code, told.json()["positions"]) == (200, [])


def test_a_refusal_names_the_rule_and_what_it_looked_at(door: Door) -> None:
    door.begin()
    head = door.system.history.head()
    back = EXAMPLES["read-meter"] | {"readings": {"1.8.0": "12000"}, "on": "2026-03-01"}
    body = problem(door.post("read-meter", back), 409, "register-went-back")
    assert body["register"] == "1.8.0"
    assert body["asked"] == "12000"
    assert "12345" in body["detail"]
    assert door.system.history.head() == head


def test_the_same_key_is_answered_the_same_and_happens_once(door: Door) -> None:
    door.begin()
    first = door.post("receive-payment", Idempotency_Key="a")
    again = door.post("receive-payment", Idempotency_Key="a")
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    other = EXAMPLES["receive-payment"] | {"amount": 1}
    problem(door.post("receive-payment", other, Idempotency_Key="a"), 422, "key-reused")
    mine = door.post("receive-payment", Idempotency_Key="a", person="eve")
    problem(mine, 409, "payment-already-received")


def test_one_of_many_at_once_under_one_key_happens(door: Door) -> None:
    door.begin()
    with ThreadPoolExecutor(12) as crowd:
        told = list(
            crowd.map(lambda _: door.post("receive-payment", Idempotency_Key="k"), range(36))
        )
    assert {each.status_code for each in told} == {201}
    assert len({each.content for each in told}) == 1
    assert sum("idempotency-replayed" not in each.headers for each in told) == 1


def test_many_at_once_about_one_account_all_happen(door: Door) -> None:
    door.begin()

    def pay(n: int) -> int:
        return door.post(
            "receive-payment", EXAMPLES["receive-payment"] | {"payment": f"P{n}", "amount": n}
        ).status_code

    with ThreadPoolExecutor(4) as crowd:
        assert set(crowd.map(pay, range(1, 41))) <= {201, 412}
    taken = [f for f in door.system.history.since() if f.name == "account.credited"]
    received = [f for f in door.system.history.since() if f.name == "payment.received"]
    assert [f.event.source.reference for f in taken] == [f.key for f in received]


def test_a_thing_is_changed_only_at_the_version_that_is_expected(door: Door) -> None:
    door.begin()
    terms = {"name": "Other", "due_days": 7}
    told = door.post("set-terms", terms, If_Match='"utility-settings@9"')
    problem(told, 412, "unexpected-version")
    told = door.post("set-terms", terms, If_Match='"account-000120@7"')
    problem(told, 412, "unexpected-version")
    told = door.post("set-terms", terms, If_Match='"utility-settings@1", "account-000120@1"')
    assert told.status_code == 201
    assert door.system.history.of("account-000120")[-1].version == 1  # type: ignore[arg-type]
    problem(door.post("set-terms", terms, If_Match="W/1"), 422, "malformed")


def test_an_unknown_command_is_told_the_nearest(door: Door) -> None:
    told = door.client.post("/commands/read-metre", json={})
    body = problem(told, 404, "unknown-command")
    assert body["nearest"][0] == "read-meter"
    problem(door.get("/nowhere"), 404, "not-found")
    told = door.get("/commands/read-meter")
    problem(told, 405, "method-not-allowed")
    assert told.headers["allow"] == "POST"


def test_nobody_and_the_wrong_duty_are_turned_away_before_the_body_is_read(door: Door) -> None:
    told = door.post("read-meter", b"{", role=None)
    problem(told, 401, "not-authenticated")
    assert told.headers["www-authenticate"].startswith("Bearer")
    body = problem(door.post("read-meter", b"{", role="cashier"), 403, "not-allowed")
    assert body["allowed"] == ["admin", "metering", "reader"]


@pytest.mark.parametrize(
    ("body", "field", "rule"),
    [
        (b"", "body", "json-invalid"),
        (b"[1]", "body", "dataclass-type"),
        (b'{"payment":"a"', "body", "json-invalid"),
        ({"amount": 12.0}, "amount", "int-type"),
        ({"amount": "12"}, "amount", "int-type"),
        ({"amount": True}, "amount", "int-type"),
        ({"amount": 0}, "amount", "greater-than"),
        ({"amount": None}, "amount", "int-type"),
        ({"on": 86400}, "on", "date-type"),
        ({"on": "2026-02-30"}, "on", "date-from-datetime-parsing"),
        ({"method": "barter"}, "method", "literal-error"),
        ({"payment": "a b"}, "payment", "string-pattern-mismatch"),
        ({"tip": 1}, "tip", "unknown-field"),
        (b'{"payment":"a","payment":"b","account":"c","amount":1,"method":"cash",'
         b'"on":"2026-01-01"}', "payment", "said-twice"),
    ],
)  # fmt: skip
def test_a_malformed_body_is_told_where_and_why(
    quiet_door: Door, body: Any, field: str, rule: str
) -> None:
    sent = EXAMPLES["receive-payment"] | body if isinstance(body, dict) else body
    told = problem(quiet_door.post("receive-payment", sent), 422, "malformed")
    found = {each["field"]: each for each in told["errors"]}
    assert field in found
    if field != "on":
        assert found[field]["rule"] == rule


def test_a_float_for_a_price_is_told_in_a_sentence(quiet_door: Door) -> None:
    body = EXAMPLES["report-meter-error"] | {"error": 0.06}
    told = problem(quiet_door.post("report-meter-error", body), 422, "malformed")
    assert told["errors"][0]["field"] == "error"
    assert "decimal string" in told["errors"][0]["message"]
    assert told["errors"][0]["input"] == "0.06"


def test_a_long_input_is_shown_cut(quiet_door: Door) -> None:
    body = EXAMPLES["register-customer"] | {"customer": "x" * 10_000}
    told = problem(quiet_door.post("register-customer", body), 422, "malformed")
    assert len(told["errors"][0]["input"]) < 200


def test_a_body_is_json_and_not_too_large(quiet_door: Door) -> None:
    told = quiet_door.post("set-terms", b"a=1", Content_Type="text/plain")
    problem(told, 415, "unsupported-media-type")
    problem(quiet_door.post("set-terms", b" " * (2 << 20)), 413, "content-too-large")

    def chunks() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * 65536

    headers = {
        "Authorization": f"Bearer {quiet_door.token()}",
        "Content-Type": "application/json",
    }
    told = quiet_door.client.post("/commands/set-terms", content=chunks(), headers=headers)
    problem(told, 413, "content-too-large")


@pytest.mark.parametrize("name", ["Idempotency_Key", "X_Correlation_Id"])
@pytest.mark.parametrize("value", ["", "a b", "x" * 300])
def test_a_malformed_header_is_told_by_its_name(
    quiet_door: Door, name: str, value: str
) -> None:
    told = problem(quiet_door.post("set-terms", **{name: value}), 422, "malformed")
    assert told["errors"][0]["field"] == name.replace("_", "-")


def test_a_correlation_is_recorded_and_sent_back(quiet_door: Door) -> None:
    told = quiet_door.post("set-terms", {"name": "A", "due_days": 3}, X_Correlation_Id="run-7")
    assert told.headers["x-correlation-id"] == "run-7"
    position = told.json()["positions"][0]
    (fact,) = quiet_door.system.history.since(position - 1, until=position)
    assert fact.correlation == "run-7"


def test_what_nobody_foresaw_is_logged_once_and_not_shown(
    quiet_door: Door, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("the combination of the safe is 1234")

    monkeypatch.setattr(Dispatch, "answer", broken)
    with caplog.at_level(logging.ERROR):
        told = problem(quiet_door.post("set-terms"), 500, "unforeseen")
    assert "1234" not in json.dumps(told)
    records = [r for r in caplog.records if r.levelno >= logging.ERROR]
    assert len(records) == 1
    assert told["id"] in records[0].getMessage()
    assert records[0].exc_info


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        (Overloaded("full"), 429, "overloaded"),
        (Unavailable("gone"), 503, "unavailable"),
        (Unavailable("gone", unknown=True), 503, "unavailable"),
    ],
)
def test_what_passes_by_itself_says_when_to_come_back(
    quiet_door: Door, monkeypatch: pytest.MonkeyPatch, wrong: Exception, status: int, code: str
) -> None:
    async def late(*_: object) -> None:
        raise wrong

    monkeypatch.setattr(Dispatch, "answer", late)
    told = quiet_door.post("set-terms")
    body = problem(told, status, code)
    assert int(told.headers["retry-after"]) >= 1
    assert ("Idempotency-Key" in body["detail"]) == bool(getattr(wrong, "unknown", False))


def test_the_description_has_every_command_whole(quiet_door: Door) -> None:
    api = quiet_door.client.get("/openapi.json").json()
    schemas = api["components"]["schemas"]
    for name, command in COMMANDS.items():
        said = api["paths"][f"/commands/{name}"]["post"]
        assert said["description"], name
        body = said["requestBody"]["content"]["application/json"]
        assert body["example"] == EXAMPLES[name]
        assert body["schema"]["$ref"].rpartition("/")[2] == command.__name__
        assert command.__name__ in schemas
        answers = {"200", "201", "401", "403", "409", "412", "413", "415", "422", "429", "503"}
        assert answers <= set(said["responses"])
    refs = set(_refs(api))
    assert {ref.rpartition("/")[2] for ref in refs} <= set(schemas)
    read = api["paths"]["/commands/read-meter"]["post"]["responses"]["409"]["description"]
    assert "register-went-back" in read
    issue = api["paths"]["/commands/issue-bill"]["post"]["responses"]["409"]["description"]
    assert "period-not-measured" in issue


def _refs(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(ref := node.get("$ref"), str):
            yield ref
        for each in node.values():
            yield from _refs(each)
    elif isinstance(node, list):
        for each in node:
            yield from _refs(each)


def test_the_page_of_documentation_needs_no_other_machine(quiet_door: Door) -> None:
    page = quiet_door.client.get("/docs")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for path in ("/docs", "/docs/docs.js", "/docs/docs.css"):
        text = quiet_door.client.get(path).text
        assert "http://" not in text
        assert "https://" not in text
    named = quiet_door.client.get("/problems").json()
    assert {code_of(kind) for kind in refusals()} == set(named)


def test_health_is_told(quiet_door: Door) -> None:
    assert quiet_door.client.get("/healthz").json() == {"status": "alive"}
    ready = quiet_door.client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["head"] == quiet_door.system.history.head()
    quiet_door.post("set-terms")
    text = quiet_door.client.get("/metrics").text
    assert 'wattledger_http_requests_total{route="/commands/set-terms"' in text
    assert "wattledger_up 1" in text
