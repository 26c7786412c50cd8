"""Many ask for the same thing at once: all are taken, each on what the one before left."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from random import Random
from threading import Event
from typing import Any

import psycopg
import pytest

from api.dispatch import Answer, Dispatch, RequestContext, Unexpected
from domain.kit import COMMANDS, SamePerson, Stream, command, decision
from domain.organisation.utility import EstablishUtility, Utility
from replay.proofs.audit import audit
from replay.store.append import Unavailable
from replay.store.entry import Entry
from replay.store.history import History
from replay.store.migrations import migrate
from tests.kit.toys import HandOnTurns, NotYet, RingToy, Toy, ToyWound, WindToy, toys

ROOT = Path(__file__).resolve().parents[2]
DAY = date(2026, 1, 1)
BUSY = Stream("test-A")
ANN = RequestContext("ann", "clerk")
BERT = RequestContext("bert", "clerk")


@dataclass(frozen=True, slots=True)
class Total:
    """What the tables say that a toy was wound: something calculated."""

    turns: int


@command("weigh-toy")
class WeighToy:
    toy: str


@decision
def weigh(asked: WeighToy, toy: Toy, utility: Utility, total: Total) -> Iterator[ToyWound]:
    del asked, utility
    assert toy.turns == total.turns, "states and tables are of two moments"
    yield ToyWound(turns=1, on=DAY)


del COMMANDS["weigh-toy"]  # or each server of this test run would have a door for it


@pytest.fixture
def history(database_url: str) -> Iterator[History]:
    migrate(database_url)
    with History(database_url) as history:
        yield history


def wind(toy: str = "A", turns: int = 1) -> WindToy:
    return WindToy(toy=toy, on=DAY, turns=turns)


def hand_on(source: str, target: str) -> HandOnTurns:
    return HandOnTurns(source=source, target=target, turns=1, on=DAY)


async def at_once(
    dispatch: Dispatch, *asked: object, context: RequestContext = ANN
) -> list[Answer | BaseException]:
    return await asyncio.gather(
        *(dispatch.answer(each, context) for each in asked), return_exceptions=True
    )


def toy_of(history: History, key: str = "A") -> Toy:
    return toys.fold(fact.event for fact in history.of(toys.stream(key)))


def kinds(answers: list[Answer | BaseException]) -> Counter[str]:
    return Counter(type(answer).__name__ for answer in answers)


def test_a_busy_thing_takes_all(history: History, database_url: str) -> None:
    answers = asyncio.run(at_once(Dispatch(history, {}), *[wind()] * 128))

    assert kinds(answers) == {"Answer": 128}
    assert toy_of(history).turns == 128
    assert len({a.positions for a in answers if isinstance(a, Answer)}) == 128
    assert audit(database_url).findings == []


def test_each_is_decided_on_what_the_one_before_left(history: History) -> None:
    answers = asyncio.run(at_once(Dispatch(history, {}), *[wind(turns=100)] * 128))

    assert kinds(answers) == {"Answer": 100, "NotYet": 28}
    assert toy_of(history).turns == 10_000


def test_what_is_under_way_says_who_recorded_it(history: History) -> None:
    dispatch = Dispatch(history, {})
    history.states({BUSY: (toys, BUSY)})  # at hand, so that all come in the order asked

    async def scene() -> tuple[Any, ...]:
        return await asyncio.gather(
            dispatch.answer(wind(), ANN),
            dispatch.answer(RingToy(toy="A", times=1), ANN),
            dispatch.answer(RingToy(toy="A", times=1), BERT),
            return_exceptions=True,
        )

    wound, own, other = asyncio.run(scene())

    assert isinstance(own, SamePerson)
    assert wound.positions == (1,)
    assert other.positions == (2,)


def test_turns_of_several_streams_are_taken_in_one_order(history: History) -> None:
    dispatch = Dispatch(history, {})
    for toy in "ABC":
        dispatch(wind(toy, 1000), ANN)
    draw = Random(7)
    moves = [hand_on(*pair) for pair in (draw.sample("ABC", 2) for _ in range(200))]

    async def scene() -> list[Answer | BaseException]:
        return await asyncio.wait_for(at_once(dispatch, *moves), 60)

    assert kinds(asyncio.run(scene())) == {"Answer": 200}
    assert sum(toy_of(history, toy).turns for toy in "ABC") == 3000


def test_one_stream_under_two_names_has_one_turn(history: History) -> None:
    answers = asyncio.run(at_once(Dispatch(history, {}), wind(), hand_on("A", "A"), wind()))

    assert kinds(answers) == {"Answer": 2, "SameToy": 1}


def test_under_one_key_all_have_the_same_answer(history: History) -> None:
    context = RequestContext("ann", "clerk", key="k")
    answers = asyncio.run(at_once(Dispatch(history, {}), *[wind()] * 16, context=context))

    assert kinds(answers) == {"Answer": 16}
    done = [answer for answer in answers if isinstance(answer, Answer)]
    assert {answer.positions for answer in done} == {(1,)}
    assert sum(not answer.repeated for answer in done) == 1


def test_an_expectation_holds_for_one(history: History) -> None:
    dispatch = Dispatch(history, {})
    dispatch(wind(), ANN)
    context = RequestContext("ann", "clerk", expected={BUSY: 1})

    answers = asyncio.run(at_once(dispatch, *[wind()] * 20, context=context))

    assert kinds(answers) == {"Answer": 1, "Unexpected": 19}


def test_an_expectation_of_what_is_not_looked_at_is_checked(history: History) -> None:
    """Also when who stands before moves it, and in the same batch."""
    dispatch = Dispatch(history, {})
    dispatch(wind("A"), ANN)
    dispatch(wind("B"), ANN)
    context = RequestContext("ann", "clerk", expected={Stream("test-B"): 1})

    async def scene() -> list[Any]:
        return await asyncio.gather(
            *(dispatch.answer(wind(), ANN) for _ in range(3)),
            dispatch.answer(hand_on("A", "B"), ANN),
            dispatch.answer(wind(), context),
            return_exceptions=True,
        )

    *others, last = asyncio.run(scene())

    assert kinds(others) == {"Answer": 4}
    assert isinstance(last, Unexpected)
    assert toy_of(history).turns == 3


def test_a_key_is_known_again_whatever_is_expected_now(history: History) -> None:
    """The answer was lost: the same request again is answered, not refused as out of date."""
    dispatch = Dispatch(history, {})
    dispatch(wind(), ANN)
    context = RequestContext("ann", "clerk", key="k", expected={BUSY: 1})
    first = dispatch(wind(), context)

    again = dispatch(wind(), context)

    assert (again.repeated, again.positions) == (True, first.positions)
    with pytest.raises(Unexpected):
        dispatch(wind(), RequestContext("ann", "clerk", expected={BUSY: 1}))


def test_threads_and_an_event_loop_take_turns(history: History) -> None:
    dispatch = Dispatch(history, {})
    with ThreadPoolExecutor(8) as pool:
        others = [pool.submit(dispatch, wind(), BERT) for _ in range(100)]
        answers = asyncio.run(at_once(dispatch, *[wind()] * 100))
        assert all(other.result().positions for other in others)

    assert kinds(answers) == {"Answer": 100}
    assert toy_of(history).turns == 200


def test_what_is_calculated_and_what_is_seen_are_of_one_moment(history: History) -> None:
    """Tables show nothing that is under way: so who calculates waits for it."""

    def total(asked: Any) -> Total:
        return Total(toy_of(history, asked.toy).turns)

    dispatch = Dispatch(history, {Total: total})
    asked = [wind() if n % 4 else WeighToy(toy="A") for n in range(40)]

    assert kinds(asyncio.run(at_once(dispatch, *asked))) == {"Answer": 40}
    assert toy_of(history).turns == 40


def test_nobody_waits_for_what_there_is_one_of(history: History) -> None:
    """Each looks at the utility; one that calculates holds up nobody but its own thing."""
    free = Event()

    def total(asked: Any) -> Total:
        assert asked.toy != "A" or free.wait(30)
        return Total(0)

    dispatch = Dispatch(history, {Total: total})
    dispatch(
        EstablishUtility(name="W", currency="GBP", zone="UTC"), RequestContext("x", "admin")
    )

    async def scene() -> Answer:
        slow = asyncio.create_task(dispatch.answer(WeighToy(toy="A"), ANN))
        await asyncio.sleep(0)
        other = await asyncio.wait_for(dispatch.answer(WeighToy(toy="B"), ANN), 20)
        assert not slow.done()
        free.set()
        await slow
        return other

    assert asyncio.run(scene()).positions


def test_a_slow_look_at_one_stream_holds_up_no_other(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is looked before one's turn, not in it."""
    dispatch = Dispatch(history, {})
    dispatch(wind(), ANN)
    free, look = Event(), history.states

    def states(wanted: Mapping[Any, Any]) -> Any:
        assert "test-cold" not in wanted or free.wait(30)
        return look(wanted)

    monkeypatch.setattr(history, "states", states)

    async def scene() -> Answer:
        slow = asyncio.create_task(dispatch.answer(hand_on("A", "cold"), ANN))
        await asyncio.sleep(0)
        answer = await asyncio.wait_for(dispatch.answer(wind(), ANN), 20)
        free.set()
        await slow
        return answer

    assert asyncio.run(scene()).positions == (2,)


