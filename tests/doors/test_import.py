"""Import: whole days or nothing, wrong lines by number, the same file twice is no news."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.dispatch import RequestContext
from api.importing import NotOurFile, Report, intervals, readings
from api.settings import Settings
from api.system import System, caught_up, opened
from domain.kit import Stream
from domain.metering.meter import InstallMeter, Register
from domain.network.point import EnergisePoint
from domain.organisation.utility import EstablishUtility
from domain.readings.intervals import RecordIntervals

READER = RequestContext("rita", "reader")
ZONE = "Europe/London"
SINCE = date(2026, 1, 1)


@pytest.fixture
def system(database_url: str, tmp_path: Path) -> Iterator[System]:
    with opened(Settings(database_url=database_url, data_dir=tmp_path)) as it:
        asked = (
            EstablishUtility(name="Test", currency="GBP", zone=ZONE),
            EnergisePoint(point="P1", address="here", on=SINCE),
            EnergisePoint(point="P2", address="there", on=SINCE),
            InstallMeter(
                meter="M1",
                point="P1",
                registers=(Register(code="1.8.0"),),
                readings={"1.8.0": Decimal(100)},
                on=SINCE,
            ),
            InstallMeter(
                meter="M2",
                point="P2",
                registers=(Register(code="day"), Register(code="night")),
                readings={"day": Decimal(0), "night": Decimal(0)},
                on=SINCE,
            ),
        )
        for each in asked:
            it.dispatch(each, RequestContext("adam", "admin"))
        caught_up(it.history, it.tables)
        yield it


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file.csv"


def told(report: Report) -> list[tuple[int, str, str]]:
    return [(reject.line, reject.column, reject.rule) for reject in report.rejects]


def recorded(system: System, stream: str) -> int:
    return len(system.history.of(Stream(stream)))


# Readings


def test_a_file_of_readings_goes_in_once(system: System, file: Path) -> None:
    file.write_text(
        "meter,on,register,reading,source\n"
        "M1,2026-02-01,1.8.0,120,\n"
        "M2,2026-02-01,day,30,remote\n"
        "M2,2026-02-01,night,40,remote\n"
        "M1,2026-03-01,1.8.0,150,customer\n"
    )
    first = readings(file, system.dispatch, READER)
    assert (first.accepted, first.repeated, first.rejected, first.rejects) == (3, 0, 0, [])
    assert (first.lines, first.first, first.last) == (4, 8, 10)
    head = system.history.head()
    again = readings(file, system.dispatch, READER)
    assert (again.accepted, again.repeated, again.rejected) == (0, 3, 0)
    assert system.history.head() == head


def test_wrong_lines_are_named_and_the_good_readings_go_in(system: System, file: Path) -> None:
    file.write_text(
        "meter,on,register,reading\n"
        "M1,2026-02-01,1.8.0,120\n"  # 2: good
        "M1,2026-03-01,1.8.0,110\n"  # 3: less than before
        "M1,2026-13-01,1.8.0,130\n"  # 4: no such month
        "M1,2026-04-01,1.8.0,many\n"  # 5
        "M1,2026-05-01,1.8.0\n"  # 6
        "M2,2026-02-01,day,30\n"  # 7: the other register is not read
        "M2,2026-03-01,day,30\n"  # 8
        "M2,2026-03-01,evening,30\n"  # 9: there is none
        "M9,2026-02-01,1.8.0,5\n"  # 10: is installed nowhere
        "M1,2026-06-01,1.8.0,-1\n"  # 11
    )
    report = readings(file, system.dispatch, READER)
    assert told(report) == [
        (3, "reading", "register-went-back"),
        (4, "on", "not-a-date"),
        (5, "reading", "not-a-number"),
        (6, "", "columns"),
        (7, "register", "register-not-read"),
        (9, "register", "no-such-register"),
        (10, "meter", "meter-not-installed"),
        (11, "reading", "negative"),
    ]
    assert (report.accepted, report.rejected) == (1, 7)
    assert recorded(system, "meter-M1") == 2
    assert recorded(system, "meter-M2") == 1


def test_one_wrong_register_keeps_the_whole_reading_out(system: System, file: Path) -> None:
    file.write_text(
        "meter,on,register,reading\nM2,2026-02-01,day,30\nM2,2026-02-01,night,1e400\n"
    )
    assert told(readings(file, system.dispatch, READER)) == [(3, "reading", "too-large")]
    assert recorded(system, "meter-M2") == 1


# Interval days


def day(on: str, values: list[str], zone: str = "") -> str:
    return "".join(f"P1,{on}T{n:02}:00{zone},{value}\n" for n, value in enumerate(values))


def test_whole_days_go_in_and_a_broken_one_stays_out(system: System, file: Path) -> None:
    good = [f"0.{n:03}" for n in range(24)]
    broken = [*good[:5], "x", *good[6:]]
    file.write_text(
        "point,start,kwh\n"
        + day("2026-01-05", good)
        + day("2026-01-06", broken)
        + day("2026-01-07", good[:23])
        + day("2026-01-08", good)
    )
    report = intervals(file, system.dispatch, READER, ZONE)
    assert told(report) == [(31, "kwh", "not-a-number"), (50, "start", "day-not-whole")]
    assert (report.accepted, report.rejected) == (2, 2)
    found = [fact.event for fact in system.history.of(Stream("intervals-P1-2026-01"))]
    assert [each.day for each in found] == [date(2026, 1, 5), date(2026, 1, 8)]
    assert found[0].wh == tuple(range(24))
    again = intervals(file, system.dispatch, READER, ZONE)
    assert (again.accepted, again.repeated, again.rejected) == (0, 2, 2)


def test_missing_intervals_are_recorded_as_missing_only_on_request(
    system: System, file: Path
) -> None:
    values = [f"{n}" for n in range(24)]
    file.write_text("point,start,kwh\n" + day("2026-01-05", values[:20]))
    assert not intervals(file, system.dispatch, READER, ZONE).clean
    assert intervals(file, system.dispatch, READER, ZONE, gaps=True).accepted == 1
    [fact] = system.history.of(Stream("intervals-P1-2026-01"))
    assert fact.event.wh == (*(n * 1000 for n in range(20)), None, None, None, None)


def test_a_line_of_nobody_knows_when_keeps_days_with_gaps_out(
    system: System, file: Path
) -> None:
    file.write_text(
        "point,start,kwh\n" + day("2026-01-05", ["1"] * 23) + "P1,2026-01-05 late,1\n"
    )
    report = intervals(file, system.dispatch, READER, ZONE, gaps=True)
    assert told(report) == [(2, "start", "day-not-whole"), (25, "start", "not-an-instant")]
    assert recorded(system, "intervals-P1-2026-01") == 0


def test_days_of_23_and_25_hours_are_whole_in_local_and_in_utc_stamps(
    system: System, file: Path
) -> None:
    hours = [n for n in range(24) if n != 1]
    spring = "".join(f"P1,2026-03-29T{n:02}:00,{n}\n" for n in hours)
    autumn = "".join(f"P1,2026-10-25T{n:02}:00,{n}\n" for n in sorted([*range(24), 1]))
    file.write_text("point,start,kwh\n" + spring + autumn)
    report = intervals(file, system.dispatch, READER, ZONE)
    assert (report.accepted, report.rejects) == (2, [])
    lengths = [
        len(system.history.of(Stream(f"intervals-P1-2026-{month}"))[0].event.wh)
        for month in ("03", "10")
    ]
    assert lengths == [23, 25]
    utc = [f"P1,2026-03-{d}T{n:02}:00Z,1\n" for d in (29, 30) for n in range(24)]
    file.write_text("point,start,kwh\n" + "".join(utc))
    report = intervals(file, system.dispatch, READER, ZONE)
    assert {reject.rule for reject in report.rejects} == {
        "day-already-recorded",
        "day-not-whole",
    }


def test_an_hour_that_never_was_is_told(system: System, file: Path) -> None:
    file.write_text("point,start,kwh\nP1,2026-03-29T01:30,1\n")
    assert told(intervals(file, system.dispatch, READER, ZONE)) == [
        (2, "start", "hour-skipped")
    ]


@pytest.mark.parametrize(
    "text",
    ["", "point,start\nP1,x\n", "point,start,kwh,colour\n", "point,start,kwh,kwh\n", "\0\n"],
)
def test_a_file_with_other_columns_is_refused(system: System, file: Path, text: str) -> None:
    file.write_text(text)
    with pytest.raises(NotOurFile):
        intervals(file, system.dispatch, READER, ZONE)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
        | st.sampled_from(["P1", "2026-01-09T00:00", "1", ",", '"', "\n", "2026-01-09T01:00Z"]),
        max_size=30,
    )
)
def test_whatever_is_in_a_file_it_is_told_and_never_half_written(
    system: System, tmp_path: Path, cells: list[str]
) -> None:
    file = tmp_path / "any.csv"
    lines = [",".join(cells[n : n + 3]) for n in range(0, len(cells), 3)]
    file.write_text("point,start,kwh\n" + "\n".join(lines), "utf-8")
    report = intervals(file, system.dispatch, READER, ZONE)
    assert report.accepted == 0
    assert report.lines == 0 or report.rejects


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    kwh=st.decimals(0, 10**6, places=3, allow_nan=False),
    n=st.integers(0, 27),
    offset=st.sampled_from(["", "Z", "+00:00"]),
)
def test_what_goes_in_is_what_was_in_the_file(
    system: System, tmp_path: Path, kwh: Decimal, n: int, offset: str
) -> None:
    file = tmp_path / "any.csv"
    on = date(2026, 2, 1 + n)
    file.write_text("point,start,kwh\n" + day(str(on), [str(kwh)] * 24, offset))
    asked: list[object] = []

    def dispatch(command: object, context: RequestContext) -> object:
        asked.append(command)
        return system.dispatch(command, context)

    intervals(file, dispatch, READER, ZONE)  # type: ignore[arg-type]
    [command] = asked
    assert isinstance(command, RecordIntervals)
    assert command.wh == (int(kwh * 1000),) * 24
