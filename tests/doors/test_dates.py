"""No date makes a defect: each day of each command is tried at the ends of the calendar."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from api.settings import Settings
from api.system import opened
from tests.served import EXAMPLES, Door, served

DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
ENDS = ("0001-01-01", "1583-01-01", "9999-12-31")
TWICE = ("issue-bill", "receive-payment", "propose-goodwill", "remove-meter", "vacate-point")


@pytest.fixture
def door(database_url: str, tmp_path: Path) -> Iterator[Door]:
    settings = Settings(database_url=SecretStr(database_url), data_dir=tmp_path, demo=False)
    with opened(settings) as system, served(system) as door:
        yield door


def dated(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The body with each of its days, and all of them, at each end of the calendar."""
    days = [key for key, each in body.items() if isinstance(each, str) and DAY.fullmatch(each)]
    for end in ENDS:
        for some in (*([name] for name in days), days):
            yield body | dict.fromkeys(some, end)


@pytest.mark.parametrize("begun", [False, True], ids=["where nothing is", "where things are"])
def test_no_day_of_any_command_makes_a_defect(door: Door, begun: bool) -> None:
    if begun:
        door.begin()
        for command in TWICE:
            assert door.post(command).status_code == 201, command
    for command in sorted(EXAMPLES):
        for body in dated(EXAMPLES[command]):
            answer = door.post(command, body, person="boris")
            assert answer.status_code < 500, (command, body, answer.text)
