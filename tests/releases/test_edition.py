"""Bills of the first release stand by its rules; today's say what they make of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from domain.editions import EDITION
from domain.organisation.rules import RATING, rules
from replay.store.history import History
from tests.doors.test_cli import Cli
from tests.releases.folder import EXPECTED, restored
from tests.releases.test_upgrade import asked, serving

pytestmark = pytest.mark.timeout(300)  # a process for each command

BILL, BILLED = next(iter(EXPECTED["bills"].items()))
WOULD_BE = "wouldBe { notCalculated difference { amount } basis { edition } }"


@pytest.fixture
def cli(database_url: str, tmp_path: Path) -> Cli:
    """This release, over what the first one left."""
    restored(database_url)
    today = Cli(database_url, tmp_path / "data")
    assert today.json("rebuild")["swapped"]
    return today


def adopted(url: str) -> list[int]:
    with History(url) as history:
        return [fact.event.edition for fact in history.of(rules.stream(RATING))]


def test_a_server_adopts_the_rules_once_and_old_bills_stand(
    cli: Cli, database_url: str, tmp_path: Path
) -> None:
    one = f'bill(number: "{BILL}")'
    for start in range(2):
        with serving(cli, tmp_path / f"screen-{start}") as (client, _):
            old = bill(asked(client, f"{{ {one} {{ total {{ amount }} }} }}"))
            assert old["total"]["amount"] == f"{BILLED['issued'] / 100:.2f}"
            why = asked(client, f"{{ {one} {{ lines {{ why {{ value }} }} }} }}")
            codes = {error["extensions"]["code"] for error in why["errors"]}
            assert codes == {"NOT_RECALCULATED"}
            assert {line["why"] for line in bill(why)["lines"]} == {None}

            now = bill(asked(client, f"{{ {one} {{ {WOULD_BE} }} }}"))
            assert now["wouldBe"]["notCalculated"] is None
            assert now["wouldBe"]["difference"]["amount"] == "0.00"
            assert now["wouldBe"]["basis"]["edition"] == EDITION
            before = f"at(knownAt: {EXPECTED['head']})"
            then = asked(client, f"{{ {before} {{ {one} {{ {WOULD_BE} }} }} }}")
            assert bill(then["data"]["at"])["wouldBe"]["notCalculated"] == "not-recalculated"
        assert adopted(database_url) == [EDITION]


def test_who_corrects_adopts_the_rules_first(cli: Cli, database_url: str) -> None:
    assert "not-recalculated" in cli("bill", "why", BILL, code=1)
    assert adopted(database_url) == []
    for _ in range(2):
        assert "right as it stands" in cli("bill", "correct", BILL, "--on", "2026-01-01")
        assert adopted(database_url) == [EDITION]
    assert cli.json("verify")["agrees"]


def bill(said: Any) -> Any:
    return (said.get("data") or said)["bill"]
