"""`wattledger rate`, run as a command: answers, refusals with their place, exit codes."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner, Result

from api.cli import app
from domain.values import Period
from tests.pricing.cases import demo

FLAT = {
    "name": "flat",
    "currency": "USD",
    "charges": [
        {"kind": "fixed", "code": "fixed", "price": "10"},
        {"kind": "energy", "code": "energy", "rates": [{"price": 0.12}]},
    ],
}
HOURS = [[0] * 16 + [1] * 5 + [0] * 3] * 12
RECORD = {
    "energyratestructure": [[{"rate": 0.1, "sell": 0.04}], [{"rate": 0.31, "sell": 0.09}]],
    "energyweekdayschedule": HOURS,
    "energyweekendschedule": [[0] * 24] * 12,
    "fixedchargefirstmeter": 12.0,
    "fixedchargeunits": "$/month",
}


def rate(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["rate", *map(str, arguments)])


def written(folder: Path, name: str, said: Any) -> Path:
    path = folder / name
    path.write_text(said if isinstance(said, str) else json.dumps(said), "utf-8")
    return path


def stamped(first: datetime, hours: int, kwh: str = "1") -> str:
    start = first.timestamp()
    stamps = (datetime.fromtimestamp(start + 3600 * n, first.tzinfo) for n in range(hours))
    return "start,kwh\n" + "".join(f"{stamp.isoformat()},{kwh}\n" for stamp in stamps)


def test_a_range_longer_than_a_month_gives_a_bill_for_each_calendar_month(
    tmp_path: Path,
) -> None:
    year = Period(since=date(2018, 1, 1), until=date(2019, 1, 1))
    usage = written(tmp_path, "load.txt", "\n".join(map(str, demo(year))))
    tariff = written(tmp_path, "tariff.json", FLAT)

    done = rate(tariff, usage, "--start", "2018-01-01", "--minutes", 60, "--json")

    assert done.exit_code == 0, done.stderr
    answer = json.loads(done.stdout)
    assert [bill["from"] for bill in answer["bills"]][:2] == ["2018-01-01", "2018-02-01"]
    assert len(answer["bills"]) == 12
    assert answer["currency"] == "USD"
    first = answer["bills"][0]
    assert first["total"] == "84.77"
    assert first["lines"][1] == {
        "code": "energy",
        "kind": "energy",
        "period": "",
        "tier": 0,
        "quantity": "623.11",
        "unit": "kWh",
        "rate": "0.12",
        "amount": "74.77",
    }
    totals = [Decimal(bill["total"]) for bill in answer["bills"]]
    assert str(sum(totals)) == answer["total"]


def test_thirty_days_from_the_tenth_are_one_bill(tmp_path: Path) -> None:
    usage = written(
        tmp_path, "load.csv", stamped(datetime.fromisoformat("2025-06-01"), 24 * 61)
    )
    tariff = written(tmp_path, "tariff.json", FLAT)

    done = rate(tariff, usage, "--from", "2025-06-10", "--to", "2025-07-10", "--json")

    (bill,) = json.loads(done.stdout)["bills"]
    assert (bill["from"], bill["to"]) == ("2025-06-10", "2025-07-10")
    assert bill["lines"][1]["quantity"] == "720"
    fixed = Decimal(10) * (Decimal(21) / 30 + Decimal(9) / 31)
    assert bill["lines"][0]["amount"] == str(round(fixed, 2))


def test_stamps_with_offsets_tell_their_zone(tmp_path: Path) -> None:
    first = datetime(2025, 3, 30, tzinfo=ZoneInfo("Europe/London"))
    usage = written(tmp_path, "load.csv", stamped(first, 23))
    night = {
        "name": "tou",
        "otherwise": "day",
        "windows": [{"period": "night", "until": "07:00"}],
    }
    rates = [{"period": "day", "price": "0.30"}, {"period": "night", "price": "0.10"}]
    energy = {"kind": "energy", "code": "energy", "schedule": "tou", "rates": rates}
    document = {"name": "e7", "currency": "GBP", "charges": [energy], "schedules": [night]}

    done = rate(written(tmp_path, "t.json", document), usage, "--json")

    assert json.loads(done.stdout)["total"] == "5.70"


def test_the_hour_that_comes_twice_needs_a_zone(tmp_path: Path) -> None:
    first = datetime.fromisoformat("2025-10-26")
    wall = [first + timedelta(hours=n) for n in (0, 1, 1, *range(2, 24))]
    text = "start,kwh\n" + "".join(f"{at.isoformat()},1\n" for at in wall)
    usage = written(tmp_path, "load.csv", text)
    tariff = written(tmp_path, "tariff.json", FLAT)

    without, zoned = (
        rate(tariff, usage),
        rate(tariff, usage, "--zone", "Europe/London", "--json"),
    )

    assert without.exit_code == 1
    assert "line 4: 2025-10-26T01:00:00 is there twice" in without.stderr
    assert json.loads(zoned.stdout)["bills"][0]["lines"][1]["quantity"] == "25"


def test_a_urdb_record_and_export_below_zero(tmp_path: Path) -> None:
    hours = ["-2" if 9 <= n % 24 < 15 else "1" for n in range(24 * 30)]
    usage = written(tmp_path, "load.txt", "\n".join(hours))
    asked = (usage, "--start", "2018-06-01", "--minutes", 60, "--json")
    instant = RECORD | {"dgrules": "Net Billing Instantaneous"}

    kept = rate(written(tmp_path, "nm.json", RECORD), *asked)
    sold = rate(written(tmp_path, "nb.json", instant), *asked)

    assert Decimal(json.loads(kept.stdout)["total"]) != Decimal(
        json.loads(sold.stdout)["total"]
    )
    lines = json.loads(sold.stdout)["bills"][0]["lines"]
    sums = [Decimal(line["amount"]) for line in lines if line["kind"] == "export"]
    assert sum(sums) == Decimal("-14.40")  # 360 kWh at 0.04


def test_toml_is_taken_as_json_is(tmp_path: Path) -> None:
    text = """
