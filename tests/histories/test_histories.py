"""
Random histories: whatever happens late or is taken back, the books come out right.

A history is a number: `pytest tests/histories -k "[17]"` plays one again.  With --long there
are 10,000.  A command that can move a bill and is in no history fails here: give it a move in
`tests/histories/moves.py`.
"""

from __future__ import annotations

import pytest

from domain.catalogue import DECISIONS
from domain.kit import NAMES
from replay.billing.naming import names
from tests.histories.moves import MOVES
from tests.histories.oracle import (
    MOVING,
    Remembered,
    check_bills,
    check_books,
    check_causes,
    check_past,
    check_reach,
    check_rebuilt,
    notes_of,
)
from tests.histories.trouble import ACCOUNTS, MONTHS, TARIFFS, Trouble, shuffled

SHORT, LONG = 200, 10_000
PARTS = 10  # tests among which the histories are shared out
MONEY = frozenset(event for event in MOVING if NAMES[event].startswith("account."))


def play(seed: int) -> Trouble:
    """A history with its months, its trouble, its corrections, and more of both."""
    it, seen = Trouble(seed), Remembered()
    works = it.rng.random() < 0.25
    for month in shuffled(it.rng, range(3), 0.3):
        if works:
            it.measure(month)
        for point in TARIFFS:
            if it.rng.random() < 0.9:
                it.ask(it.read(f"M{point}", MONTHS[month + 1]))
        happen(it, it.rng.randrange(2))
        for account in ACCOUNTS:
            if it.rng.random() < 0.9:
                it.bill(account, month)
    for _ in range(it.rng.choice((1, 1, 2))):
        happen(it, it.rng.randrange(1, 7))
        seen.look(it)
        it.correct()
        check_bills(it)
    check_past(it)
    check_notes(it)
    check_books(it)
    check_rebuilt(it)
    seen.check(it)
    return it


def happen(it: Trouble, times: int) -> None:
    """Whatever may: each reaches the bills that it moves."""
    for _ in range(times):
        made = it.ask(MOVES[it.any(MOVES)](it), it.any(("bea", "cleo")))
        if len(made) == 1 and it.rng.random() < 0.5:
            check_reach(it, made[0])


def check_notes(it: Trouble) -> None:
    """The causes of two notes, by leaving out every fact there is, one by one."""
    stages = [(bill, note) for bill in it.standing for note in notes_of(it, bill)]
    for bill, note in it.rng.sample(stages, min(2, len(stages))):
        notes = notes_of(it, bill)
        place = notes.index(note)
        check_causes(it, bill, note, notes[place - 1].basis if place else bill.basis)


@pytest.mark.parametrize("part", range(PARTS))
def test_the_books_come_out_right_whatever_happens(part: int, long: bool) -> None:
    for seed in range(part, LONG if long else SHORT, PARTS):
        try:
            play(seed)
        except AssertionError as wrong:
            raise AssertionError(f"history {seed}: {wrong}") from wrong


def test_every_command_that_can_move_a_bill_is_proposed() -> None:
    moving = {
        command
        for command, decision in DECISIONS.items()
        if set(decision.yields) & (MOVING - MONEY)
        and not command.__name__.startswith(("Draft", "Approve"))
    }
    assert {c.__name__ for c in moving - MOVES.keys()} == set(), "moves.py proposes no such"


def test_every_fact_that_can_move_a_bill_happens_and_names_what_it_is_about() -> None:
    missing = set(MOVING)
    for seed in range(SHORT):
        it = Trouble(seed)
        for _ in range(60):
            it.ask(MOVES[it.any(MOVES)](it), it.any(("bea", "cleo")))
        for event in {type(fact.event): fact.event for fact in it.world.facts}.values():
            if type(event) in missing:
                missing.discard(type(event))
                assert type(event) in MONEY or names(event).any, event
        if not missing:
            break
    assert not {NAMES[event] for event in missing}, "in no history"