def test_who_is_overtaken_again_and_again_is_taken_in_the_end(
    history: History, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between processes it ends after a time, not after five tries."""
    enter, left = history.enter, [12]
    with History(database_url) as other:
        quicker = Dispatch(other, {})

        def overtaken(*asked: Any) -> Entry:
            if left[0]:
                left[0] -= 1
                quicker(wind(), BERT)
            return enter(*asked)

        monkeypatch.setattr(history, "enter", overtaken)
        assert Dispatch(history, {})(wind(), ANN).positions == (13,)


def test_who_goes_away_after_asking_is_recorded_and_the_lane_goes_on(history: History) -> None:
    dispatch = Dispatch(history, {})
    dispatch(wind(), ANN)

    async def scene() -> list[Answer | BaseException]:
        gone = asyncio.create_task(dispatch.answer(wind(), ANN))
        await asyncio.sleep(0)  # it is in the queue
        rest = asyncio.gather(*(dispatch.answer(wind(), ANN) for _ in range(20)))
        gone.cancel()
        return [*await rest]

    assert kinds(asyncio.run(scene())) == {"Answer": 20}
    assert toy_of(history).turns in {21, 22}


def test_a_connection_that_is_cut_takes_down_what_was_under_way_and_no_more(
    history: History, database_url: str
) -> None:
    """Whoever is told of success was recorded, once."""
    dispatch = Dispatch(history, {})
    stop = False

    def cut() -> None:
        with psycopg.connect(database_url, autocommit=True) as connection:
            for _ in range(5):
                connection.execute(
                    "SELECT pg_terminate_backend(pid), pg_sleep(0.05) FROM pg_stat_activity"
                    " WHERE application_name = 'wattledger batcher'"
                    " AND datname = current_database()"
                )

    async def client(told: Counter[str]) -> None:
        while not stop:
            try:
                await dispatch.answer(wind(), ANN)
                told["taken"] += 1
            except (Unavailable, NotYet) as wrong:
                told[type(wrong).__name__] += 1

    async def scene() -> Counter[str]:
        nonlocal stop
        told: Counter[str] = Counter()
        clients = [asyncio.create_task(client(told)) for _ in range(32)]
        await asyncio.to_thread(cut)
        while told["taken"] < 100:
            await asyncio.sleep(0.01)
        stop = True
        await asyncio.gather(*clients)
        return told

    told = asyncio.run(scene())

    assert told["taken"] <= toy_of(history).turns <= told["taken"] + told["Unavailable"]
    assert audit(database_url).findings == []


ELSEWHERE = """
import sys
from api.dispatch import Dispatch
from replay.store.history import History
from tests.store.test_lanes import BERT, wind
with History(sys.argv[1]) as history:
    print(flush=True)
    for n in range(40):
        Dispatch(history, {})(wind(), BERT)
"""


def test_another_process_moves_the_same_thing(history: History, database_url: str) -> None:
    dispatch = Dispatch(history, {})
    with subprocess.Popen(
        [sys.executable, "-c", ELSEWHERE, database_url],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stderr is not None
        other.stdout.readline()
        rounds = 0
        while other.poll() is None and rounds < 100:
            answers = asyncio.run(at_once(dispatch, *[wind()] * 64))
            assert kinds(answers) == {"Answer": 64}
            rounds += 1
        said = other.communicate()[1]
        assert other.returncode == 0, said

    versions = [fact.version for fact in history.of(BUSY)]
    assert versions == list(range(1, 40 + 64 * rounds + 1))
