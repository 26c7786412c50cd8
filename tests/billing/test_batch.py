"""A batch of chains: planned by one, approved by another, carried out account by account."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import SecretStr

from api.reacting import runner
from api.settings import Settings
from api.system import caught_up, opened
from domain.billing.batch import (
    ApproveCorrections,
    CorrectionsAlreadyPlanned,
    CorrectionsNotPlanned,
    DropCorrections,
    PlanCorrections,
)
from domain.customers.account import AccountUnknown
from domain.kit import BeforeItBegan, InTheFuture, SamePerson
from domain.metering.meter import ReportMeterError
from projections.billing import corrections
from tests.billing.test_correction import LATER, three_bills
from tests.served import Door, served

PLAN = PlanCorrections(corrections="R1", accounts=("A1",), reason="wrong rate", on=LATER)
APPROVE = ApproveCorrections(corrections="R1", on=LATER)
DROP = DropCorrections(corrections="R1", reason="it was right", on=LATER)


def test_a_batch_is_approved_by_a_second_person_once() -> None:
    world = three_bills()
    with pytest.raises(AccountUnknown):
        world.ask(replace(PLAN, accounts=("A1", "A9")))
    with pytest.raises(InTheFuture):
        world.ask(replace(PLAN, on=date(9999, 12, 31)))
    with pytest.raises(CorrectionsNotPlanned):
        world.ask(APPROVE, by="bea")
    world.ask(PLAN)
    with pytest.raises(CorrectionsAlreadyPlanned):
        world.ask(PLAN)
    with pytest.raises(SamePerson):
        world.ask(APPROVE)
    with pytest.raises(BeforeItBegan):
        world.ask(replace(APPROVE, on=date(2026, 5, 1)), by="bea")
    world.ask(APPROVE, by="bea")
    for asked in (APPROVE, DROP):
        with pytest.raises(CorrectionsNotPlanned):
            world.ask(asked, by="bea")


def test_what_is_dropped_is_not_approved() -> None:
    world = three_bills()
    world.ask(PLAN)
    world.ask(DROP)
    with pytest.raises(CorrectionsNotPlanned):
        world.ask(APPROVE, by="bea")


@pytest.fixture
def door(database_url: str, tmp_path: Path) -> Iterator[Door]:
    settings = Settings(database_url=SecretStr(database_url), data_dir=tmp_path, demo=False)
    with opened(settings) as system, served(system) as door:
        yield door


def test_what_is_approved_is_carried_out_and_one_that_cannot_be_stops_no_other(
    door: Door,
) -> None:
    door.begin()
    assert door.post("issue-bill").status_code == 201
    second = {"account": "000121", "customer": "C-0042", "on": "2026-01-01"}
    assert door.post("open-account", second).status_code == 201
    error = ReportMeterError(
        meter="M-417", error=Decimal("0.06"), since=date(2026, 1, 1), reference="t"
    )
    assert door.post("report-meter-error", _body(error)).status_code == 201
    policies = runner(door.system)
    policies.catch_up()  # it begins where history is now
    assert door.post("plan-corrections").status_code == 201
    assert door.post("approve-corrections").json()["type"] == "/problems/same-person"
    assert door.post("approve-corrections", person="boris").status_code == 201

    while policies.catch_up() < door.system.history.head():
        pass

    caught_up(door.system.history, door.system.tables)
    notes = list(door.system.tables.rows(corrections))
    [note] = notes
    assert (note.note, str(note.on)) == ("000120-2026-01-c1", "2026-08-11")
    fact = door.system.billing.fact(note.fact)
    assert fact.command == "correct-chain"
    assert fact.cause.startswith("carry-out-corrections/")


def _body(asked: ReportMeterError) -> dict[str, str]:
    return {
        "meter": asked.meter,
        "error": str(asked.error),
        "since": asked.since.isoformat(),
        "reference": asked.reference,
    }
