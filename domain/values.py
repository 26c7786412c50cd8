"""Values of the trade: keys, money, energy, periods, and the one rounding function."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import (
    ROUND_DOWN,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Context,
    Decimal,
)
from typing import Annotated, Literal, TypeAlias
from unicodedata import category
from zoneinfo import ZoneInfo

import iso4217
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    StringConstraints,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from domain.kit import value

Key: TypeAlias = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,38}[A-Za-z0-9])?$")
]
CustomerId: TypeAlias = Key
AccountId: TypeAlias = Key
PointId: TypeAlias = Key
MeterId: TypeAlias = Key
TariffId: TypeAlias = Key
PersonId: TypeAlias = Key
BillId: TypeAlias = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,54}[A-Za-z0-9])?$")
]  # an account and a day
PaymentId: TypeAlias = Key

Text: TypeAlias = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$",  # no control characters
    ),
]

UNSEEN = frozenset(("Cc", "Cf", "Co", "Cs", "Zl", "Zp"))
"""Unicode categories of what is not seen, or moves what is: control, zero-width, bidi."""


def _seen(name: str) -> str:
    found = next((each for each in name if category(each) in UNSEEN), None)
    if found is not None:
        raise PydanticCustomError(
            "unseen_character", "a name has no character that is not seen, like {character}",
            {"character": f"U+{ord(found):04X}"},
        )  # fmt: skip
    return name


Name: TypeAlias = Annotated[Text, AfterValidator(_seen)]
"""What somebody or something is called: a text in which nothing is hidden."""


class MinorUnits:
    """Marks, in the type of a field, minor units of money; schemas say `x-unit`."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(schema) | {"x-unit": "minor"}


Minor: TypeAlias = Annotated[int, MinorUnits()]
"""So many minor units of the currency that stands beside it, or of the books."""


class OfUnit:
    """Marks, in the type of a command's field, that it names a unit of the organisation."""


UnitId: TypeAlias = Annotated[Key, OfUnit()]


class Personal:
    """
    Marks, in the type of an event's field, a text that is about a person.

    Such a text is stored only under the key of the person whose stream it is in, and reads as
    ERASED once that key is destroyed.  The mark is part of the event's shape.
    """

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(schema) | {"x-personal": True}


PersonalText: TypeAlias = Annotated[Text, Personal()]
ERASED = "(erased)"

Currency: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]

MINOR_DIGITS: dict[str, int] = {
    each.value: each.exponent for each in iso4217.Currency if each.exponent is not None
}


WHOLE = frozenset(("JPY", "KRW", "VND", "CLP"))
"""Currencies that never had decimals in any books of ours."""


def minor_digits(currency: str) -> int:
    """How many decimals the minor unit of a currency has (ISO 4217); 2 where it says none."""
    return MINOR_DIGITS.get(currency, 2)


def finest_digits(currency: str) -> int:
    """The most that books may have: older ones gave two to those of which the norm has none."""
    return max(minor_digits(currency), 0 if currency in WHOLE else 2)


def amount_text(minor: int, currency: str, digits: int | None = None) -> str:
    """
    Minor units as a decimal string: (-1234, "GBP") -> "-12.34".

    `digits` are those that the books of a utility keep, where they are older than the norm's.
    """
    return str(Decimal(minor).scaleb(-(minor_digits(currency) if digits is None else digits)))


EXACT = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")


def _exact(given: object) -> object:
    """Strings and integers are read here, so that they may be where types are strict too."""
    if isinstance(given, float | bool):
        raise ValueError("a price is written as a decimal string, never as a float")
    if isinstance(given, str):
        if len(given) > 64 or not EXACT.fullmatch(given):
            raise ValueError('a price is a decimal number, written as a string: "0.1234"')
        return Decimal(given)
    return Decimal(given) if isinstance(given, int) else given


def _finite(given: Decimal) -> Decimal:
    if not given.is_finite():
        raise ValueError("a price is a finite number")
    return given


Price: TypeAlias = Annotated[
    Decimal,
    BeforeValidator(_exact),
    AfterValidator(_finite),
    Field(max_digits=24, decimal_places=12),
]
"""A price or a factor: an exact decimal, in JSON a string."""

Step: TypeAlias = Annotated[Price, Field(gt=0)]
"""To multiples of what something is rounded."""

Mode: TypeAlias = Literal["half-up", "half-even", "half-down", "down", "up"]
"""To the nearest, ties away from zero, to the even one, or towards zero; or always towards
zero; or always away from it."""
MODES = {
    "half-up": ROUND_HALF_UP,
    "half-even": ROUND_HALF_EVEN,
    "half-down": ROUND_HALF_DOWN,
    "down": ROUND_DOWN,
    "up": ROUND_UP,
}
SIGNIFICANT = Context(prec=50)  # what a division leaves beyond is no amount


def rounded(exact: Decimal, mode: Mode = "half-up", step: Decimal = Decimal(1)) -> Decimal:
    """The one rounding function: to the nearest multiple of `step`, ties as `mode` says."""
    steps = SIGNIFICANT.plus(exact / step)
    return steps.quantize(Decimal(1), MODES[mode]) * step


def whole(exact: Decimal, mode: Mode = "half-up") -> int:
    """Rounded to an integer: minor units of money, watt-hours."""
    return int(rounded(exact, mode))


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as wrong:
        raise ValueError(f"{name!r} is not an IANA time zone") from wrong
    return name


Zone: TypeAlias = Annotated[str, AfterValidator(_known_zone)]


@value
class Period:
    """Local days, half open: `until` is the first day that does not belong to it."""

    since: date
    until: date

    def __post_init__(self) -> None:
        if self.until <= self.since:
            raise ValueError(f"a period ends after it begins: {self.since} to {self.until}")

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.until - self.since).days

    @property
    def last(self) -> date:
        """Its last day."""
        return self.until - timedelta(days=1)

    def __iter__(self) -> Iterator[date]:
        return (self.since + timedelta(days=n) for n in range(self.days))

    def __contains__(self, day: date) -> bool:
        return self.since <= day < self.until

    def meet(self, since: date, until: date | None) -> Period | None:
        """The part that lies in [since, until), if any; None as `until` has no end."""
        first = max(self.since, since)
        last = self.until if until is None else min(self.until, until)
        return Period(since=first, until=last) if first < last else None


def midnight(day: date, zone: str) -> datetime:
    """The instant, in UTC, at which a local day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def month_of(day: date) -> str:
    """The month a day is in, as `2026-03`."""
    return f"{day:%Y-%m}"


def next_month(day: date) -> date:
    """The first day of the month after."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
