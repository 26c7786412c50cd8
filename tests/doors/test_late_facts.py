"""
What is told late or wrongly, over HTTP: bills come to what they had been, had it been known.

Each story has a place of its own in one utility: customer C…, account A…, point P…, meter M….
Prices are simple, so that a reader can add the bills up.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr

from api.settings import Settings
from api.system import opened
from replay.server import embedded
from tests.clerks import JANUARY, TOTAL, Utility
from tests.doors.test_cli import Cli
from tests.served import served

FLAT = {"kind": "energy", "code": "units", "rates": [{"price": "0.25"}]}
BLOCKS_OF_THE_YEAR = {
    "kind": "energy",
    "code": "units",
    "blocks_per": "year-to-date",
    "rates": [{"blocks": [{"price": "0.50", "upto": "300"}, {"price": "1.00"}]}],
}
SURPLUS = {"kind": "surplus", "code": "sur", "price": "0.05", "settles": 12}
BOTH_WAYS = [
    {"code": TOTAL, "digits": 5},
    {"code": "2.8.0", "digits": 5, "channel": "export"},
]
FEBRUARY, MARCH, APRIL = "2025-02-01", "2025-03-01", "2025-04-01"


def days(since: str, until: str) -> Iterator[str]:
    day = date.fromisoformat(since)
    while day < date.fromisoformat(until):
        yield day.isoformat()
        day += timedelta(days=1)


@pytest.fixture(scope="module")
def utility(
    server: embedded.Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Utility]:
    """A utility in London; its stories have nothing in common but its tariffs."""
    folder = tmp_path_factory.mktemp("late")
    with psycopg.connect(server.database("postgres"), autocommit=True) as db:
        db.execute("create database late_facts")
    url = server.database("late_facts")
    settings = Settings(database_url=SecretStr(url), data_dir=folder, demo=False)
    with opened(settings) as system, served(system) as door:
        made = Utility(door, Cli(url, folder), folder)
        made.done(
            "establish-utility",
            name="Case Power",
            currency="GBP",
            zone="Europe/London",
            due_days=14,
        )
        made.tariff("FLAT", FLAT)
        made.tariff("YTD", BLOCKS_OF_THE_YEAR)
        made.tariff("SUR", FLAT, SURPLUS)
        yield made


# Meters that were moved, taken down, exchanged


def test_a_meter_moved_on_the_day_it_was_taken_down(utility: Utility) -> None:
    utility.place("moved", shows={TOTAL: "1000"})
    utility.place("moved-to", metered=False)
    utility.remove("moved", "Mmoved", FEBRUARY, 1200)
    utility.install("moved-to", "Mmoved", FEBRUARY, {TOTAL: "5000"})
    utility.bill("moved", JANUARY, FEBRUARY)
    assert utility.stands("Amoved-2025-01") == "50.00"  # the old place used 200 kWh


def test_the_last_reading_of_a_meter_that_was_taken_down(utility: Utility) -> None:
    utility.place("last", shows={TOTAL: "1000"})
    utility.remove("last", "Mlast", "2025-01-16", 1900)
    utility.install("last", "Mlast-new", "2025-01-16")
    utility.read("Mlast-new", FEBRUARY, 50)
    utility.bill("last", JANUARY, FEBRUARY)
    utility.put_right("Mlast", "2025-01-16", 1090)
    utility.correct("last", "Alast-2025-01")
    assert utility.stands("Alast-2025-01") == "35.00"  # 90 + 50 kWh


def test_a_roll_over_that_passes_the_last_reading(utility: Utility) -> None:
    registers = [{"code": TOTAL, "digits": 3}]
    utility.place("turn", registers=registers, shows={TOTAL: "100"})
    status, said = utility.read("Mturn", FEBRUARY, 300, rolled_over=True)
    assert (status, said["type"].rpartition("/")[2]) == (409, "roll-over-implausible")
    utility.bill("turn", JANUARY, FEBRUARY)
    assert utility.stands("Aturn-2025-01") in ("300.00", None)  # 1200 kWh, or not taken


def test_interval_days_were_there_when_an_exchange_is_told(utility: Utility) -> None:
    def day(each: str) -> list[int | None]:
        return [100] * (46 if each == "2025-03-30" else 48)

    utility.place("exchanged", on=MARCH)
    for each in days(MARCH, APRIL):
        utility.intervals("exchanged", each, day(each))
    utility.bill("exchanged", MARCH, APRIL)
    utility.remove("exchanged", "Mexchanged", "2025-03-20", 91)
    utility.install("exchanged", "Mexchanged-new", "2025-03-20")
    for each in days("2025-03-20", APRIL):
        utility.intervals("exchanged", each, day(each))
    status, said = utility.correct("exchanged", "Aexchanged-2025-03")
    assert status in (200, 201), said


def test_a_register_meter_gives_way_to_a_smart_one_within_a_month(utility: Utility) -> None:
    utility.place("smart", on=APRIL)
    utility.remove("smart", "Msmart", "2025-04-15", 300)
    utility.install("smart", "Msmart-new", "2025-04-15")
    for each in days("2025-04-15", "2025-05-01"):
        utility.intervals("smart", each, [100] * 48)
    utility.bill("smart", APRIL, "2025-05-01")
    assert utility.stands("Asmart-2025-04") == "94.20"  # 300 kWh by register, 76.8 by interval


# Readings and interval days


def test_an_estimate_gives_way_to_what_was_read(utility: Utility) -> None:
    utility.place("guess")
    utility.read("Mguess", FEBRUARY, 100, source="estimate")
    utility.bill("guess", JANUARY, FEBRUARY)
    utility.put_right("Mguess", FEBRUARY, 120)
    utility.correct("guess", "Aguess-2025-01")
    assert utility.stands("Aguess-2025-01") == "30.00"
    fields = "basis { estimated } corrections { basis { estimated } }"
    found = utility.of("Aguess-2025-01", fields)
    newest = found["corrections"][-1] if found["corrections"] else found
    assert newest["basis"]["estimated"] is False


def test_an_interval_day_of_another_point(utility: Utility) -> None:
    utility.place("stray")
    utility.read("Mstray", FEBRUARY, 400)
    utility.bill("stray", JANUARY, FEBRUARY)
    utility.intervals("stray", "2025-01-10", [100] * 48)
    utility.intervals("stray", "2025-01-10", [None] * 48, reason="was another point")
    utility.put_right("Mstray", FEBRUARY, 440)
    utility.correct("stray", "Astray-2025-01")
    assert utility.stands("Astray-2025-01") == "110.00"  # by registers
    touched = utility.graphql('{ touched(fact: "tariff-FLAT@3") { bill { number } } }')
    assert touched["data"]["touched"], touched


def test_a_reading_of_the_future(utility: Utility) -> None:
    utility.place("future")
    status, said = utility.read("Mfuture", "2052-02-01", 400)
    assert (status, said["type"].rpartition("/")[2]) == (409, "in-the-future")


# Files


def test_a_spring_day_of_a_source_that_always_writes_24_hours(utility: Utility) -> None:
    utility.place("spring", on=MARCH)
    hours = (f"Pspring,2025-03-30T{hour:02d}:00,1.5\n" for hour in range(24))
    report = utility.take_in("intervals", "point,start,kwh\n" + "".join(hours), code=1)
    assert report["accepted"] == 0  # one line is refused, and the day is not whole


def test_a_mangled_number(utility: Utility) -> None:
    utility.place("mangled")
    text = "meter,on,register,reading\nMmangled,2025-02-01,1.8.0,1_000\n"
    report = utility.take_in("readings", text, code=1)
    assert [each["rule"] for each in report["rejects"]] == ["not-a-number"]


# Money


def two_months(utility: Utility, key: str) -> None:
    """400 kWh in January and in February: 100.00 each."""
    utility.place(key)
    utility.read(f"M{key}", FEBRUARY, 400)
    utility.read(f"M{key}", MARCH, 800)


def test_the_oldest_bill_is_paid_first_after_a_payment_came_back(utility: Utility) -> None:
    two_months(utility, "bounced")
    utility.bill("bounced", JANUARY, FEBRUARY)
    utility.bill("bounced", FEBRUARY, MARCH)
    utility.pay("bounced", "bounced-1", 10000, "2025-03-05")
    back = {"payment": "bounced-1", "account": "Abounced", "reason": "bounced"}
    utility.done("reverse-payment", **back, on="2025-03-10")
    utility.pay("bounced", "bounced-2", 10000, "2025-03-15")
    open_ = [utility.outstanding(f"Abounced-2025-0{month}") for month in (1, 2)]
    assert open_ == ["0.00", "100.00"]


def test_what_a_note_adds_to_january_is_paid_before_february(utility: Utility) -> None:
    two_months(utility, "note")
    utility.bill("note", JANUARY, FEBRUARY)
    utility.pay("note", "note-1", 10000, "2025-02-10")
    utility.bill("note", FEBRUARY, MARCH)
    utility.put_right("Mnote", FEBRUARY, 440)
    utility.correct("note", "Anote-2025-01")
    utility.pay("note", "note-2", 1000, "2025-03-20")
    open_ = [utility.outstanding(f"Anote-2025-0{month}") for month in (1, 2)]
    assert open_ == ["0.00", "100.00"]


def test_no_credit_is_held_beside_an_open_bill(utility: Utility) -> None:
    two_months(utility, "held")
    utility.bill("held", JANUARY, FEBRUARY)
    utility.pay("held", "held-1", 10000, "2025-02-05")
    utility.pay("held", "held-2", 5000, "2025-02-06")
    back = {"payment": "held-1", "account": "Aheld", "reason": "bounced"}
    utility.done("reverse-payment", **back, on="2025-02-10")
    assert utility.outstanding("Aheld-2025-01") == "50.00"


# Supplies, periods, runs


def test_a_move_out_told_two_bills_late(utility: Utility) -> None:
    utility.place("left")
    utility.read("Mleft", FEBRUARY, 310)
    utility.read("Mleft", MARCH, 590)
    utility.bill("left", JANUARY, FEBRUARY)
    utility.bill("left", FEBRUARY, MARCH)
    utility.done("vacate-point", point="Pleft", until="2025-01-11")
    for month in ("01", "02"):
        utility.correct("left", f"Aleft-2025-{month}")
    stand = [utility.stands(f"Aleft-2025-{month}") for month in ("01", "02")]
    assert stand == ["25.00", "0.00"]


def test_a_year_settled_in_bills_that_begin_on_the_15th(utility: Utility) -> None:
    begins = ["2024-10-15", "2024-11-15", "2024-12-15", "2025-01-15"]
    shows = {TOTAL: "0", "2.8.0": "0"}
    utility.place("year", "SUR", on=begins[0], registers=BOTH_WAYS, shows=shows)
    for n, day in enumerate(begins[1:], 1):
        out = {TOTAL: str(100 * n), "2.8.0": str(round(166.7 * n))}
        utility.read("Myear", day, out)
    for since, until in pairwise(begins):
        utility.bill("year", since, until)
    settled = utility.stands("Ayear-2024-12-15")  # it holds the end of December
    assert settled is not None
    assert Decimal(settled) < 25  # the surplus of 200 kWh is paid at 0.05


def test_an_account_with_a_long_number_can_be_billed(utility: Utility) -> None:
    key = "z" * 32
    utility.place(key, metered=False)
    utility.install(key, "Mz", JANUARY)
    utility.read("Mz", MARCH, 59)
    status, said = utility.bill(key, "2025-02-20", MARCH)
    assert status == 201, said


def test_a_run_bills_all_others_and_names_the_one_that_fails(
    server: embedded.Server, tmp_path: Path
) -> None:
    others = [f"{n:03d}" for n in range(1, 41)]
    with psycopg.connect(server.database("postgres"), autocommit=True) as db:
        db.execute("create database late_run")
    url = server.database("late_run")
    settings = Settings(database_url=SecretStr(url), data_dir=tmp_path, demo=False)
    with opened(settings) as system, served(system) as door:
        utility = Utility(door, Cli(url, tmp_path), tmp_path)
        here: dict[str, Any] = {"name": "Run", "currency": "GBP", "due_days": 14}
        utility.done("establish-utility", zone="Europe/London", **here)
        utility.tariff("FLAT", FLAT)
        utility.tariff("Y29", {**BLOCKS_OF_THE_YEAR, "year_begins": "02-29"})
        utility.place("000", "Y29")
        for key in others:
            utility.place(key)
        for key in ("000", *others):
            utility.read(f"M{key}", FEBRUARY, 50)
        ran = utility.cli.ended("bill", "run", "2025-01", "--on", "2025-02-05", code=0)
        assert "defect" not in ran.stderr
        assert [utility.stands(f"A{key}-2025-01") for key in others] == ["12.50"] * 40
