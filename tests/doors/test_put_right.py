"""Bills that are cancelled, billed anew and corrected in a chain, through the doors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from api.settings import Settings
from api.system import caught_up, opened
from tests.served import Door, served

JANUARY = "000120-2026-01"
CANCEL = {
    "account": "000120",
    "bill": JANUARY,
    "on": "2026-04-10",
    "reason": "it was another period",
}


@pytest.fixture
def door(database_url: str, tmp_path: Path) -> Iterator[Door]:
    settings = Settings(database_url=SecretStr(database_url), data_dir=tmp_path, demo=False)
    with opened(settings) as system, served(system) as door:
        yield door


def ask(door: Door, query: str) -> Any:
    caught_up(door.system.history, door.system.tables)
    headers = {"Authorization": f"Bearer {door.token('auditor')}"}
    answer = door.client.post("/graphql", json={"query": query}, headers=headers).json()
    assert "errors" not in answer, answer
    return answer["data"]


def test_a_cancelled_bill_is_billed_anew_under_the_next_number(door: Door) -> None:
    door.begin()
    issued = door.post("issue-bill")
    assert f"bill-{JANUARY}" in issued.json()["streams"]
    same = door.post("cancel-bill", CANCEL)
    assert (same.status_code, same.json()["type"]) == (409, "/problems/same-person")
    assert door.post("cancel-bill", CANCEL, person="boris").status_code == 201
    twice = door.post("cancel-bill", CANCEL, person="boris")
    assert (twice.status_code, twice.json()["type"]) == (409, "/problems/bill-was-cancelled")

    again = door.post("issue-bill", Idempotency_Key="again")
    assert again.status_code == 201
    assert f"bill-{JANUARY}-2" in again.json()["streams"]
    repeated = door.post("issue-bill", Idempotency_Key="again")
    assert repeated.headers["Idempotency-Replayed"] == "true"
    assert repeated.json()["positions"] == again.json()["positions"]
    twice = door.post("issue-bill")
    assert (twice.status_code, twice.json()["type"]) == (409, "/problems/bill-already-issued")

    bills = ask(
        door,
        "{ bills(first: 9) { nodes { number status cancelledOn currentTotal { minor }"
        " wouldBe { notCalculated } corrections { number cancels reason } } } }",
    )["bills"]["nodes"]
    assert [(b["number"], b["status"], b["cancelledOn"]) for b in bills] == [
        (JANUARY, "CANCELLED", "2026-04-10"),
        (f"{JANUARY}-2", "OVERDUE", None),
    ]
    assert bills[0]["currentTotal"]["minor"] == "0"
    assert bills[0]["wouldBe"]["notCalculated"] == "bill-was-cancelled"
    note = {"number": f"{JANUARY}-c1", "cancels": True, "reason": "it was another period"}
    assert bills[0]["corrections"] == [note]


def test_a_chain_is_corrected_by_one_command(door: Door) -> None:
    door.begin()
    for reading, on in (("12500", "2026-03-01"), ("12700", "2026-04-01")):
        read = {"meter": "M-417", "readings": {"1.8.0": reading}, "on": on, "source": "reader"}
        assert door.post("read-meter", read).status_code == 201
    for since, until in (
        ("2026-01-01", "2026-02-01"),
        ("2026-02-01", "2026-03-01"),
        ("2026-03-01", "2026-04-01"),
    ):
        bill = {"account": "000120", "since": since, "until": until, "on": until}
        assert door.post("issue-bill", bill).status_code == 201
    assert door.post("correct-chain").json()["positions"] == []
    assert door.post("report-meter-error").status_code == 201

    given = door.post("correct-chain")

    assert given.status_code == 201
    streams = [s for s in given.json()["streams"] if s.startswith("bill-")]
    assert streams == [f"bill-000120-2026-0{month}" for month in (1, 2, 3)]
    assert door.post("correct-chain").status_code == 200
