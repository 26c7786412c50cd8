"""The recipes of docs/adding.md, each carried out in a copy of the repository."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "adding.md").read_text()
STEP = re.compile(
    r"^`(?P<file>[^`]+)`, (?P<how>new|at the end|before|replacing)(?: `(?P<mark>[^`]+)`)?:\n\n"
    r"```(?:python|text)\n(?P<code>.*?)```$",
    re.M | re.S,
)
CHARGE = """
from decimal import Decimal
from datetime import date
from domain.pricing.tariff import TariffDocument, TariffVersion
from domain.pricing.rating import rate, Usage
from domain.pricing.charges.lamps import Lamps
from domain.values import Period
lamps = Lamps(code="lamps", lamps=40, price=Decimal("2.50"))
document = TariffDocument(name="Street", currency="GBP", charges=(lamps,))
version = TariffVersion(tariff="S", version=1, since=date(2026, 1, 1), document=document)
month = Period(since=date(2026, 1, 1), until=date(2026, 2, 1))
assert rate([version], Usage(zone="Europe/London"), month).total == 10_000
import orjson
from replay.store.shapes import compatible, shape_of
lines = [orjson.loads(line) for line in open("tests/store/golden.jsonl", "rb")]
was = [one["shape"] for one in lines if one["name"] == "tariff.drafted"][-1]
assert was != shape_of("tariff.drafted")
assert compatible(was, shape_of("tariff.drafted"))
"""
FACT = """
from datetime import date
from domain.organisation.utility import *
from domain.organisation import utility as u
asked = u.MoveOffice(address="2 Quay Street", on=date(2026, 4, 1))
here = u.Utility(currency="GBP")
(moved,) = u.move_office(asked, here)
assert not list(u.move_office(asked, u.evolve(here, moved)))
import domain.catalogue
from domain.kit import DECISIONS
assert DECISIONS[u.MoveOffice].refuses == (u.UtilityNotEstablished,)
"""
TABLE = """
from datetime import UTC, date, datetime
from domain.kit import Fact, Stream
from domain.organisation.utility import UtilityOfficeMoved
from projections.catalogue import PROJECTIONS
from projections.kit.table import MemoryTables
from projections.offices import Office, offices
assert offices in PROJECTIONS
table = {}
moved = UtilityOfficeMoved(address="2 Quay Street", on=date(2026, 4, 1))
at = datetime(2026, 4, 1, tzinfo=UTC)
fact = Fact(Stream("utility-settings"), 2, moved, at, "ada", "clerk", "c", "c", position=9)
offices.project(table, fact)
assert table == {date(2026, 4, 1): Office(date(2026, 4, 1), "2 Quay Street")}
"""
NOUN = """
from datetime import date
from domain.catalogue import POLICIES
from domain.organisation.day import DayBegan
from domain.organisation import diary as d
noted = d.DiaryNoted(text="Read the gate meter")
(told,) = POLICIES["tell-diary"].react(DayBegan(on=date(2026, 4, 1)))
page = d.pages.fold([noted])
assert list(d.tell(told, page)) == [d.DiaryTold(on=date(2026, 4, 1))]
assert not list(d.tell(told, d.Page()))
"""
RECIPES = {
    "A charge": (CHARGE,),
    "A fact with its command": (FACT,),
    "A read model": (FACT, TABLE),
    "A noun with a life cycle, and a policy": (NOUN,),
}
STANDS_ON = {"A read model": ("A fact with its command",)}


def steps(recipe: str) -> list[dict[str, str]]:
    part = TEXT.partition(f"\n## {recipe}\n")[2].partition("\n## ")[0]
    return [match.groupdict() for match in STEP.finditer(part)]


def carry_out(folder: Path, step: dict[str, str]) -> None:
    path, code, mark = folder / step["file"], step["code"], step["mark"]
    if step["how"] == "new":
        assert not path.exists()
        path.write_text(code)
        return
    text = path.read_text()
    if step["how"] == "at the end":
        path.write_text(text + code)
        return
    assert mark in text, f"{step['file']} has no {mark!r} any more"
    code = code.rstrip("\n") if step["how"] == "replacing" else code + mark
    path.write_text(text.replace(mark, code, 1))


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_leads_where_it_says(recipe: str, tmp_path: Path) -> None:
    for folder in ("domain", "projections", "replay", "tests/store"):
        shutil.copytree(
            ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    for each in (*STANDS_ON.get(recipe, ()), recipe):
        taken = steps(each)
        assert taken
        for step in taken:
            carry_out(tmp_path, step)
    for check in RECIPES[recipe]:
        done = subprocess.run(
            [sys.executable, "-c", f"import sys; sys.path.insert(0, '.')\n{check}"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


def test_every_recipe_of_the_page_is_carried_out() -> None:
    assert re.findall(r"^## (.+)$", TEXT, re.M) == list(RECIPES)
