"""What follows from what: answered once, in order, whoever dies, never in a rebuild."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

import pytest

from domain.catalogue import POLICIES, check
from domain.kit import Fact, InTheFuture, Policy, Stream, loops, policy
from domain.organisation.day import BeginDay, DayBegan, days
from domain.organisation.utility import EstablishUtility
from projections.catalogue import PROJECTIONS
from replay.policies.book import Book, connect
from replay.policies.days import DayClock, TooManyMissed, begin_days, last_day
from replay.policies.runner import Elsewhere, Runner, hold
from replay.store.history import History
from replay.store.migrations import migrate
from replay.tables.follow import Follower
from tests.kit.toys import TOYS, Toy, ToyRang, ToyWound, WindToy, giving
from tests.story import Story

ROOT = Path(__file__).resolve().parents[2]
NEW_YEAR = date(2026, 1, 1)
TOY = Stream("test-clock")


@pytest.fixture
def history(database_url: str) -> Iterator[History]:
    migrate(database_url)
    with History(database_url) as history:
        yield history


@pytest.fixture
def declared() -> Iterator[dict[str, Policy]]:
    """What a test declares is forgotten after it."""
    before = dict(POLICIES)
    yield POLICIES
    POLICIES.clear()
    POLICIES.update(before)


def pass_days(history: History, many: int, since: date = NEW_YEAR) -> None:
    give = giving(history)
    for n in range(many):
        begin_days(since + timedelta(days=n - 1), give, since + timedelta(days=n))


def runner(history: History, url: str, *policies: Policy, place: str = "here") -> Runner:
    return Runner(history, giving(history), url, policies or TOYS, place)


def until_quiet(running: Runner, history: History) -> None:
    while running.catch_up() < history.head():
        pass


def test_a_fact_is_answered_and_the_answer_names_it(
    history: History, database_url: str
) -> None:
    running = runner(history, database_url)
    running.catch_up()
    pass_days(history, 1)
    until_quiet(running, history)

    (wound,) = history.of(TOY)
    assert wound.event == ToyWound(turns=1, on=NEW_YEAR)
    assert (wound.by, wound.cause) == ("policy:wind-daily", "wind-daily/day-2026-01-01@1")
    assert wound.correlation == "day-2026-01-01"


def test_the_second_command_of_a_fact_has_a_key_of_its_own(
    history: History, database_url: str
) -> None:
    running = runner(history, database_url)
    running.catch_up()
    pass_days(history, 1, date(2026, 1, 10))
    until_quiet(running, history)

    (rang,) = (fact for fact in history.of(TOY) if isinstance(fact.event, ToyRang))
    (echo,) = history.of(Stream("test-echo"))
    assert rang.cause == "ring-tenth/test-clock@1"
    assert echo.cause == "ring-tenth/test-clock@1/1"


def test_a_policy_begins_at_the_head_of_its_first_start(
    history: History, database_url: str
) -> None:
    pass_days(history, 3)
    running = runner(history, database_url)
    until_quiet(running, history)
    assert history.of(TOY) == []
    assert {each.since for each in running.standing()[0]} == {3}

    pass_days(history, 1, NEW_YEAR + timedelta(days=3))
    until_quiet(runner(history, database_url), history)
    assert len(history.of(TOY)) == 1


def test_what_is_refused_is_kept_and_not_asked_again(
    history: History, database_url: str
) -> None:
    running = runner(history, database_url)
    running.catch_up()
    pass_days(history, 62)  # the 10th, 20th, 30th of January, the 10th, 20th of February
    for _ in range(3):
        until_quiet(running, history)

    assert sum(isinstance(fact.event, ToyRang) for fact in history.of(TOY)) == 3
    _, refused = running.standing()
    assert [(each.policy, each.command, each.refused) for each in refused] == [
        ("ring-tenth", "ring-toy", "rang-enough")
    ] * 4


def test_a_year_passes_in_a_test(history: History, database_url: str) -> None:
    running = runner(history, database_url)
    running.catch_up()
    pass_days(history, 365)
    until_quiet(running, history)

    wound = [fact for fact in history.of(TOY) if isinstance(fact.event, ToyWound)]
    assert [each.event.on for each in wound] == [
        NEW_YEAR + timedelta(days=n) for n in range(365)
    ]


def test_whoever_is_killed_each_fact_is_answered_once(
    history: History, database_url: str, long: bool
) -> None:
    running = runner(history, database_url)
    running.catch_up()
    chance = random.Random(7)
    passing = Thread(target=pass_days, args=(history, 400 if long else 80))
    passing.start()
    for _ in range(25 if long else 4):
        with subprocess.Popen(
            [sys.executable, "-m", "tests.kit.react_and_die", database_url],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        ) as reacting:
            assert reacting.stdout is not None
            assert reacting.stdout.readline() == "begun\n"
            time.sleep(chance.uniform(0.05, 0.6))
            reacting.kill()
    passing.join()
    until_quiet(running, history)

    facts = list(history.since())
    begun = [fact for fact in facts if isinstance(fact.event, DayBegan)]
    causes = Counter(fact.cause for fact in facts if fact.by == "policy:wind-daily")
    assert causes == Counter(f"wind-daily/{fact.ref}" for fact in begun)
    rang = Counter(fact.cause for fact in facts if fact.by == "policy:ring-tenth")
    standing, refused = running.standing()
    tenths = [f for f in facts if isinstance(f.event, ToyWound) and f.event.on.day % 10 == 0]
    assert set(rang.values()) == {1}
    assert len(rang) == 6  # three of the clock, three of the echo
    assert len(rang) + len(refused) == 2 * len(tenths)
    assert [each.stopped for each in standing] == [None, None]


def test_it_answers_as_facts_come(history: History, database_url: str) -> None:
    running, stop = runner(history, database_url), Event()
    thread = Thread(target=running.run, args=(stop,))
    thread.start()
    try:
        while len(running.standing()[0]) < len(TOYS):
            time.sleep(0.01)
        pass_days(history, 1)
        assert history.wait(2, 30.0)
    finally:
        stop.set()
        thread.join(30)
    assert len(history.of(TOY)) == 1


def test_a_rebuild_answers_nothing(history: History, database_url: str) -> None:
    pass_days(history, 3)
    Follower(history, database_url, PROJECTIONS).catch_up()
    assert history.head() == 3


@pytest.mark.parametrize("wrong", ["raises", "undeclared"])
def test_a_defect_stops_that_policy_alone_until_it_is_started_again(
    history: History, database_url: str, wrong: str, declared: dict[str, Policy]
) -> None:
    mended = False

    @policy("broken", gives=())
    def broken(happened: DayBegan, fact: Fact) -> Iterator[object]:
        if wrong == "raises" and not mended:
            raise ZeroDivisionError(fact.ref)
        if not mended:
            yield WindToy(toy="x", on=happened.on)

    running = runner(history, database_url, declared["broken"], *TOYS)
    running.catch_up()
    pass_days(history, 2)
    until_quiet(running, history)
    assert len(history.of(TOY)) == 2
    (standing,) = (each for each in running.standing()[0] if each.policy == "broken")
    assert standing.position == 0
    assert (standing.stopped or "").startswith("day-2026-01-01@1: ")

    mended = True
    running.start()
    until_quiet(running, history)
    assert {each.stopped for each in running.standing()[0]} == {None}


def test_in_a_copied_folder_policies_wait_and_do_not_answer_what_passed(
    history: History, database_url: str
) -> None:
    runner(history, database_url).catch_up()
    copy = runner(history, database_url, place="elsewhere")
    assert copy.waits()
    pass_days(history, 2)
    with pytest.raises(Elsewhere):
        copy.catch_up()
    assert history.of(TOY) == []

    copy.start()
    until_quiet(copy, history)
    assert history.of(TOY) == []
    pass_days(history, 1, NEW_YEAR + timedelta(days=2))
    until_quiet(copy, history)
    assert len(history.of(TOY)) == 1


def test_in_a_restored_folder_policies_wait(history: History, database_url: str) -> None:
    hold(database_url)
    running = runner(history, database_url)
    with pytest.raises(Elsewhere):
        running.catch_up()
    running.start()
    assert running.catch_up() == 0


def test_policies_that_set_each_other_off_are_not_imported(
    declared: dict[str, Policy],
) -> None:
    assert loops([*POLICIES.values(), *TOYS]) == []

    @policy("wind-again", gives=(WindToy,))
    def wind_again(happened: ToyRang, toy: Toy) -> Iterator[object]:
        yield happened, toy

    declared.update({each.name: each for each in TOYS})
    assert loops(declared.values()) == [("ring-tenth", "wind-again")]
    with pytest.raises(TypeError, match="ring-tenth → wind-again → ring-tenth"):
        check()


@pytest.mark.usefixtures("declared")
def test_a_policy_that_cannot_know_which_thing_is_refused() -> None:
    def react(happened: DayBegan, toy: Toy) -> Iterator[object]:
        yield happened, toy

    with pytest.raises(TypeError, match="which toy"):
        policy("vague", gives=())(react)


# Days


def test_a_day_begins_once_and_not_before_it_comes() -> None:
    story = Story()
    story.on(NEW_YEAR)
    story.when(BeginDay(on=NEW_YEAR))
    story.then(DayBegan(on=NEW_YEAR))
    story.given(DayBegan(on=NEW_YEAR))
    story.quiet()
    story.when(BeginDay(on=NEW_YEAR + timedelta(days=1)))
    story.refused(InTheFuture, today=NEW_YEAR)


def test_days_missed_are_recorded_in_order_and_too_many_wait(
    history: History, database_url: str
) -> None:
    give = giving(history)
    assert last_day(database_url) is None
    assert begin_days(None, give, NEW_YEAR) == [NEW_YEAR]
    assert len(begin_days(last_day(database_url), give, date(2026, 2, 1))) == 31
    assert begin_days(last_day(database_url), give, date(2026, 2, 1)) == []
    with pytest.raises(TooManyMissed, match="32 days, from 2026-02-02"):
        begin_days(last_day(database_url), give, date(2026, 3, 5))
    assert last_day(database_url) == date(2026, 2, 1)
    missed = begin_days(last_day(database_url), give, date(2026, 3, 5), missed_most=None)
    assert len(missed) == 32
    begun = [fact.event.on for fact in history.since() if isinstance(fact.event, DayBegan)]
    assert begun == [NEW_YEAR + timedelta(days=n) for n in range(64)]


def test_the_clock_begins_the_day_where_the_utility_is_and_none_of_the_future(
    history: History, database_url: str
) -> None:
    give = giving(history)
    late = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
    clock = DayClock(history, give, database_url, lambda: late)
    assert clock.today() is None  # nowhere yet
    shanghai = EstablishUtility(name="Pudong", currency="CNY", zone="Asia/Shanghai")
    give(shanghai, "ann", "k", "")
    assert clock.today() == date(2026, 3, 2)
    ahead = DayClock(history, give, database_url, lambda: datetime(2999, 1, 1, tzinfo=UTC))
    today = ahead.today()
    assert today is not None
    assert today.year < 2999


def test_a_server_that_slept_begins_each_day_it_missed(
    history: History, database_url: str
) -> None:
    give, stop = giving(history), Event()
    give(EstablishUtility(name="W", currency="GBP", zone="UTC"), "ann", "k", "")
    begin_days(None, give, date(2026, 2, 26))
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    thread = Thread(
        target=DayClock(history, give, database_url, lambda: noon).run, args=(stop,)
    )
    thread.start()
    try:
        assert history.wait(6, 30.0)
    finally:
        stop.set()
        thread.join(30)
    keys = [fact.key for fact in history.since() if fact.stream.startswith(f"{days.name}-")]
    assert keys == ["2026-02-26", "2026-02-27", "2026-02-28", "2026-03-01", "2026-03-02"]


def test_the_last_of_a_plan_and_the_position_are_one(
    history: History, database_url: str
) -> None:
    """What is struck off and what is kept as refused end a plan alike."""
    running = runner(history, database_url)
    running.catch_up()
    pass_days(history, 1)
    running.catch_up()
    with closing(connect(database_url)) as db:
        book = Book(db)
        assert book.planned("wind-daily", 1) == []
        assert {each.policy: each.position for each in book.standing()}["wind-daily"] == 1