name = "flat"
currency = "USD"
[[charges]]
kind = "energy"
code = "energy"
rates = [{ price = 0.12 }]
"""
    usage = written(tmp_path, "load.csv", stamped(datetime.fromisoformat("2025-06-01"), 24))

    done = rate(written(tmp_path, "tariff.toml", text), usage, "--json")

    assert json.loads(done.stdout)["total"] == "2.88"


def test_why_shows_clauses_and_measurements(tmp_path: Path) -> None:
    usage = written(tmp_path, "load.csv", stamped(datetime.fromisoformat("2025-06-01"), 24))

    done = rate(written(tmp_path, "t.json", FLAT), usage, "--why")

    assert "24 kWh import" in done.stdout
    assert "0.12 tariff@1 charges[energy].rates[0].price" in done.stdout


GAP = "start,kwh\n2025-06-01T00:00,1\n2025-06-01T01:00,1\n2025-06-01T03:00,1\n"


@pytest.mark.parametrize(
    ("tariff", "usage", "told"),
    [
        (FLAT, "start,kwh\n2025-06-01T00:00,one\n", "line 2: 'one' is not a number"),
        (FLAT, "start,kwh\nyesterday,1\n", "line 2: 'yesterday' is not an ISO 8601 time"),
        (FLAT, GAP, "line 4: nothing is said for 2025-06-01T02:00"),
        (FLAT, "when,kwh\n2025-06-01T00:00,1\n", "line 1: the header is start,kwh"),
        (
            FLAT,
            "start,kwh\n2025-06-01T00:00,1\n",
            "u.csv: There is no value for a part of the period",
        ),
        (FLAT, "", "the file is empty"),
        ({**FLAT, "charges": [{"kind": "fixed", "code": "f"}]}, GAP, "charges.0.fixed.price"),
        ({**FLAT, "charges": [{"kind": "magic"}]}, GAP, "charges.0: Input tag 'magic'"),
        ({**FLAT, "currency": "dollars"}, GAP, "currency: "),
        ({"name": "no", "charges": []}, GAP, "currency: "),
        ("{", GAP, "is not json"),
        ({**RECORD, "energyweekdayschedule": HOURS[:11]}, GAP, "a list of 12 months"),
        ({**RECORD, "dgrules": "Barter"}, GAP, "dgrules: 'Barter'"),
        (
            {**RECORD, "mincharge": 3, "minchargeunits": "$/week"},
            GAP,
            "minchargeunits: '$/week'",
        ),
        ({**RECORD, "energyratestructure": [[{"rate": "x"}]]}, GAP, "[0][0].rate: 'x'"),
        ({**RECORD, "energyratestructure": [[{"rate": 1e12}]]}, GAP, "[0][0].rate: 1"),
        ({**RECORD, "mincharge": "5"}, GAP, "t.json: mincharge: '5' is not a number"),
        (
            {"energyratestructure": [[{"rate": 1, "max": []}, {"rate": 2}]]},
            GAP,
            "t.json: energyratestructure[0][0].max: [] is not a number",
        ),
        (
            {**RECORD, "energyweekdayschedule": [[2] * 24] * 12},
            GAP,
            "t.json: energyweekdayschedule[0]",
        ),
        ({"demandratestructure": 5}, GAP, "demandratestructure: a list of periods"),
        ({"energyratestructure": [None]}, GAP, "energyratestructure: a list of periods"),
        (
            {**RECORD, "lookbackpercent": 1, "lookbackmonths": 5},
            GAP,
            "lookbackmonths: there are",
        ),
        ({"energyratestructure": []}, GAP, "t.json: charges: a tariff has one charge or more"),
        ({**FLAT, "charges": []}, GAP, "t.json: charges: a tariff has one charge or more"),
        ({**FLAT, "charges": [{"code": "f"}]}, GAP, "charges.0: charge 'f': it says no kind"),
        (FLAT, "start,kwh\n2025-06-01T00:00,1\n", "u.csv: There is no value"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(
    tmp_path: Path, tariff: Any, usage: str, told: str
) -> None:
    done = rate(written(tmp_path, "t.json", tariff), written(tmp_path, "u.csv", usage))

    assert (done.exit_code, done.stdout) == (1, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_command_given_wrongly_ends_with_two(tmp_path: Path) -> None:
    tariff = written(tmp_path, "t.json", FLAT)
    bare = written(tmp_path, "load.txt", "1\n2\n")

    assert rate(tariff).exit_code == 2
    assert rate(tmp_path / "none.json", bare).exit_code == 2
    assert rate(tariff, bare).exit_code == 2
    assert rate(tariff, bare, "--zone", "Mars").exit_code == 2


def test_a_population_is_set_under_another_tariff_line_by_line(tmp_path: Path) -> None:
    folder = tmp_path / "population"
    folder.mkdir()
    for name, kwh in (("anna", "1"), ("bert", "2")):
        written(folder, f"{name}.csv", stamped(datetime.fromisoformat("2025-06-01"), 720, kwh))
    flat = written(tmp_path, "flat.json", FLAT)
    dearer = json.loads(json.dumps(FLAT).replace("0.12", '"0.13"'))
    other = written(tmp_path, "other.json", dearer)
    asked = (flat, "--population", folder, "--under", other)

    answer = json.loads(rate(*asked, "--json").stdout)
    rows = rate(*asked, "--csv").stdout.splitlines()

    assert answer["summary"]["difference"] == "21.60"
    assert answer["summary"]["pay_more"] == 2
    assert rows[0] == "account,code,kind,period,tier,before,after,difference"
    assert "bert,energy,energy,,0,172.80,187.20,14.40" in rows
    assert not [path for path in tmp_path.rglob("*") if path.stat().st_size == 0]


def test_of_a_population_the_file_that_is_wrong_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "population"
    folder.mkdir()
    for name, hours in (("anna", 720), ("bert", 500)):
        written(folder, f"{name}.csv", stamped(datetime.fromisoformat("2025-06-01"), hours))
    flat = written(tmp_path, "flat.json", FLAT)

    done = rate(flat, "--population", folder, "--under", flat)

    assert done.exit_code == 1
    assert done.stderr.startswith("bert.csv: There is no value for a part of the period")
