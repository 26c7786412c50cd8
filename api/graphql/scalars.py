"""The scalars of the schema, and money: what a JSON number cannot carry safely is a string."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from api.currency import amount_text

BigInt = NewType("BigInt", int)
Position = NewType("Position", int)
LAST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Moment:
    """A place in history: a position, or an instant at which something was already recorded."""

    position: int | None = None
    at: datetime | None = None


def read_position(given: object) -> int:
    """A position of history, given as a number or as digits.  Raises ValueError."""
    text = str(given) if isinstance(given, int) and not isinstance(given, bool) else given
    if isinstance(text, str) and text.isascii() and text.isdigit() and int(text) <= LAST:
        return int(text)
    raise ValueError(f"{given!r} is not a position: 0, 1, 2 …, as a number or as digits")


def read_moment(given: object) -> Moment:
    """A position, or an ISO 8601 instant that says its offset.  Raises ValueError."""
    if isinstance(given, int) or (isinstance(given, str) and given.isdigit()):
        return Moment(position=read_position(given))
    told = "a moment is a position (4711) or an instant with its offset (2026-03-01T09:00:00Z)"
    try:
        at = datetime.fromisoformat(given) if isinstance(given, str) else None
        utc = at.astimezone(UTC) if at is not None and at.tzinfo is not None else None
    except (
        ValueError,
        OverflowError,
    ):  # its offset leads out of the calendar
        utc = None
    if utc is None:
        raise ValueError(f"{given!r} is not a moment: {told}")
    return Moment(at=utc)


def write_moment(moment: Moment) -> str:
    """A moment as it is written."""
    return str(moment.position) if moment.at is None else moment.at.isoformat()


def _read_bigint(given: object) -> int:
    if isinstance(given, int) and not isinstance(given, bool):
        return given
    if isinstance(given, str) and given.removeprefix("-").isdigit():
        return int(given)
    raise ValueError(f"{given!r} is not a whole number")


def _read_date(given: object) -> date:
    try:
        return date.fromisoformat(given if isinstance(given, str) else "")
    except ValueError:
        raise ValueError(f"{given!r} is not a day: 2026-03-01") from None


def _read_instant(given: object) -> datetime:
    moment = read_moment(given)
    if moment.at is None:
        raise ValueError(f"{given!r} is not an instant: 2026-03-01T09:00:00Z")
    return moment.at


def _read_decimal(given: object) -> Decimal:
    try:
        return Decimal(given) if isinstance(given, str) else Decimal("nan")
    except ArithmeticError:
        raise ValueError(f"{given!r} is not a decimal number, written as a string") from None


SCALARS: dict[object, ScalarDefinition] = {
    BigInt: strawberry.scalar(
        name="BigInt",
        description="A whole number of any size, written as a string of digits: minor units of"
        " money, watt-hours.",
        serialize=str,
        parse_value=_read_bigint,
    ),
    Position: strawberry.scalar(
        name="Position",
        description="A place in history: 1, 2, 3 … without a gap, one a fact. A number (it may"
        " pass 2³¹, never 2⁵³); as an argument digits in a string will do as well.",
        serialize=int,
        parse_value=read_position,
    ),
    Moment: strawberry.scalar(
        name="Moment",
        description="How far history is to be known: a position (4711, or the same as a"
        " string), or an ISO 8601 instant with its offset (2026-03-01T09:00:00Z): all that was"
        " recorded up to and including then.",
        serialize=write_moment,
        parse_value=read_moment,
    ),
    date: strawberry.scalar(
        name="Date",
        description="A local day of the utility: 2026-03-01. Periods are half open: `until` is"
        " the first day that no longer belongs to them.",
        serialize=date.isoformat,
        parse_value=_read_date,
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description="An instant in UTC, ISO 8601: 2026-03-01T09:00:00+00:00.",
        serialize=datetime.isoformat,
        parse_value=_read_instant,
    ),
    Decimal: strawberry.scalar(
        name="Decimal",
        description='An exact decimal number, written as a string: "0.2466".',
        serialize=lambda number: format(number, "f"),
        parse_value=_read_decimal,
    ),
}


@strawberry.type(description="An exact amount of money.")
class Money:
    minor: BigInt = strawberry.field(description="In minor units: 9766 is £97.66, and ¥9766.")
    currency: str = strawberry.field(description="ISO 4217: GBP.")
    amount: str = strawberry.field(
        description='The same as a decimal string in major units: "97.66".'
    )


def money(minor: int, currency: str) -> Money:
    """Minor units of a currency, as the schema says them."""
    return Money(minor=BigInt(minor), currency=currency, amount=amount_text(minor, currency))
