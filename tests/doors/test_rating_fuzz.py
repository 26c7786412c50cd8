"""`wattledger rate`: whatever is wrong in a file is refused in a sentence, never a defect."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.doors.test_rating_cli import FLAT, RECORD, rate, written
from tests.doors.test_rating_usage import TARIFF
from tests.doors.test_rating_usage import USAGE as MEASURED

CHINA = Path(__file__).resolve().parents[2] / "domain" / "pricing" / "tariff" / "china"
DOCUMENTS: tuple[Any, ...] = (
    FLAT,
    RECORD,
    *(json.loads(path.read_text()) for path in sorted(CHINA.glob("*.json"))),
)
USAGE = "start,kwh,kvarh\n" + "".join(
    f"2025-06-{day:02}T{hour:02}:00,{day}.{hour},0.1\n"
    for day in range(1, 31)
    for hour in range(24)
)
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.sampled_from((-1, 0, 0.5, 13, 1e300, "1e400", "NaN", "-Infinity", "", "x", "month", [])),
    st.sampled_from(([[]], [[{}]], {}, [None], {"kind": "fixed"}, [[{"rate": "1"}]], "0.1")),
    st.text(max_size=5),
)

ODD_TEXT = ("e999", '"', ",,", "\0", "²", "٣")


def places(said: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every part of a document."""
    if at:
        yield at
    within: dict[Any, Any] = said if isinstance(said, dict) else {}
    if isinstance(said, list):
        within = dict(enumerate(said))
    for key, each in within.items():
        yield from places(each, (*at, key))


@st.composite
def mutated(draw: st.DrawFn, documents: tuple[Any, ...] = DOCUMENTS) -> Any:
    document = json.loads(json.dumps(draw(st.sampled_from(documents))))
    for _ in range(draw(st.integers(1, 2))):
        every = list(places(document))
        *way, last = draw(st.sampled_from(every))
        within = document
        for key in way:
            within = within[key]
        if draw(st.integers(0, 3)):
            within[last] = deepcopy(draw(ODD))  # what is drawn is drawn again
        else:
            del within[last]
        if not [*places(document)]:
            break
    return document


def answered(done: Any) -> None:
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code in (0, 1, 2)
    assert "Traceback" not in done.stderr
    assert "A defect" not in done.stderr
    if done.exit_code == 1:
        assert done.stderr.strip()


@pytest.mark.timeout(120)
@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(document=mutated())
def test_no_tariff_document_is_a_defect(tmp_path: Path, document: Any) -> None:
    usage = written(tmp_path, "u.csv", USAGE)
    tariff = written(tmp_path, "t.json", json.dumps(document))
    done = rate(tariff, usage, "--json")
    answered(done)
    if done.exit_code == 1:
        assert json.loads(done.stderr)["detail"]


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_no_usage_file_is_a_defect(tmp_path: Path, data: st.DataObject) -> None:
    lines = USAGE.splitlines()[: data.draw(st.integers(1, 60))]
    at = data.draw(st.integers(0, len(lines) - 1))
    where = data.draw(st.integers(0, len(lines[at])))
    odd = data.draw(st.text(max_size=4) | st.sampled_from(ODD_TEXT))
    lines[at] = lines[at][:where] + odd + lines[at][where + data.draw(st.integers(0, 3)) :]
    usage = written(tmp_path, "u.csv", "\n".join(lines))
    answered(rate(written(tmp_path, "t.json", FLAT), usage))


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    usage=mutated((MEASURED, {**MEASURED, "power_factor": "0.9", "persons": 4, "carry": []}))
)
def test_no_usage_document_is_a_defect(tmp_path: Path, usage: Any) -> None:
    answered(rate(written(tmp_path, "t.json", TARIFF), written(tmp_path, "u.json", usage)))
