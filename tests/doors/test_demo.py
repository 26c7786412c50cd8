"""The demo: real meters read honestly, a town founded, a story that comes out to the penny."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from api.demo import cast, meters, town
from api.demo.doors import InProcess
from api.demo.meters import Sample
from api.demo.story import Story, StoryBroke, added_up
from api.demo.tariffs import ECONOMY, STANDARD, TARIFFS, without_vat
from api.dispatch import RequestContext
from api.settings import Settings
from api.system import System, caught_up, opened
from domain.organisation.utility import EstablishUtility, UtilityAlreadyEstablished
from domain.readings.intervals import intervals_in
from projections.billing import bills, corrections
from projections.books import trial_balance
from projections.catalogue import PROJECTIONS
from projections.customers import accounts, customers
from projections.kit.table import Where
from projections.organisation import settings
from projections.readings import interval_days
from replay.billing.verify import verify

BESIDE = Path(__file__).resolve().parents[3] / "shared" / "data" / "meters"


@pytest.fixture
def system(database_url: str, tmp_path: Path) -> Iterator[System]:
    with opened(Settings(database_url=database_url, data_dir=tmp_path)) as it:
        yield it


@pytest.fixture(scope="module")
def real() -> list[Sample]:
    found = meters.samples() or (meters.samples(BESIDE) if BESIDE.exists() else [])
    if not found:
        pytest.skip("the real meters are not at hand")
    return found


# Real meters


def test_every_local_day_is_whole_and_no_energy_is_lost(real: list[Sample]) -> None:
    for sample in real:
        report = sample.report
        days = [day.day for day in sample.days]
        assert days == sorted(set(days))
        assert all(
            len(day.wh) == intervals_in(day.day, sample.minutes, meters.ZONE)
            for day in sample.days
        )
        assert len(days) == report.complete_days + len(report.estimated_days)
        assert Counter(day.quality for day in sample.days)["estimated"] == len(
            report.estimated_days
        )
        kwh = sum(sum(day.wh) for day in sample.days) / 1000
        assert abs(kwh - float(report.kwh)) < 50  # two days at the ends, and what was estimated


def test_what_is_odd_about_the_real_meters_is_reported(real: list[Sample]) -> None:
    first, second, third = (sample.report for sample in real)
    assert (first.duplicates, second.duplicates, third.duplicates) == (0, 15, 24)
    assert [len(report.gaps) for report in (first, second, third)] == [0, 5, 3]
    assert "15676 intervals are missing as stamped, 3 if exchanged" in third.dates
    assert second.dates == "as stamped"
    assert second.clock.startswith("UTC")
    assert third.clock.startswith("UTC")
    assert [gap.intervals for gap in first.zeros] == [23, 23, 23]
    assert date(2012, 11, 8) in second.estimated_days


# Files made for the purpose


def made(
    since: datetime, count: int, *, minutes: int = 60, without: tuple[int, ...] = ()
) -> list[tuple[datetime, str]]:
    return [
        (since + n * timedelta(minutes=minutes), f"{n % 24 / 10}")
        for n in range(count)
        if n not in without
    ]


def read(rows: list[tuple[datetime, str]], form: str = "%Y-%m-%d %H:%M:%S") -> Sample:
    lines = (f"{stamp:{form}},{kwh}" for stamp, kwh in rows)
    return meters.read(0, "made.csv", "\n".join(["start,value", *lines]))


def test_a_missing_interval_is_taken_from_the_week_before_and_never_from_nothing() -> None:
    since = datetime(2024, 1, 1, tzinfo=UTC)
    sample = read(made(since, 24 * 16, without=(24 * 10 + 5,)))
    assert sample.report.estimated_days == [date(2024, 1, 11)]
    [day] = [day for day in sample.days if day.quality == "estimated"]
    assert day.wh[5] == 500
    assert [gap.intervals for gap in sample.report.gaps] == [1]


def test_a_day_that_cannot_be_estimated_is_left_out() -> None:
    sample = read(made(datetime(2024, 1, 1, tzinfo=UTC), 24 * 5, without=(30,)))
    assert sample.report.omitted_days == [date(2024, 1, 2)]
    assert date(2024, 1, 2) not in {day.day for day in sample.days}


def test_the_same_stamp_with_two_values_is_believed_in_neither() -> None:
    rows = made(datetime(2024, 1, 1, tzinfo=UTC), 24 * 16)
    odd, same = rows[24 * 9 + 3], rows[24 * 10 + 7]
    sample = read([*rows, (odd[0], "99"), same])
    assert (sample.report.duplicates, sample.report.conflicting) == (2, 1)
    assert sample.report.estimated_days == [date(2024, 1, 10)]
    assert max(max(day.wh) for day in sample.days) == 2300


def test_local_stamps_are_told_from_utc_by_the_hour_that_march_skips() -> None:
    day = datetime(2024, 3, 30)  # noqa: DTZ001
    local = [row for row in made(day, 24 * 4) if row[0] != datetime(2024, 3, 31, 1)]  # noqa: DTZ001
    assert read(local).report.clock.startswith("local")
    assert read(made(day, 24 * 4)).report.clock.startswith("UTC")
    assert [len(day.wh) for day in read(local).days] == [24, 23, 24, 24]


def test_days_taken_for_months_are_put_right() -> None:
    rows = made(datetime(2024, 3, 1, tzinfo=UTC), 24 * 60)
    wrong = [
        (stamp.replace(month=stamp.day, day=stamp.month) if stamp.day <= 12 else stamp, kwh)
        for stamp, kwh in rows
    ]
    sample, right = read(sorted(wrong)), read(rows)
    assert sample.report.dates.startswith("day and month exchanged")
    assert sample.days == right.days
    assert right.report.dates == "as stamped"


@pytest.mark.parametrize(
    "text", ["when,kwh\n", "start,value\n2024-01-01,x\n", "start,value\n2024,1\n"]
)
def test_a_file_that_is_none_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(ValueError, match="line"):
        meters.read(0, "made.csv", text)


# Prices


def test_prices_say_where_they_are_from_and_come_to_what_was_published() -> None:
    for prices in TARIFFS.values():
        assert [price.since for price in prices] == sorted(price.since for price in prices)
        for price in prices:
            assert price.document("x").source
            for pence in filter(None, (price.day, price.standing, price.night)):
                back = without_vat(pence) * 105
                assert abs(back - type(back)(pence)) < type(back)("0.000001")


# The town


def test_a_small_town_is_whole_and_says_what_is_synthetic(system: System) -> None:
    assert town.wanted(system)
    founded = town.found(system, count=15, months=3)
    caught_up(system.history, system.tables, 60)
    assert not town.wanted(system)
    assert founded.accounts == 18
    assert founded.bills == 18 * 3 == len(system.tables.find(bills))
    balances = [row.balance for row in system.tables.find(accounts)]
    assert min(balances) < 0 < max(balances)  # some paid ahead, some are late
    assert sum(row.balance for row in system.tables.find(trial_balance)) == 0
    for row in system.tables.find(customers):
        assert ("synthetic" in (row.contact or "")) == ("Real meter" not in row.name)
    assert verify(system.history, system.tables, PROJECTIONS).agrees


def test_a_founding_that_was_broken_off_goes_on_where_it_was(system: System) -> None:
    def stop(told: str, done: int, _: int) -> None:
        if told == "Bills and payments" and done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        town.found(system, count=6, months=2, progress=stop)
    assert town.wanted(system)
    founded = town.found(system, count=6, months=2)
    caught_up(system.history, system.tables, 60)
    here = system.tables.get(settings, "settings")
    assert here is not None
    assert here.name == founded.utility == town.NAME
    assert len(system.tables.find(bills)) == 9 * 2
    head = system.history.head()
    town.found(system, count=6, months=2)
    assert system.history.head() == head
    assert verify(system.history, system.tables, PROJECTIONS).agrees


def test_a_town_is_not_founded_in_somebody_elses_utility(system: System) -> None:
    Story(InProcess(system), "mine").run()
    head = system.history.head()
    with pytest.raises(UtilityAlreadyEstablished):
        town.found(system, count=1, months=1)
    assert system.history.head() == head
    assert not town.wanted(system)


# The story


def test_the_story_comes_out_to_the_penny_and_can_be_told_again(system: System) -> None:
    first = Story(InProcess(system), "one").run()
    second = Story(InProcess(system), "two").run()
    for figures in (first, second):
        caught_up(system.history, system.tables)
        notes = system.tables.find(corrections, Where("account", "=", figures.account))
        assert len(figures.bills) == len(notes) == 3
        assert {note.bill: note.total for note in notes} == figures.notes
        assert all(total < 0 for total in figures.notes.values())
        moved = sum(figures.notes.values())
        assert figures.balance_after == figures.balance_before + moved
        assert figures.balance_of_feed == figures.balance_after
        assert added_up(InProcess(system).facts(0), figures.account)[0] == figures.balance_after
        assert figures.ledger["1200"] == figures.balance_after
        assert all(
            causes == [f"meter-M{figures.account[1:]}-1@6"]
            for causes in figures.causes.values()
        )
    assert list(first.notes.values()) == list(second.notes.values())
    assert verify(system.history, system.tables, PROJECTIONS).agrees


def test_the_story_is_told_in_the_zone_of_the_utility_and_only_in_its_currency(
    system: System,
) -> None:
    admin = RequestContext("adam", "admin")
    founded = EstablishUtility(name="Far", currency="GBP", zone="Asia/Hong_Kong")
    system.dispatch(founded, admin)
    figures = Story(InProcess(system), "far").run()
    assert figures.balance_of_feed == figures.balance_after


def test_the_story_is_not_begun_in_other_books(system: System) -> None:
    founded = EstablishUtility(name="Far", currency="HKD", zone="Asia/Hong_Kong")
    system.dispatch(founded, RequestContext("adam", "admin"))
    with pytest.raises(StoryBroke, match="HKD"):
        Story(InProcess(system), "far").run()
    assert system.history.head() == 1


def test_the_story_bills_a_register_and_interval_days_in_one_bill(system: System) -> None:
    figures = Story(InProcess(system), "both").run()
    caught_up(system.history, system.tables)
    for row in system.tables.find(bills, Where("account", "=", figures.account)):
        assert {line.point for line in row.lines} == {"Pboth-1", "Pboth-2"}
        tariffs = {line.line.tariff for line in row.lines}
        assert tariffs == {f"{STANDARD}-both", f"{ECONOMY}-both"}
    longest = max(cast.interval_days("Pboth-2"), key=lambda day: len(day.wh))
    kept = system.tables.get(interval_days, ("Pboth-2", "import", longest.day))
    assert kept is not None
    assert len(kept.wh) == 50
