"""
What is wrong now: the bills that would be others if they were calculated now, kept as a list.

Facts mark the bills that they may move; those that are marked are calculated, and what differs
from what it stands at is written down with the facts that moved it.  So the list costs what
happens, not what there is.  It can be dropped and grown again: it is made of history alone.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from threading import Event
from typing import Any, TypeAlias

import psycopg

from domain.billing.bill import BillCancelled, BillCorrected, BillIssued, Cause
from domain.billing.lines import differ
from domain.kit import Fact, Refused
from domain.organisation.rules import RulesAdopted
from projections.billing import Bill, Correction, bills, corrections
from projections.kit.postgres import PostgresTables
from projections.kit.table import Tables, Where
from projections.kit.versions import TableGrowing
from replay.billing.leaving import Leaving, leaving
from replay.billing.office import Billing, stood_at
from replay.billing.reach import reached
from replay.store.append import Unreadable
from replay.store.history import History, Unavailable

log = logging.getLogger("wattledger.wrong")

Progress: TypeAlias = Callable[[int, int], None]
Connection: TypeAlias = psycopg.Connection[Any]

TOGETHER = 200  # marked bills that are calculated from what is read at once
LITTLE = 1000  # facts that a reader waits for
PATIENCE = 0.5  # seconds after which who waits looks whether it is told to stop

TABLES = """
CREATE SCHEMA IF NOT EXISTS review;
CREATE TABLE IF NOT EXISTS review.progress (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    position bigint NOT NULL -- up to here facts have marked what they may move
);
INSERT INTO review.progress VALUES (true, 0) ON CONFLICT DO NOTHING;
CREATE TABLE IF NOT EXISTS review.marked (bill text COLLATE "C" PRIMARY KEY);
CREATE TABLE IF NOT EXISTS review.wrong (
    bill text COLLATE "C" PRIMARY KEY,
    account text NOT NULL,
    since date NOT NULL,
    currency text NOT NULL,
    stands bigint NOT NULL,
    now bigint, -- NULL where it cannot be calculated
    rule text,
    causes jsonb NOT NULL,
    position bigint NOT NULL -- at which it was calculated
);
"""
NUMBER = "hashtextextended('wattledger review', 0)"


@dataclass(frozen=True, slots=True)
class WrongBill:
    """A bill that is not what it would be if calculated now; minor units."""

    bill: str
    account: str
    since: date
    currency: str
    stands: int
    now: int | None
    rule: str | None  # why it cannot be calculated
    causes: tuple[Cause, ...]
    position: int  # at which this was found

    @property
    def difference(self) -> int | None:
        """What a correction would add; None where that cannot be calculated."""
        return None if self.now is None else self.now - self.stands


@dataclass(frozen=True, slots=True)
class Review:
    """Some of the list: up to which position it goes, and how many bills are in all of it."""

    position: int
    count: int
    bills: tuple[WrongBill, ...]


class WrongBills:
    """Keeps the list up with history.  `run` it in a thread; `catch_up` before it is read."""

    def __init__(self, history: History, tables: PostgresTables, url: str) -> None:
        self._history, self._tables, self._url = history, tables, url

    def run(self, stop: Event) -> None:
        """Keep it until told to stop, through every loss of the database."""
        while not stop.is_set():
            try:
                with self._connection() as db:
                    while not stop.is_set():
                        with locked(db):
                            self._caught_up(db, self._tables.position, stop=stop)
                        self._history.wait(self._marked_up_to(db) + 1, PATIENCE)
                        stop.wait(PATIENCE)
            except (psycopg.OperationalError, Unavailable, TableGrowing) as away:
                log.warning("the list of wrong bills waits: %s", away)
                stop.wait(3)

    def catch_up(self, until: int, progress: Progress = lambda *_: None) -> None:
        """Bring the list to a position that the tables have come to."""
        with self._connection() as db, locked(db):
            self._caught_up(db, until, progress)

    def follow_up(self, head: int) -> None:
        """Bring the list to what the tables show, if that is little: else it is under way."""
        with self._connection() as db:
            behind = head - self._marked_up_to(db)
            if 0 < behind <= LITTLE:
                with locked(db):
                    self._caught_up(db, min(head, self._tables.position))

    def read(self, first: int = 100, after: str = "") -> Review:
        """Bills of the list by number, so many behind one; how many there are in all."""
        with self._connection() as db, db.transaction():
            db.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            position = self._marked_up_to(db)
            count = db.execute("SELECT count(*) FROM review.wrong").fetchone()
            rows = db.execute(
                "SELECT bill, account, since, currency, stands, now, rule, causes, position"
                " FROM review.wrong WHERE bill > %s ORDER BY bill LIMIT %s",
                (after, first),
            ).fetchall()
        found = [
            WrongBill(*row[:7], tuple(Cause(**each) for each in row[7]), row[8])  # type: ignore[call-arg]
            for row in rows
        ]
        return Review(position, int(count[0]) if count else 0, tuple(found))

    # Marking

    def _caught_up(
        self,
        db: Connection,
        until: int,
        progress: Progress = lambda *_: None,
        stop: Event | None = None,
    ) -> None:
        since = self._marked_up_to(db)
        for page in self._history.pages(since, until=until, unreadable=True):
            with db.transaction():
                self._mark(db, page)
                db.execute("UPDATE review.progress SET position = %s", (page[-1].position,))
            progress(page[-1].position, until)
            if stop is not None and stop.is_set():
                return
        while self._calculated(db) and not (stop is not None and stop.is_set()):
            pass

    def _mark(self, db: Connection, page: Sequence[Fact]) -> None:
        """Mark what a page of facts may move."""
        least = reached(self._tables, page)
        accounts = sorted(least)
        for n in range(0, len(accounts), TOGETHER):
            some = accounts[n : n + TOGETHER]
            rows = self._tables.find(bills, Where("account", "in", some))
            self._marked(db, [row.bill for row in rows if row.until >= least[row.account]])
        adopted = [f.event.edition for f in page if isinstance(f.event, RulesAdopted)]
        if adopted:
            rows = self._tables.find(bills)
            self._marked(db, [r.bill for r in rows if r.newest.edition < max(adopted)])
        self._marked(db, list(own(page, self._tables)))

    @staticmethod
    def _marked(db: Connection, found: Sequence[str]) -> None:
        db.execute(
            "INSERT INTO review.marked SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING",
            (list(found),),
        )

    # Calculating

    def _calculated(self, db: Connection) -> bool:
        """Calculate some that are marked; whether there were any."""
        asked = "SELECT bill FROM review.marked ORDER BY bill LIMIT %s"
        keys = [row[0] for row in db.execute(asked, (TOGETHER,)).fetchall()]
        if not keys:
            return False
        with self._tables.snapshot() as tables:
            position = tables.position
            rows = tables.find(bills, Where("bill", "in", keys))
            notes = tables.find(corrections, Where("bill", "in", keys), order=("bill",))
            standing = [row for row in rows if row.cancelled is None]
            wrong = self._wrong_among(tables, standing, notes, position)
        with db.transaction():
            db.execute("DELETE FROM review.wrong WHERE bill = ANY (%s)", (keys,))
            with db.cursor() as cursor:
                cursor.executemany(
                    "INSERT INTO review.wrong VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
                    [_row(each) for each in wrong],
                )
            db.execute("DELETE FROM review.marked WHERE bill = ANY (%s)", (keys,))
        return True

    def _wrong_among(
        self,
        tables: PostgresTables,
        standing: Sequence[Bill],
        notes: Sequence[Correction],
        position: int,
    ) -> list[WrongBill]:
        """What is wrong among bills; one unreadable fact stops one account, and no other."""
        office = Billing(self._history, tables, lambda: position)
        try:
            of = leaving(self._history, tables, standing, position)
            found = [_wrong(office, of[row.account], row, notes) for row in standing]
            return [each for each in found if each is not None]
        except Unreadable as fact:
            accounts = sorted({row.account for row in standing})
            if len(accounts) == 1:
                log.warning("bills of account %s are not judged: %s", accounts[0], fact)
                return []
        return [
            each
            for account in accounts
            for each in self._wrong_among(
                tables, [row for row in standing if row.account == account], notes, position
            )
        ]

    @staticmethod
    def _marked_up_to(db: Connection) -> int:
        found = db.execute("SELECT position FROM review.progress").fetchone()
        return int(found[0]) if found else 0

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        with psycopg.connect(
            self._url, autocommit=True, application_name="wattledger review"
        ) as db:
            db.execute("SET synchronous_commit = off")
            with db.transaction():
                db.execute(f"SELECT pg_advisory_xact_lock({NUMBER} + 1)".encode())
                if db.execute("SELECT to_regclass('review.wrong')").fetchone() == (None,):
                    db.execute(TABLES)
            yield db


@contextmanager
def locked(db: Connection) -> Iterator[None]:
    """Be the only one who keeps the list up, until the end or the loss of the connection."""
    db.execute(f"SELECT pg_advisory_lock({NUMBER})".encode())
    try:
        yield
    finally:
        if not db.closed:
            db.execute(f"SELECT pg_advisory_unlock({NUMBER})".encode())


def own(page: Sequence[Fact], tables: Tables) -> Iterator[str]:
    """
    Bills that were corrected, and those issued since whose basis something happened.

    One that was issued on all that was known is right by itself.
    """
    first = page[0].position
    for n, fact in enumerate(page):
        match fact.event:
            case BillCorrected() | BillCancelled():
                yield fact.key
            case BillIssued() as e:
                between = page[max(e.basis.position + 1 - first, 0) : n]
                if e.basis.position < first - 1 or e.account in reached(tables, between):
                    yield fact.key


def _wrong(
    office: Billing, of: Leaving, bill: Bill, notes: Iterable[Correction]
) -> WrongBill | None:
    now, stood = of.now(bill), stood_at(bill, notes)
    rule = now.code if isinstance(now, Refused) else None
    if not isinstance(now, Refused) and not differ(now.lines, stood):
        return None
    return WrongBill(
        bill=bill.bill,
        account=bill.account,
        since=bill.since,
        currency=bill.currency,
        stands=bill.issued + bill.corrected,
        now=None if isinstance(now, Refused) else now.total,
        rule=rule,
        causes=office.causes_among(of, bill, stood),
        position=of.position,
    )


def _row(each: WrongBill) -> tuple[Any, ...]:
    told = json.dumps([asdict(cause) for cause in each.causes])
    return (
        each.bill,
        each.account,
        each.since,
        each.currency,
        each.stands,
        each.now,
        each.rule,
        told,
        each.position,
    )
