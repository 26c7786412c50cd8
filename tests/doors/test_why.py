"""`bill why`: a bill as it stands, its notes with their causes, readings and tested errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli.billing import app
from tests.town import MONTHS, town


@pytest.fixture
def fact(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The meter of a home was found fast, and January is corrected; the fact."""
    with town(database_url, tmp_path) as made:
        account = made.story()
        found = made.fast(account, since=MONTHS[0])
        made.settle()
        made.correct(account, f"{account}-2026-01")
        made.settle()
    monkeypatch.setenv("WATTLEDGER_DATABASE_URL", database_url)
    monkeypatch.setenv("WATTLEDGER_DATA_DIR", str(tmp_path))
    return found


def test_the_amount_that_stands_is_explained_with_its_corrections(fact: str) -> None:
    told = CliRunner().invoke(app, ["why", "000120-2026-01"])
    assert told.exit_code == 0, told.output
    said = told.output
    assert "Bill 000120-2026-01, issued at 97.65" in said
    assert f"because of meter.found-inaccurate, {fact}, at position" in said
    assert "It stands at 93.04" in said
    assert "(1310 - 1000) kWh × 1 ÷ (1 + 0.06) = 292.453 kWh" in said


def test_its_lines_come_to_what_it_stands_at(fact: str) -> None:
    told = CliRunner().invoke(app, ["why", "000120-2026-01", "--json"])
    lines = json.loads(told.stdout)
    assert sum(line["amount"] for line in lines) == 9304
    [energy] = [line for line in lines if line["code"] == "energy"]
    [counted] = energy["measured"]
    assert (counted["low"], counted["high"], counted["wh"]) == (1_000_000, 1_310_000, 292_453)
    assert counted["error"] == "0.06"
    assert fact in counted["facts"]
