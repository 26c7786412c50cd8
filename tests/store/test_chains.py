"""What is decided on something under way is written after it, or falls with it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from domain.kit import Stream
from replay.store.append import Append, Fallen, Stale
from replay.store.entry import Entry
from replay.store.history import History
from replay.store.lanes import Lanes
from replay.store.migrations import migrate
from tests.counters import counting, stream

BUSY = Stream("test-A")


@pytest.fixture
def history(database_url: str) -> Iterator[History]:
    migrate(database_url)
    with History(database_url) as history:
        yield history


def test_what_rests_on_a_refused_one_falls_though_the_version_fits(history: History) -> None:
    """Another makes the version that was expected, with another content."""
    history.append(counting("a", 0, 1))
    lost = history.enter(counting("a", 0, 10), Future())
    upon = history.enter(counting("a", 1, 100), Future(), [lost])
    further = history.enter(counting("a", 2, 1000), Future(), [upon])

    with pytest.raises(Stale):
        lost.future.result()
    for entry in (upon, further):
        with pytest.raises(Fallen):
            entry.future.result()
    assert len(history.of(stream("a"))) == 1


def test_what_rests_on_a_repeated_one_falls(history: History) -> None:
    """What is recorded is what was answered before: not what this one would have left."""
    history.append(counting("a", 0, 1, idempotency="k"))
    repeated = history.enter(counting("a", 1, 1, idempotency="k"), Future())
    upon = history.enter(counting("a", 2, 100), Future(), [repeated])

    assert repeated.future.result().repeated
    with pytest.raises(Fallen):
        upon.future.result()


def test_a_refusal_is_judged_in_its_place(history: History) -> None:
    """It rests on what was never written: so it is decided again, on what is."""
    history.append(counting("a", 0, 1))
    lost = history.enter(counting("a", 0, 10), Future())
    nothing = Append((), {stream("a"): 1}, "ada", "clerk", "c", "r")
    refused = history.enter(nothing, Future(), [lost])

    with pytest.raises(Fallen):
        refused.future.result()


def test_a_lane_keeps_nothing_of_what_was_written(history: History) -> None:
    chain: list[Entry] = []
    for n in range(50):
        chain.append(history.enter(counting("a", n, 1), Future(), chain[-1:]))
    for entry in chain:
        entry.future.result()

    assert all(entry.behind == () for entry in chain)
    assert len(history.of(stream("a"))) == 50


def test_who_gives_up_at_their_turn_passes_it_on() -> None:
    lanes = Lanes()

    async def scene() -> bool:
        loop = asyncio.get_running_loop()
        gone, next_one = loop.create_future(), loop.create_future()
        assert lanes.enter(BUSY, Future[None]) is None
        assert lanes.enter(BUSY, lambda: gone) is gone
        assert lanes.enter(BUSY, lambda: next_one) is next_one
        lanes.leave([BUSY])  # it is the turn of one who
        gone.cancel()  # is away before hearing it
        lanes.give_up(BUSY, gone)
        await asyncio.wait_for(next_one, 10)
        lanes.leave([BUSY])
        return lanes.enter(BUSY, Future[None]) is None

    assert asyncio.run(scene())


def test_the_turn_of_a_loop_that_is_closed_goes_to_the_next() -> None:
    lanes, waiter, loop = Lanes(), Future[None](), asyncio.new_event_loop()
    assert lanes.enter(BUSY, Future[None]) is None
    assert lanes.enter(BUSY, loop.create_future) is not None
    assert lanes.enter(BUSY, lambda: waiter) is waiter
    loop.close()

    lanes.leave([BUSY])

    assert waiter.done()
