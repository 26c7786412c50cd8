"""GraphQL over HTTP: who may ask, how it is answered, and what goes wrong, in so many words."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.auth import Tokens
from replay.server import embedded
from tests.door import SECRET, Door, town_of_its_own

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "api" / "static" / "graphiql"
RESPONSE = "application/graphql-response+json"
ME = "{ utility { name } }"


@pytest.fixture(scope="module")
def door(server: embedded.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    folder = tmp_path_factory.mktemp("http")
    with town_of_its_own(server, "graphql_http", folder) as made:
        yield made


def send(door: Door, body: Any = None, **headers: str) -> httpx2.Response:
    """Post a body as it is, with these headers (accept, content_type)."""
    said = {"authorization": f"Bearer {door.token}", "content-type": "application/json"}
    said |= {name.replace("_", "-"): value for name, value in headers.items()}
    content = body if isinstance(body, str | bytes) else json.dumps(body)
    return door.client.post("/graphql", content=content, headers=said)


# Who may ask


def test_nobody_asks_without_a_token(door: Door) -> None:
    answer = door.client.post("/graphql", json={"query": ME})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert "data" not in answer.json()


def test_a_forged_and_an_expired_token_are_no_tokens(door: Door) -> None:
    forged = Tokens(b"another secret, of thirty-two by").mint("eve", "admin")
    expired = Tokens(SECRET).mint("ada", "auditor", timedelta(microseconds=1))
    for token in (forged, expired, "", "x.y.z"):
        answer = send(door, {"query": ME}, authorization=f"Bearer {token}")
        assert answer.status_code == 401


def test_an_integrator_reads_the_feed_and_may_not_query(door: Door) -> None:
    token = door.tokens.mint("bank", "integrator")
    answer = send(door, {"query": ME}, authorization=f"Bearer {token}")
    assert answer.status_code == 403
    assert answer.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"


def test_introspection_is_for_those_who_are_signed_in(door: Door) -> None:
    found = door.ask("{ __schema { queryType { name } } }")
    assert found["__schema"]["queryType"]["name"] == "Query"


def test_the_application_has_this_door(door: Door) -> None:
    app = create_app(door.town.system)
    client = TestClient(app)
    token = app.state.tokens.mint("ada", "clerk")
    headers = {"authorization": f"Bearer {token}"}
    answer = client.post("/graphql", json={"query": ME}, headers=headers)
    assert answer.json() == {"data": {"utility": {"name": "Harbour Light"}}}
    assert client.get("/graphql", headers={"accept": "text/html"}).status_code == 200
    assert client.get("/graphql/static/page.js").status_code == 200


# How it is answered


@pytest.mark.parametrize(
    ("accept", "status", "kind"),
    [
        (RESPONSE, 400, RESPONSE),
        (f"{RESPONSE}, application/json", 400, RESPONSE),
        (f"application/json, {RESPONSE};q=0.5", 200, "application/json"),
        ("application/json", 200, "application/json"),
        ("*/*", 200, "application/json"),
        ("", 200, "application/json"),
    ],
)
@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{ nothing }"}, "GRAPHQL_VALIDATION_FAILED"),
        (
            {"query": "query ($n: Int!) { accounts(first: $n) { nodes { number } } }"},
            "BAD_REQUEST",
        ),
    ],
)
def test_what_never_began_has_no_data(
    door: Door, accept: str, status: int, kind: str, body: Any, code: str
) -> None:
    answer = send(door, body, accept=accept)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith(kind)
    assert "data" not in answer.json()
    assert answer.json()["errors"][0]["extensions"]["code"] == code


@pytest.mark.parametrize("accept", [RESPONSE, "application/json"])
def test_a_partial_answer_is_an_answer(door: Door, accept: str) -> None:
    query = '{ utility { name } fact(reference: "meter-X@1") { reference } }'
    answer = send(door, {"query": query}, accept=accept)
    assert answer.status_code == 200
    body = answer.json()
    assert body["data"] == {"utility": {"name": "Harbour Light"}, "fact": None}
    assert body["errors"][0]["path"] == ["fact"]
    assert body["errors"][0]["extensions"]["code"] == "NO_SUCH_FACT"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "not json",
        "[]",
        "null",
        "{}",
        {"query": 7},
        {"query": ME, "variables": 7},
        {"query": ME, "variables": []},
        {"query": ME, "operationName": {}},
        {"query": ME, "extensions": "x"},
        [{"query": ME}, {"query": ME}],
    ],
)
def test_a_body_that_is_no_request_is_refused(door: Door, body: Any) -> None:
    answer = send(door, body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"]


def test_a_body_of_another_kind_is_refused(door: Door) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        assert send(door, {"query": ME}, content_type=kind).status_code in (400, 415)


def test_a_query_may_come_by_get(door: Door) -> None:
    query = "query Named($id: ID!) { account(number: $id) { id } utility { name } }"
    answer = door.client.get(
        "/graphql",
        params={"query": query, "variables": '{"id":"none"}', "operationName": "Named"},
        headers={"authorization": f"Bearer {door.token}", "accept": RESPONSE},
    )
    assert answer.json()["data"]["account"] is None


def test_other_methods_are_not_for_graphql(door: Door) -> None:
    for method in ("PUT", "DELETE", "PATCH"):
        answer = door.client.request(
            method, "/graphql", headers={"authorization": f"Bearer {door.token}"}
        )
        assert answer.status_code == 405


def test_a_named_operation_is_the_one_that_runs(door: Door) -> None:
    query = "query A { a: utility { name } } query B { b: utility { zone } }"
    body = {"query": query, "operationName": "B"}
    assert send(door, body).json()["data"] == {"b": {"zone": "Europe/London"}}
    assert send(door, {"query": query}).status_code in (200, 400)
    assert "data" not in send(door, {"query": query}, accept=RESPONSE).json()


# What goes wrong


def test_a_defect_is_masked_and_logged_under_an_id(
    door: Door, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the password is swordfish")

    monkeypatch.setattr(type(door.town.system.tables), "get", broken)
    with caplog.at_level(logging.ERROR):
        error = door.post('{ account(number: "1") { number } }').json()["errors"][0]
    assert error["extensions"]["code"] == "INTERNAL"
    assert "swordfish" not in json.dumps(error)
    assert error["extensions"]["logged"] in caplog.text
    assert caplog.text.count("a query failed") == 1


def test_a_refusal_is_not_logged_as_a_defect(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    door.refused('{ fact(reference: "meter-X@1") { reference } }')
    assert caplog.text == ""


def test_a_misspelt_field_is_answered_with_the_right_one(door: Door) -> None:
    _, sentence = door.refused("{ acount { number } }")
    assert "account" in sentence


def test_a_query_after_a_failed_one_has_a_connection(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The snapshot of a request goes back to the pool whatever happens."""
    with monkeypatch.context() as patched:
        patched.setattr(
            "api.graphql.models.Model.nodes", lambda *_: (_ for _ in ()).throw(ValueError())
        )
        for _ in range(20):  # more often than the pool has connections
            door.post("{ customers { nodes { number } } }")
    assert door.ask("{ customers { nodes { number } } }")


# GraphiQL


def test_a_browser_gets_graphiql_from_here_alone(door: Door) -> None:
    page = door.client.get("/graphql", headers={"accept": "text/html"})
    assert page.status_code == 200
    assert not re.findall(r"(?:src|href)=\"(?:https?:)?//", page.text)
    assert "default-src 'none'" in page.headers["content-security-policy"]
    files = re.findall(r"(?:src|href)=\"(/[^\"]+)\"", page.text)
    assert len(files) == 6
    for file in files:
        answer = door.client.get(file)
        assert answer.status_code == 200
        assert len(answer.content) == (STATIC / Path(file).name).stat().st_size
    for name in ("index.html", "..%2f..%2fauth.py", "README.md", "nothing"):
        assert door.client.get(f"/graphql/static/{name}").status_code == 404


def test_graphiql_is_what_was_published() -> None:
    lines = (STATIC / "SHA256SUMS").read_text("ascii").splitlines()
    assert len(lines) == 6
    for line in lines:
        digest, name = line.split()
        assert hashlib.sha256((STATIC / name).read_bytes()).hexdigest() == digest
