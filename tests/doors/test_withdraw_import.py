"""A whole import that was wrong is taken back: one command, one approval, also typed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from api.dispatch import RequestContext
from api.importing import readings
from api.reacting import runner
from api.settings import Settings
from api.system import System, caught_up, opened
from domain.kit import Stream
from projections.metering import readings as read
from projections.readings import interval_days
from tests.doors.test_cli import Cli
from tests.served import Door, served

READINGS = (
    "meter,on,register,reading\n"
    "M1,2026-02-01,1.8.0,120\n"
    "M1,2026-03-01,1.8.0,150\n"
    "M2,2026-02-01,1.8.0,80\n"
)
MARK = "file-of-march"


@pytest.fixture
def door(database_url: str, tmp_path: Path) -> Iterator[Door]:
    settings = Settings(database_url=SecretStr(database_url), data_dir=tmp_path, demo=False)
    with opened(settings) as system, served(system) as door:
        runner(system).catch_up()  # policies were started before
        begin(door)
        yield door


def begin(door: Door) -> None:
    """A utility with two meters, each at a point from New Year."""
    done(door, "establish-utility", name="Test", currency="GBP", zone="Europe/London")
    for n in (1, 2):
        on = "2026-01-01"
        done(door, "energise-point", point=f"P{n}", address="here", on=on)
        done(
            door,
            "install-meter",
            meter=f"M{n}",
            point=f"P{n}",
            registers=[{"code": "1.8.0"}],
            readings={"1.8.0": "0"},
            on=on,
        )


def done(door: Door, command: str, /, **body: Any) -> dict[str, Any]:
    answer = door.post(command, body)
    assert answer.status_code in (200, 201), answer.text
    return dict(answer.json())


def take_in(door: Door, folder: Path) -> None:
    file = folder / "march.csv"
    file.write_text(READINGS)
    report = readings(file, door.system.dispatch, RequestContext("rita", "reader", MARK))
    assert (report.correlation, report.accepted) == (MARK, 3)


def shown(system: System) -> list[tuple[str, date]]:
    caught_up(system.history, system.tables)
    rows = system.tables.find(read)
    return [(row.meter, row.on) for row in rows if row.source != "install"]


def test_an_import_is_taken_back_and_taken_in_again(door: Door, tmp_path: Path) -> None:
    take_in(door, tmp_path)
    for n, hour in enumerate(range(2)):
        day = {"point": "P2", "day": f"2026-02-0{n + 1}", "minutes": 60, "wh": [hour] * 24}
        answer = door.post("record-intervals", day, person="rita", X_Correlation_Id=MARK)
        assert answer.status_code == 201
    asked = {"correlation": MARK, "reason": "of another month"}
    refused = door.post("withdraw-import", asked, person="rita")
    assert refused.json()["type"].endswith("same-person")
    done(door, "withdraw-import", **asked)
    assert len(shown(door.system)) == 3  # decided; the policy does it
    runner(door.system).catch_up()
    assert shown(door.system) == []
    assert door.system.tables.find(interval_days) == []
    (withdrawn,) = door.system.history.of(Stream(f"import-{MARK}"))
    gone = door.system.history.of(Stream("meter-M1"))[-1]
    assert (gone.event.reason, gone.correlation) == ("of another month", withdrawn.correlation)
    assert done(door, "withdraw-import", **asked)["positions"] == []
    take_in(door, tmp_path)
    assert len(shown(door.system)) == 3


def test_what_was_put_right_since_or_is_stood_on_stays_and_is_told(
    door: Door, tmp_path: Path
) -> None:
    take_in(door, tmp_path)
    right = {"meter": "M2", "readings": {"1.8.0": "81"}, "on": "2026-02-01"}
    done(door, "correct-reading", **right, reason="misread")
    cli = Cli(str(door.system.settings.database_url.get_secret_value()), tmp_path)  # type: ignore[union-attr]
    told = cli.json("import", "withdraw", MARK, "of another month", "--as", "bea", code=0)
    assert told == {"taken_back": 2, "refused": [], "left": ["meter-M2@2"]}
    assert shown(door.system) == [("M2", date(2026, 2, 1))]
    again = cli.json("import", "withdraw", MARK, "of another month", "--as", "bea", code=0)
    assert (again["taken_back"], again["refused"]) == (0, [])


def test_what_a_turn_stands_on_is_refused_by_name(door: Door, tmp_path: Path) -> None:
    body = {"meter": "M1", "source": "reader"}
    done(door, "read-meter", **body, readings={"1.8.0": "50"}, on="2026-01-15")
    for on, kwh in (("2026-02-01", "60000"), ("2026-03-01", "99000")):
        answer = door.post(
            "read-meter",
            {**body, "readings": {"1.8.0": kwh}, "on": on},
            person="rita",
            X_Correlation_Id=MARK,
        )
        assert answer.status_code == 201, answer.text
    turned = {"readings": {"1.8.0": "20"}, "on": "2026-04-01", "rolled_over": True}
    done(door, "read-meter", **body, **turned)
    cli = Cli(str(door.system.settings.database_url.get_secret_value()), tmp_path)  # type: ignore[union-attr]
    told = cli.json("import", "withdraw", MARK, "of another month", "--as", "bea", code=1)
    assert told["taken_back"] == 1
    assert [no["refused"] for no in told["refused"]] == ["reading-stands-on-it"]


def test_nothing_imported_is_refused(door: Door) -> None:
    answer = door.post("withdraw-import", {"correlation": "file-x", "reason": "r"})
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/nothing-imported")
