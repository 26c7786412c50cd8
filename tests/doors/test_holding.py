"""Accounts and customers put right over HTTP, where tables say what stands on them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from api.settings import Settings
from api.system import opened
from tests.served import Door, served


@pytest.fixture
def door(database_url: str, tmp_path: Path) -> Iterator[Door]:
    settings = Settings(database_url=SecretStr(database_url), data_dir=tmp_path, demo=False)
    with opened(settings) as system, served(system) as door:
        door.begin()
        yield door


def rule(door: Door, command: str, body: dict[str, Any], person: str = "boris") -> str:
    """The rule by which a command is refused; "" if it is not."""
    answer = door.post(command, body, person=person)
    assert answer.status_code in (200, 201, 409), answer.text
    return answer.json()["type"].rpartition("/")[2] if answer.status_code == 409 else ""


def test_two_customers_are_one_and_are_not_after_all(door: Door) -> None:
    asked = {"customer": "C-0042", "into": "C-0043", "reason": "registered twice"}
    assert rule(door, "merge-customers", asked) == "customer-unknown"
    door.post("register-customer", {"customer": "C-0043", "name": "Ada"})
    assert rule(door, "merge-customers", asked, "ada") == "same-person"
    merged = door.post("merge-customers", asked, person="boris", Idempotency_Key="k")
    again = door.post("merge-customers", asked, person="boris", Idempotency_Key="k")
    assert merged.status_code == again.status_code == 201
    assert merged.json()["positions"] == again.json()["positions"]
    assert "account-000120" in merged.json()["streams"]
    seen = max(merged.json()["positions"])
    query = (
        f'{{ at(minPosition: {seen}) {{ account(number: "000120") {{ customer {{ number }} }}'
    )
    query += ' customer(number: "C-0042") { mergedInto } } }'
    headers = {"Authorization": f"Bearer {door.token()}"}
    answer = door.client.post("/graphql", json={"query": query}, headers=headers).json()
    assert answer["data"]["at"] == {
        "account": {"customer": {"number": "C-0043"}},
        "customer": {"mergedInto": "C-0043"},
    }
    apart = {"customer": "C-0042", "reason": "mother and daughter"}
    assert rule(door, "withdraw-merger", apart) == "same-person"
    assert rule(door, "withdraw-merger", apart, "ada") == ""
    assert rule(door, "withdraw-merger", apart, "ada") == "customer-not-merged"


def test_an_account_with_supply_is_neither_closed_nor_withdrawn(door: Door) -> None:
    for command, body in (
        ("close-account", {"account": "000120", "on": "2026-02-01"}),
        ("withdraw-account", {"account": "000120", "reason": "twice"}),
    ):
        answer = door.post(command, body, person="boris")
        assert answer.status_code == 409
        assert answer.json()["type"] == "/problems/account-in-use"
        assert "P-7" in answer.text  # what stands on it is named
