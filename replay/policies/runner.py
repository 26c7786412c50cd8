"""
Policies at work: each fact is answered once by each policy that answers such, whatever dies.

What a policy gives for a fact is written down first, the *plan*; then it is asked for, each
command under the key `policy/fact`, and struck off.  Whoever is killed in between goes on
from the plan: the policy is not asked again, for what it saw has changed since, perhaps by its
own first command.

There is one runner at a time, which holds a lock.  A policy begins at the head of the moment
in which it is first started: the past is not answered.  A folder that was copied or restored
answers nothing until an operator says so.  A rebuild folds tables and knows nothing of this.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextlib import closing
from threading import Event
from typing import Any

import psycopg
from pydantic import TypeAdapter

from domain.kit import NAMES, Fact, Policy, Refused
from replay.policies.book import Book, Planned, RefusedCommand, Standing, connect
from replay.store.append import Overloaded, Stale, Unavailable
from replay.store.history import History

log = logging.getLogger("wattledger.policies")

BATCH = 1000  # facts to a page
PATIENCE = 0.5  # seconds after which who waits looks whether it is told to stop

Give = Callable[[object, str, str, str], object]
"""Asks for a command (command, by whom, key, correlation) and blocks until it is answered."""


class Elsewhere(Exception):
    """The folder was copied or restored: policies wait for `wattledger policies start`."""


class Runner:
    """Keeps policies up with history.  `run` it in a thread of its own."""

    def __init__(
        self,
        history: History,
        give: Give,
        database_url: str,
        policies: Iterable[Policy],
        place: str = "here",
    ) -> None:
        """`place` names the folder or database: in another one than before they wait."""
        self._history, self._give, self._url = history, give, database_url
        self._policies = {policy.name: policy for policy in policies}
        self._place = place

    def run(self, stop: Event) -> None:
        """Answer until told to stop, through every loss of the database."""
        while not stop.is_set():
            try:
                with closing(connect(self._url)) as db:
                    self._run(Book(db), stop)
            except (psycopg.OperationalError, Unavailable) as away:
                log.warning("the policies lost the database and try again: %s", away)
                stop.wait(PATIENCE)

    def _run(self, book: Book, stop: Event) -> None:
        while not book.locked():
            if stop.wait(PATIENCE):
                return
        told = False
        while not self._is_home(book):
            if not told:
                log.warning("%s", Elsewhere.__doc__)
                told = True
            if stop.wait(PATIENCE):
                return
        book.begin(self._policies, self._history.head())
        while not stop.is_set():
            reached = self._follow(book, stop)
            self._history.wait(reached + 1, PATIENCE)

    def catch_up(self) -> int:
        """Answer all there is, once; the position reached.  Raises Elsewhere."""
        with closing(connect(self._url)) as db:
            book = Book(db)
            book.locked(wait=True)
            return self._caught_up(book)

    def catch_up_unless_served(self) -> None:
        """The same, unless somebody answers here already.  Raises Elsewhere."""
        with closing(connect(self._url)) as db:
            book = Book(db)
            if book.locked():
                self._caught_up(book)

    def _caught_up(self, book: Book) -> int:
        if not self._is_home(book):
            raise Elsewhere
        book.begin(self._policies, self._history.head())
        return self._follow(book, Event())

    def start(self) -> None:
        """As an operator: answer here from now on, also those that had stopped."""
        with closing(connect(self._url)) as db:
            book = Book(db)
            if book.place() not in (None, self._place):
                # What happened elsewhere is not answered here.
                book.moved(list(self._policies), self._history.head())
            book.set_place(self._place)
            book.release()
            book.begin(self._policies, self._history.head())

    def standing(self) -> tuple[list[Standing], list[RefusedCommand]]:
        """How far each policy is, and what was refused."""
        with closing(connect(self._url)) as db:
            return Book(db).standing(), Book(db).refused()

    def waits(self) -> bool:
        """Whether an operator must say first that policies answer here."""
        with closing(connect(self._url)) as db:
            return Book(db).place() not in (None, self._place)

    def _is_home(self, book: Book) -> bool:
        """Whether policies answer here; the first place where they are started is."""
        place = book.place()
        if place is None:
            book.set_place(self._place)
        return place in (None, self._place)

    def _follow(self, book: Book, stop: Event) -> int:
        going = {
            each.policy: each.position
            for each in book.standing()
            if each.stopped is None and each.policy in self._policies
        }
        goal = self._history.head()
        if not going:
            return goal
        # What follows from an answer is answered in the next round.
        for page in self._history.pages(min(going.values()), until=goal, batch=BATCH):
            for fact in page:
                for name, position in list(going.items()):
                    policy = self._policies[name]
                    if position >= fact.position or not isinstance(fact.event, policy.answers):
                        continue
                    if stop.is_set() or not self._answered(book, policy, fact, stop, going):
                        return fact.position - 1
            book.moved(list(going), page[-1].position)
        return goal

    def _answered(
        self, book: Book, policy: Policy, fact: Fact, stop: Event, going: dict[str, int]
    ) -> bool:
        """Answer one fact; a defect stops that policy, before that fact, and no other."""
        try:
            return self._answer(book, policy, fact, stop)
        except (psycopg.OperationalError, Unavailable):
            raise
        except Exception as wrong:
            log.error("policy %s stops at %s", policy.name, fact.ref, exc_info=wrong)
            book.stop(
                policy.name, fact.position, f"{fact.ref}: {type(wrong).__name__}: {wrong}"
            )
            del going[policy.name]
            return True

    def _answer(self, book: Book, policy: Policy, fact: Fact, stop: Event) -> bool:
        """Answer one fact; False when told to stop before that was done."""
        planned = book.planned(policy.name, fact.position)
        if not planned:
            planned = self._planned(policy, fact)
            if planned:
                book.plan(policy.name, fact.position, planned)
        for each in planned:
            refused: tuple[str, str] | None = None
            try:
                if not self._asked(policy, each, stop):
                    return False
            except Refused as no:
                refused = no.code, str(no.details)
            last = each is planned[-1]
            book.answered(policy.name, fact.position, each.n, last=last, refused=refused)
        return True

    def _planned(self, policy: Policy, fact: Fact) -> list[Planned]:
        seen = self._history.states(policy.wanted(fact))
        commands = policy.commands(fact, {name: each.state for name, each in seen.items()})
        return [
            Planned(
                n,
                f"{policy.name}/{fact.ref}" + (f"/{n}" if n else ""),
                NAMES[type(command)],
                TypeAdapter[Any](type(command)).dump_json(command).decode(),
                fact.correlation,
            )
            for n, command in enumerate(commands)
        ]

    def _asked(self, policy: Policy, planned: Planned, stop: Event) -> bool:
        """Ask until there is an answer; False when told to stop.  Raises Refused."""
        (kind,) = (each for each in policy.gives if NAMES[each] == planned.command)
        command = TypeAdapter[Any](kind).validate_json(planned.body)
        while True:
            try:
                by = f"policy:{policy.name}"
                self._give(command, by, planned.key, planned.correlation)
            except (Stale, Overloaded, Unavailable) as busy:
                log.info("%s is asked for again: %s", planned.key, busy)
                if stop.wait(PATIENCE):
                    return False
            else:
                return True


def hold(database_url: str) -> None:
    """After a restore: policies answer nowhere until an operator starts them."""
    with closing(connect(database_url)) as db:
        Book(db).set_place("")
