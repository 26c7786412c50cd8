"""`wattledger rate` with a usage document: registers, demand, agreements, carry, versions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.doors.test_rating_cli import FLAT, rate, written

TARIFF = {
    "name": "two-part",
    "currency": "CNY",
    "schedules": [
        {
            "name": "tou",
            "windows": [
                {"period": "peak", "since": "08:00", "until": "20:00"},
                {"period": "off", "since": "20:00", "until": "08:00"},
            ],
        }
    ],
    "charges": [
        {
            "kind": "energy",
            "code": "energy",
            "schedule": "tou",
            "rates": [{"period": "peak", "price": "1.0"}, {"period": "off", "price": "0.5"}],
        },
        {
            "kind": "demand",
            "code": "demand",
            "rates": [{"price": "40"}],
            "ratchet": {"share": "0.8", "months": 11},
        },
        {"kind": "capacity", "code": "capacity", "rates": [{"price": "25"}]},
    ],
}
USAGE = {
    "zone": "Asia/Shanghai",
    "registers": [
        {"since": "2025-06-01", "until": "2025-07-01", "period": "peak", "kwh": "1000"},
        {"since": "2025-06-01", "until": "2025-07-01", "period": "off", "kwh": 400.5},
    ],
    "demands": [{"since": "2025-06-01", "until": "2025-07-01", "kw": "50"}],
    "agreed": [{"what": "capacity", "since": "2025-06-01", "until": "2025-07-01", "kw": "315"}],
}


def rated(folder: Path, tariff: Any, usage: Any, *more: object) -> Any:
    done = rate(
        written(folder, "t.json", tariff), written(folder, "u.json", usage), "--json", *more
    )
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def test_registers_demand_and_capacity_are_priced(tmp_path: Path) -> None:
    answer = rated(tmp_path, TARIFF, USAGE)
    [bill] = answer["bills"]
    assert {(line["code"], line["period"]): line["amount"] for line in bill["lines"]} == {
        ("energy", "peak"): "1000.00",
        ("energy", "off"): "200.25",
        ("demand", ""): "2000.00",
        ("capacity", ""): "7875.00",
    }
    assert answer["total"] == "11075.25"


def test_what_one_answer_hands_on_the_next_document_takes(tmp_path: Path) -> None:
    first = rated(tmp_path, TARIFF, USAGE)
    july = {
        **USAGE,
        "registers": [{"since": "2025-07-01", "until": "2025-08-01", "period": p, "kwh": 1}
                      for p in ("peak", "off")],
        "demands": [{"since": "2025-07-01", "until": "2025-08-01", "kw": "10"}],
        "agreed": [{**USAGE["agreed"][0], "since": "2025-07-01", "until": "2025-08-01"}],  # type: ignore[dict-item]
    }  # fmt: skip
    alone = rated(tmp_path, TARIFF, july)
    after = rated(tmp_path, TARIFF, {**july, "carry": first["carry"]})

    def demand(answer: Any) -> str:
        [line] = [line for line in answer["bills"][0]["lines"] if line["code"] == "demand"]
        return str(line["quantity"])

    assert (demand(alone), demand(after)) == ("10", "40")  # 0.8 × 50


def test_a_later_version_applies_from_its_day(tmp_path: Path) -> None:
    dearer = json.loads(json.dumps(FLAT).replace("0.12", '"0.24"'))
    usage = {"registers": [{"since": "2025-06-01", "until": "2025-07-01", "kwh": "300"}]}
    then = f"2025-06-16={written(tmp_path, 'later.json', dearer)}"
    answer = rated(tmp_path, FLAT, usage, "--then", then)
    energy = [line for line in answer["bills"][0]["lines"] if line["code"] == "energy"]
    assert [(line["quantity"], line["rate"]) for line in energy] == [
        ("150", "0.12"),
        ("150", "0.24"),
    ]


def test_intervals_stand_beside_what_is_agreed(tmp_path: Path) -> None:
    lines = [f"2025-06-{day:02}T{hour:02}:00,1" for day in range(1, 31) for hour in range(24)]
    csv = written(tmp_path, "load.csv", "start,kwh\n" + "\n".join(lines))
    asked = rated(tmp_path, FLAT, {"intervals": csv.name, "exempt": ["fixed"]})
    assert [line["code"] for line in asked["bills"][0]["lines"]] == ["energy"]
    assert asked["total"] == "86.40"


@pytest.mark.parametrize(
    ("usage", "told"),
    [
        ("{", "u.json is not json"),
        ({"registers": [{"since": "x", "until": "2025-07-01", "kwh": 1}]}, "registers.0.since"),
        ({"registers": [{"since": "2025-06-01", "kwh": 1}]}, "u.json: registers.0.until"),
        (
            {"registers": [{"since": 1, "until": "2025-07-01", "kwh": 1}]},
            "a day is written like",
        ),
        ({"kwh": 5}, "u.json: kwh"),
        ({"power_factor": "1.5"}, "u.json: power_factor"),
        ({"intervals": "none.csv"}, "none.csv"),
        ([], "u.json: usage"),
        (
            {"registers": [{"since": "2025-06-01", "until": "2025-07-01", "kwh": "0.0001"}]},
            "u.json: registers.0.kwh: ",
        ),
    ],
)
def test_what_is_wrong_is_refused_with_file_and_field(
    tmp_path: Path, usage: Any, told: str
) -> None:
    done = rate(written(tmp_path, "t.json", FLAT), written(tmp_path, "u.json", usage))
    assert done.exit_code in (1, 2)
    assert told in done.stderr


def test_a_later_version_is_given_as_a_day_and_a_file(tmp_path: Path) -> None:
    tariff, usage = written(tmp_path, "t.json", FLAT), written(tmp_path, "u.json", USAGE)
    assert rate(tariff, usage, "--then", "july").exit_code == 2
    assert rate(tariff, usage, "--zone", "UTC").exit_code == 2
