"""Usage files: read at once or line by line, it is the same usage, or the same refusal."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.pricing.usage import Usage
from domain.values import midnight
from replay.files import usage as files
from replay.files.usage import UsageFileError, read

ZONES = ("UTC", "Europe/London", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns")
DAYS = (date(2025, 3, 29), date(2025, 10, 25), date(2025, 4, 5), date(2025, 7, 1))


@st.composite
def written(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A file over a change of clocks or none, perhaps with one thing wrong in it."""
    zone = ZoneInfo(draw(st.sampled_from(ZONES)))
    step = timedelta(minutes=draw(st.sampled_from((15, 30, 60))))
    first = midnight(draw(st.sampled_from(DAYS)), zone.key)
    aware, seconds = draw(st.booleans()), draw(st.booleans())
    numbers = st.decimals(-5, 5, places=draw(st.integers(0, 7)), allow_nan=False)
    wide = draw(st.booleans())
    lines = []
    for n in range(draw(st.integers(1, 120))):
        wall = (first + n * step).astimezone(zone)
        stamp = (wall if aware else wall.replace(tzinfo=None)).isoformat(
            timespec="seconds" if seconds else "minutes"
        )
        values = [str(draw(numbers)) for _ in range(2 if wide else 1)]
        lines.append(",".join((stamp, *values)))
    head = ["start,kwh,kvarh" if wide else "start,kwh"] if wide or draw(st.booleans()) else []
    at = draw(st.integers(0, len(lines) - 1))
    match draw(st.sampled_from(("right", "right", "gone", "twice", "odd", "turned"))):
        case "gone":
            del lines[at]
        case "twice":
            lines.insert(at, lines[at])
        case "odd":
            where = draw(st.integers(0, len(lines[at])))
            odd = draw(st.sampled_from("x9-,.\"' \u0663Z+"))
            lines[at] = lines[at][:where] + odd + lines[at][where:]
        case "turned":
            lines.reverse()
    return "\n".join((*head, *lines)), {} if aware and draw(st.booleans()) else {
        "zone": zone.key
    }


def outcome(text: str, asked: dict[str, Any]) -> Usage | str:
    try:
        return read(text, **asked)
    except UsageFileError as wrong:
        return str(wrong)


@settings(max_examples=150, deadline=None)
@given(written())
def test_a_file_says_the_same_at_once_and_line_by_line(
    given_: tuple[str, dict[str, Any]],
) -> None:
    at_once = outcome(*given_)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(files, "_at_once", lambda *_: None)
        assert at_once == outcome(*given_)


def test_the_usual_file_is_read_at_once() -> None:
    first = midnight(date(2025, 3, 29), "UTC")
    stamps = [first + n * timedelta(hours=1) for n in range(72)]
    dated = "\n".join(f"{stamp.isoformat()},{n}.25" for n, stamp in enumerate(stamps))
    bare = "\n".join(f"{n}.25" for n in range(72))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(files, "_stamped", None)
        patched.setattr(files, "_bare", None)
        assert read(dated, zone="UTC").series[0].wh == tuple(n * 1000 + 250 for n in range(72))
        again = read(bare, zone="UTC", start=date(2025, 3, 29), minutes=60)
    assert again == read(dated, zone="UTC")


def test_a_time_that_clocks_pass_over_is_said_not_to_exist() -> None:
    text = "start,kwh\n2025-03-30T00:30,1\n2025-03-30T01:30,1\n2025-03-30T02:30,1\n"
    with pytest.raises(UsageFileError) as caught:
        read(text, zone="Europe/London")
    told = "line 3: 2025-03-30T01:30:00 does not exist in Europe/London: clocks go forward"
    assert str(caught.value) == told
    with pytest.raises(UsageFileError, match=r"line 3: .* does not exist"):
        read("\n".join(text.splitlines()[:3]), zone="Europe/London")
