"""Standing in the past: a stream, and what is known of it, as it was at a position."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from pydantic import TypeAdapter

from api.system import System
from domain.kit import KINDS, Fact, Refused, Stream, day_of
from projections.billing import Bill, Correction, bills, corrections
from projections.customers import Movement, accounts, movements
from projections.kit.table import Projection, Where
from projections.kit.versions import TableGrowing
from projections.metering import installations
from projections.network import points, supplies
from projections.organisation import settings
from projections.receivables import Payment, payments
from replay.store.append import Unreadable


class NothingHappened(Refused):
    """Nothing is on record about this, up to that position."""


class NoSuchStream(Refused):
    """A stream is named like account-000120: the kind of the thing, and its number."""


@dataclass(frozen=True, slots=True)
class Happened:
    """A fact, as it is shown."""

    position: int
    version: int
    at: datetime
    by: str
    duty: str
    name: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class AccountThen:
    """An account, as known at a position and, in business days, as of a day."""

    account: str
    customer: str
    balance: int
    currency: str
    bills: tuple[Bill, ...]
    corrections: tuple[Correction, ...]
    payments: tuple[Payment, ...]
    movements: tuple[Movement, ...]


@dataclass(frozen=True, slots=True)
class Past:
    """
    A stream up to a position, and what was known there.

    `growing` says which table is rebuilt and cannot be read yet; then only facts are shown.
    """

    stream: str
    known_at: int
    head: int
    as_of: date | None
    facts: tuple[Happened, ...]
    account: AccountThen | None
    rows: dict[str, list[Any]]
    growing: str | None = None


def at(system: System, stream: str, known_at: int, as_of: date | None = None) -> Past:
    """
    What was known of a stream at a position; the tables must be folded that far.

    A fact that cannot be read is shown as such.  Raises NoSuchStream, NothingHappened.
    """
    kind, _, key = stream.partition("-")
    if not key or kind not in {each.prefix for each in KINDS.values()}:
        raise NoSuchStream(stream=stream)
    found = system.history.of(Stream(stream), until=known_at, unreadable=True)
    if not found:
        raise NothingHappened(stream=stream, known_at=known_at)
    past = Past(
        stream=stream,
        known_at=known_at,
        head=system.history.head(),
        as_of=as_of,
        facts=tuple(shown(fact) for fact in found if _dated(fact, as_of)),
        account=None,
        rows={},
    )
    try:
        account = _account(system, key, known_at, as_of) if kind == "account" else None
        return replace(past, account=account, rows=_rows(system, kind, key, known_at, as_of))
    except TableGrowing as growing:
        return replace(past, growing=str(growing))


def _dated(fact: Fact, as_of: date | None) -> bool:
    """Whether a fact is about a day or an earlier one; about no day, it always is."""
    on = day_of(fact.event)
    return as_of is None or on is None or on <= as_of


def shown(fact: Fact) -> Happened:
    """A fact with its event as JSON has it."""
    if isinstance(fact.event, Unreadable):
        data = {"unreadable": str(fact.event)}
        return Happened(*_envelope(fact), fact.event.name, data)
    data = TypeAdapter[Any](type(fact.event)).dump_python(fact.event, mode="json")
    return Happened(*_envelope(fact), fact.name, data)


def _envelope(fact: Fact) -> tuple[int, int, datetime, str, str]:
    return fact.position, fact.version, fact.at, fact.by, fact.duty


def _account(system: System, key: str, known_at: int, as_of: date | None) -> AccountThen | None:
    """An account by the tables; None where its facts could not be folded."""
    row = system.tables.get(accounts, key, known_at=known_at)
    here = system.tables.get(settings, "settings", known_at=known_at)
    if row is None or here is None:
        return None
    mine = Where("account", "=", key)
    until = () if as_of is None else (Where("on", "<=", as_of),)
    moved = system.tables.find(movements, mine, *until, order=("position",), known_at=known_at)
    return AccountThen(
        account=key,
        customer=row.customer,
        balance=sum(each.amount for each in moved),
        currency=here.currency,
        bills=tuple(
            system.tables.find(bills, mine, *until, order=("since",), known_at=known_at)
        ),
        corrections=tuple(
            system.tables.find(corrections, mine, *until, order=("on",), known_at=known_at)
        ),
        payments=tuple(
            system.tables.find(payments, mine, *until, order=("on",), known_at=known_at)
        ),
        movements=tuple(moved),
    )


SHOWN: dict[str, tuple[tuple[str, str, Projection[Any]], ...]] = {
    "account": (("account", "since", supplies),),
    "bill": (("bill", "on", bills), ("bill", "on", corrections)),
    "meter": (("meter", "since", installations),),
    "payment": (("payment", "on", payments),),
    "point": (
        ("point", "energised", points),
        ("point", "since", supplies),
        ("point", "since", installations),
    ),
}
"""For a kind of stream the tables that tell of it, by which column, and their business day."""


def _rows(
    system: System, kind: str, key: str, known_at: int, as_of: date | None
) -> dict[str, list[Any]]:
    return {
        projection.name: system.tables.find(
            projection,
            Where(column, "=", key),
            *(() if as_of is None else (Where(day, "<=", as_of),)),
            known_at=known_at,
        )
        for column, day, projection in SHOWN.get(kind, ())
    }
