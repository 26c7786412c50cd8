"""Policies as an operator has them: what follows, what was refused, what waits for a start."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from api.cli.policies import app
from api.reacting import Giver, runner
from api.settings import Settings
from api.system import System, opened
from domain.billing.bill import IssueBill
from domain.catalogue import POLICIES
from domain.organisation.utility import EstablishUtility
from replay.policies.days import begin_days
from replay.policies.runner import hold
from replay.store.append import Unavailable
from tests.kit.toys import TOYS

NEW_YEAR = date(2026, 1, 1)


@pytest.fixture
def utility(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[System]:
    """A utility that winds its toys daily, under the settings of the command line."""
    monkeypatch.setenv("WATTLEDGER_DATABASE_URL", database_url)
    monkeypatch.setenv("WATTLEDGER_DATA_DIR", str(tmp_path))
    for each in TOYS:
        monkeypatch.setitem(POLICIES, each.name, each)
    with opened(Settings(), follow=False) as system:
        Giver(system)(EstablishUtility(name="W", currency="GBP", zone="UTC"), "ann", "k", "")
        yield system


def pass_days(system: System, many: int, since: date = NEW_YEAR) -> None:
    for n in range(many):
        begin_days(since + timedelta(days=n - 1), Giver(system), since + timedelta(days=n))


def told(*words: str) -> Any:
    done = CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def said(*words: str) -> str:
    return CliRunner().invoke(app, list(words), catch_exceptions=False).stdout


def test_a_utility_that_started_none_says_so(utility: System) -> None:
    assert utility
    assert told("list") == {"waits": False, "policies": [], "refused": []}
    assert "No policy was started yet." in said("list")


def test_how_far_each_policy_is_and_what_was_refused_is_listed(utility: System) -> None:
    runner(utility).catch_up()
    pass_days(utility, 62)  # the toy may ring three times, and five are asked for
    while runner(utility).catch_up() < utility.history.head():
        pass

    found = told("list")

    assert {each["policy"] for each in found["policies"]} == set(POLICIES)
    assert {each["position"] for each in found["policies"]} == {utility.history.head()}
    assert {each["command"] for each in found["refused"]} == {"ring-toy"}
    assert {each["refused"] for each in found["refused"]} == {"rang-enough"}
    assert "ring-tenth at" in said("list")
    assert "was refused, rang-enough" in said("list")


def test_a_command_is_asked_for_again_while_tables_are_behind(utility: System) -> None:
    """Nobody follows here, so what issue-bill must be given is never calculated."""
    asked = IssueBill(account="A1", since=NEW_YEAR, until=date(2026, 2, 1), on=date(2026, 2, 3))
    with pytest.raises(Unavailable, match="behind"):
        Giver(utility)(asked, "policy:bill", "bill/x@1", "")


def test_a_restored_utility_answers_nothing_until_an_operator_starts_it(
    utility: System, database_url: str
) -> None:
    runner(utility).catch_up()
    hold(database_url)  # as a restore does
    pass_days(utility, 2)

    assert told("list")["waits"]
    assert "policies wait for `wattledger policies start`" in said("list")
    head = utility.history.head()

    begun = told("start")["days_begun"]

    assert begun[0] == "2026-01-03"  # the days missed, in order, to today
    assert not told("list")["waits"]
    since = {each["position"] for each in told("list")["policies"]}
    assert since == {head}  # what happened before it was started is not answered
