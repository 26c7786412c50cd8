"""Founding over HTTP, and the tables of the organisation as GraphQL shows them."""

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
        yield door


HELD = """{ people { nodes { number name unit { number } leftOn
    duties { duty unit { number } until givenBy instead_of: insteadOf } } }
  orgUnits { nodes { number name kind parent people { nodes { number } } } }
  dutiesVersions { nodes { version document } } }"""


def ask(door: Door, query: str, position: int) -> Any:
    text = f"{{ at(minPosition: {position}) {query} }}"
    sent = door.client.post(
        "/graphql",
        json={"query": text},
        headers={"Authorization": "Bearer " + door.token("", "anna")},
    )
    answer = sent.json()
    assert "errors" not in answer, answer
    return answer["data"]["at"]


def test_a_utility_is_founded_and_its_people_are_seen(door: Door) -> None:
    assert door.post("found-utility").json()["type"] == "/problems/utility-not-established"
    for command in ("establish-utility", "found-utility"):
        assert door.post(command).status_code == 201, command
    denied = door.post("found-unit")  # with the token that founded it
    assert (denied.status_code, denied.json()["type"]) == (403, "/problems/not-of-this-utility")
    for command in ("found-unit", "engage-person", "give-duty"):
        assert door.post(command, role="", person="anna").status_code == 201, command
    answer = door.post("let-stand-in", body=STAND_IN, role="", person="anna")
    assert answer.json()["type"] == "/problems/person-unknown"
    ended = door.post("end-engagement", role="", person="bert")
    last = ended.json()["positions"][-1]
    found = ask(door, HELD, last)
    people = {each["number"]: each for each in found["people"]["nodes"]}
    assert people["anna"]["duties"] == [
        {
            "duty": "admin",
            "unit": {"number": "utility"},
            "until": None,
            "givenBy": "ada",
            "instead_of": "",
        }
    ]
    assert (people["carol"]["leftOn"], people["carol"]["duties"]) == ("2026-06-30", [])
    [top] = [each for each in found["orgUnits"]["nodes"] if each["parent"] is None]
    assert top["name"] == "Harbour Electric"
    assert [each["number"] for each in top["people"]["nodes"]] == ["anna", "bert", "carol"]
    [version] = found["dutiesVersions"]["nodes"]
    clerk = next(d for d in version["document"]["duties"] if d["name"] == "clerk")
    assert "open-account" in clerk["commands"]


STAND_IN = {
    "person": "dora", "instead_of": "carol", "since": "2026-07-01", "until": "2026-07-15",
}  # fmt: skip
