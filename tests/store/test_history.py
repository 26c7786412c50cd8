"""History on a real Postgres: what is appended, refused, repeated, and in which order."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from domain.kit import Fact
from replay.proofs.audit import audit
from replay.store.append import Append
from replay.store.history import (
    History,
    KeyReused,
    Overloaded,
    Stale,
    Unavailable,
)
from replay.store.migrations import migrate
from tests.counters import Counted, Renamed, counting, stream
from tests.meddling import altered, refit, writing_held


@pytest.fixture
def history(database_url: str) -> Iterator[History]:
    migrate(database_url)
    with History(database_url) as opened:
        yield opened


def test_facts_get_versions_in_their_stream_and_positions_in_all(history: History) -> None:
    first = history.append(counting("a", 0, 1, 2)).facts
    second = history.append(counting("b", 0, 3, cause="d")).facts

    assert [(f.stream, f.version, f.position) for f in first + second] == [
        (stream("a"), 1, 1),
        (stream("a"), 2, 2),
        (stream("b"), 1, 3),
    ]
    assert second[0] == Fact(
        stream("b"), 1, Counted(many=3), second[0].at, "ada", "clerk", "d", "r", 3
    )
    assert list(history.since()) == [*first, *second]
    assert history.of(stream("a")) == list(first)
    assert history.of(stream("a"), until=1) == list(first[:1])
    assert history.head() == 3


def test_a_command_over_several_streams_is_recorded_whole_or_not_at_all(
    history: History,
) -> None:
    history.append(counting("b", 0))
    both = Append(
        ((stream("a"), Counted(many=1)), (stream("b"), Renamed(name="x"))),
        {stream("a"): 0, stream("b"): 0},
        "ada", "clerk", "c", "r",
    )  # fmt: skip

    with pytest.raises(Stale):
        history.append(both)

    assert history.of(stream("a")) == []
    assert history.head() == 1


def test_a_stream_that_was_only_looked_at_counts_as_well(history: History) -> None:
    history.append(counting("watched", 0))
    looked = Append(
        ((stream("a"), Counted(many=1)),),
        {stream("a"): 0, stream("watched"): 0},
        "ada", "clerk", "c", "r",
    )  # fmt: skip

    with pytest.raises(Stale):
        history.append(looked)


def test_a_stale_command_fails_alone_in_its_batch(history: History, database_url: str) -> None:
    history.append(counting("a", 0))
    with writing_held(database_url):
        history.submit(counting("door", 0))  # is in the batch that waits for the lock
        good = history.submit(counting("b", 0, 1, 2))
        stale = history.submit(counting("a", 0))
        after = history.submit(counting("c", 0, 3))

    assert [f.position for f in good.result().facts] == [3, 4]
    assert [f.position for f in after.result().facts] == [5]
    with pytest.raises(Stale):
        stale.result()


def test_of_two_in_one_batch_that_saw_the_same_version_the_second_is_stale(
    history: History, database_url: str
) -> None:
    with writing_held(database_url):
        history.submit(counting("door", 0))
        first = history.submit(counting("a", 0, 7))
        second = history.submit(counting("a", 0, 8))
        other = history.submit(counting("b", 0, 9))

    assert first.result().facts[0].event == Counted(many=7)
    assert other.result().facts[0].event == Counted(many=9)
    with pytest.raises(Stale):
        second.result()


def test_one_that_cannot_be_stored_fails_alone_in_its_batch(
    history: History, database_url: str
) -> None:
    with writing_held(database_url):
        history.submit(counting("door", 0))
        good = history.submit(counting("a", 0))
        bad = history.submit(counting("zero \x00 byte", 0))

    assert good.result().facts[0].position == 2
    with pytest.raises(psycopg.DataError):
        bad.result()
    assert history.append(counting("a", 1)).facts[0].position == 3


def test_the_same_key_and_request_give_the_same_facts_again(history: History) -> None:
    first = history.append(counting("a", 0, 1, 2, idempotency="k", digest=b"d"))
    history.append(counting("a", 2))
    again = history.append(counting("a", 0, 1, 2, idempotency="k", digest=b"d", cause="other"))

    assert again.repeated
    assert again.facts == first.facts
    assert history.head() == 3


def test_a_key_with_another_request_is_refused_and_belongs_to_who_used_it(
    history: History,
) -> None:
    history.append(counting("a", 0, idempotency="k", digest=b"d"))

    with pytest.raises(KeyReused):
        history.append(counting("a", 1, idempotency="k", digest=b"e"))
    other = history.append(counting("a", 1, idempotency="k", digest=b"e", by="bob"))

    assert not other.repeated


def test_a_key_used_fifty_times_at_once_has_one_effect(history: History) -> None:
    def ask(n: int) -> list[int]:
        append = counting("a", 0, 1, 2, 3, idempotency="k", digest=b"d", cause=str(n))
        return [fact.position for fact in history.append(append).facts]

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(ask, range(50)))

    assert answers == [[1, 2, 3]] * 50
    assert history.head() == 3


def test_the_outcome_of_a_key_is_remembered(history: History) -> None:
    assert history.outcome("ada", "k") is None
    history.append(counting("a", 0))
    history.append(counting("b", 0, 1, 2, idempotency="k", digest=b"d"))
    quiet = Append((), {stream("a"): 1}, "ada", "clerk", "c", "r", key="q", digest=b"d")
    history.append(quiet)

    outcome = history.outcome("ada", "k")
    assert outcome is not None
    assert (outcome.digest, outcome.positions, outcome.cause) == (b"d", (2, 3), "c")
    nothing = history.outcome("ada", "q")
    assert nothing is not None
    assert nothing.positions == ()
    assert history.append(quiet).repeated


def test_large_and_small_commands_make_one_tree_and_one_order(
    history: History, database_url: str
) -> None:
    large = counting("large", 0, *range(1000), idempotency="k", digest=b"d")
    with writing_held(database_url):
        history.submit(counting("door", 0))
        answers = [
            history.submit(append)
            for append in (
                counting("a", 0, 1), large, counting("door", 5), counting("b", 0, 1, 2),
            )
        ]  # fmt: skip

    assert [fact.position for fact in answers[1].result().facts] == list(range(3, 1003))
    assert [fact.position for fact in answers[3].result().facts] == [1003, 1004]
    with pytest.raises(Stale):
        answers[2].result()
    history.append(counting("c", 0))
    assert history.append(large).facts == answers[1].result().facts
    assert audit(database_url).findings == []
    with psycopg.connect(database_url) as connection:
        copied = connection.execute(
            "SELECT * FROM history.nodes ORDER BY level, index"
        ).fetchall()
        refit(database_url)
        again = connection.execute(
            "SELECT * FROM history.nodes ORDER BY level, index"
        ).fetchall()
    assert copied == again
    assert audit(database_url).findings == []


def test_a_bulk_load_keeps_its_order_and_lets_others_in_between(history: History) -> None:
    loaded = []
    for n, done in enumerate(history.load(counting(n, 0, *range(300)) for n in range(20))):
        loaded += [fact.position for fact in done.facts]
        if n == 5:
            between = history.append(counting("urgent", 0)).facts[0].position

    assert loaded == sorted(loaded)
    assert len(loaded) == 6000
    assert between < max(loaded)


def test_a_bulk_load_stops_at_the_first_that_is_refused(history: History) -> None:
    appends = [counting("a", n if n != 3 else 0) for n in range(9)]
    done = []

    with pytest.raises(Stale):
        done += [answer.facts[0].position for answer in history.load(appends, ahead=1)]

    assert history.head() == 3


def test_more_than_the_queue_holds_is_refused_at_once(
    history: History, database_url: str
) -> None:
    batcher = history.recorder.batcher
    with writing_held(database_url):
        queued = [history.submit(counting("door", 0))]
        while batcher.waiting < 4096:
            queued.append(history.submit(counting(len(queued), 0)))
        with pytest.raises(Overloaded):
            history.submit(counting("one more", 0))

    assert [f.result().facts[0].position for f in queued] == list(range(1, len(queued) + 1))


def test_a_session_that_is_ended_at_the_lock_does_not_lose_or_double_its_commands(
    history: History, database_url: str
) -> None:
    with writing_held(database_url):
        waiting = [history.submit(counting(n, 0)) for n in range(5)]
        altered(
            database_url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'wattledger batcher'"
            " AND datname = current_database()",
        )

    assert sorted(f.result().facts[0].position for f in waiting) == [1, 2, 3, 4, 5]
    assert len(list(history.since())) == 5


def test_without_a_database_a_command_is_refused_and_later_ones_are_not(
    history: History, database_url: str, server_url: str
) -> None:
    name = psycopg.conninfo.conninfo_to_dict(database_url)["dbname"]
    history.append(counting("a", 0))
    altered(server_url, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    altered(
        server_url,
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
    )
    history.recorder.batcher.patience = 0.2

    with pytest.raises(Unavailable):
        history.append(counting("a", 1))
    altered(server_url, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")

    assert history.append(counting("a", 1)).facts[0].position == 2


def test_a_closed_history_writes_what_was_queued_and_nothing_after(
    history: History, database_url: str
) -> None:
    queued = [history.submit(counting(n, 0)) for n in range(300)]
    history.close()

    assert len({f.result().facts[0].position for f in queued}) == 300
    with pytest.raises(Unavailable):
        history.append(counting("late", 0))
    with History(database_url) as again:
        assert again.head() == 300
