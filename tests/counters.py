"""A kind of thing for tests of history, which do not care what a utility is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import TypeAlias, assert_never

from domain.kit import Kind, Stream, event
from replay.store.append import Append


@event("test.counted", day="on")
class Counted:
    """So many more."""

    many: int
    on: date = date(2026, 3, 1)
    price: Decimal = Decimal("0.10")


@event("test.renamed")
class Renamed:
    """Called otherwise."""

    name: str


CounterEvent: TypeAlias = Counted | Renamed


@dataclass(frozen=True, slots=True)
class Counter:
    """How many there are, and of what."""

    many: int = 0
    name: str = ""


def evolve(counter: Counter, happened: CounterEvent) -> Counter:
    match happened:
        case Counted(many=many):
            return replace(counter, many=counter.many + many)
        case Renamed(name=name):
            return replace(counter, name=name)
        case _:
            assert_never(happened)


counters = Kind("test", Counter(), evolve)


def stream(key: object) -> Stream:
    return counters.stream(str(key))


def counting(
    key: object,
    seen: int,
    *many: int,
    cause: str = "c",
    by: str = "ada",
    idempotency: str | None = None,
    digest: bytes = b"",
) -> Append:
    """Append some counts to one counter that was seen at a version."""
    return Append(
        happenings=tuple((stream(key), Counted(many=each)) for each in many or (1,)),
        seen={stream(key): seen},
        by=by,
        duty="clerk",
        cause=cause,
        correlation="r",
        key=idempotency,
        digest=digest,
    )
