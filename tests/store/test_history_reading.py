"""Reading history: in order, by moment, as states, and what is told when it is broken."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from replay.store.history import (
    History,
    HistoryBroken,
    Stale,
    Unreadable,
)
from replay.store.migrations import migrate
from tests.counters import Counted, Counter, counters, counting, stream
from tests.meddling import altered


@pytest.fixture
def history(database_url: str) -> Iterator[History]:
    migrate(database_url)
    with History(database_url) as opened:
        yield opened


def test_a_position_that_is_missing_is_told_and_never_passed_over(
    history: History, database_url: str
) -> None:
    for n in range(7):
        history.append(counting(n, 0))
    altered(database_url, "DELETE FROM history.events WHERE notification_id = 4")

    read = history.pages(batch=3)
    assert [fact.position for fact in next(read)] == [1, 2, 3]
    with pytest.raises(HistoryBroken, match="position 4 is missing"):
        next(read)


def test_pages_end_where_they_are_told_to(history: History) -> None:
    for n in range(7):
        history.append(counting(n, 0))

    pages = [[fact.position for fact in page] for page in history.pages(1, until=6, batch=2)]

    assert pages == [[2, 3], [4, 5], [6]]


def test_a_moment_is_the_last_position_recorded_by_then(history: History) -> None:
    facts = [history.append(counting("a", n)).facts[0] for n in range(9)]
    tick = timedelta(microseconds=1)

    assert history.moment(facts[0].at - tick) == 0
    for fact in facts:
        until_then = max(f.position for f in facts if f.at <= fact.at)
        assert history.moment(fact.at) == until_then
    assert history.moment(datetime.now(UTC) + timedelta(days=1)) == 9


def test_time_never_goes_back_even_if_the_clock_does(
    history: History, database_url: str
) -> None:
    ahead = datetime.now(UTC) + timedelta(hours=1)
    history.append(counting("a", 0))
    altered(database_url, f"UPDATE history.head SET at = '{ahead.isoformat()}'")

    late = history.append(counting("a", 1)).facts[0]

    assert late.at == ahead
    assert [fact.at for fact in history.since()][-1] == ahead


def test_states_are_folded_once_and_kept_up_with_what_is_appended(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = {"a": (counters, stream("a")), "b": (counters, stream("b"))}
    history.append(counting("a", 0, 1, 2))
    assert history.states(wanted)["a"].state == Counter(many=3)

    monkeypatch.setattr(history, "_rows", lambda *_: pytest.fail("read the database"))
    history.append(counting("a", 2, 4))
    history.append(counting("b", 0, 5))

    seen = history.states(wanted)
    assert (seen["a"].version, seen["a"].state) == (3, Counter(many=7))
    assert (seen["b"].version, seen["b"].state) == (1, Counter(many=5))


def test_a_cache_left_behind_by_another_process_costs_one_retry(
    history: History, database_url: str
) -> None:
    wanted = {"a": (counters, stream("a"))}
    history.append(counting("a", 0, 1))
    assert history.states(wanted)["a"].version == 1
    with History(database_url) as other:
        other.append(counting("a", 1, 10))

    with pytest.raises(Stale):
        history.append(counting("a", history.states(wanted)["a"].version, 100))
    history.append(counting("a", history.states(wanted)["a"].version, 100))

    assert history.states(wanted)["a"].state == Counter(many=111)


def test_a_refusal_that_rests_on_the_cache_can_be_confirmed(
    history: History, database_url: str
) -> None:
    wanted = {"a": (counters, stream("a"))}
    history.append(counting("a", 0, 1))
    seen = history.states(wanted)["a"]
    history.confirm({seen.stream: seen.version, stream("never"): 0})
    with History(database_url) as other:
        other.append(counting("a", 1, 10))

    with pytest.raises(Stale):
        history.confirm({seen.stream: seen.version})

    assert history.states(wanted)["a"].state == Counter(many=11)


def test_waiting_ends_when_another_process_has_written(
    history: History, database_url: str
) -> None:
    assert not history.wait(1, timeout=0.05)
    with History(database_url) as other, ThreadPoolExecutor(1) as pool:
        waited = pool.submit(history.wait, 2, 20)
        other.append(counting("a", 0, 1, 2))
        assert waited.result()


def test_a_fact_nobody_can_read_is_named_and_can_be_handed_on(
    history: History, database_url: str
) -> None:
    history.append(counting("a", 0, 1, 2, 3))
    altered(
        database_url,
        "UPDATE history.events SET topic = 'test.forgotten' WHERE notification_id = 2",
    )
    altered(database_url, "UPDATE history.events SET state = '{]' WHERE notification_id = 3")

    with pytest.raises(Unreadable, match=r"test\.forgotten"):
        list(history.since())
    (page,) = history.pages(unreadable=True)

    assert [type(fact.event) for fact in page] == [Counted, Unreadable, Unreadable]
    assert [fact.position for fact in page] == [1, 2, 3]
