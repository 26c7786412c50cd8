"""Meters, which are known by where they are installed; their registers, readings and errors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import strawberry

from api.graphql.catalogue import MODELS
from api.graphql.models import add_field, computed, listed, nested
from api.graphql.pages import Connection
from api.graphql.roots import root
from api.graphql.scalars import BigInt
from api.graphql.view import BatchLoader, Node, View
from projections import metering as rows
from projections.kit.table import Where

if TYPE_CHECKING:
    Installation: TypeAlias = Any
    MeterError: TypeAlias = Any
else:
    Installation = MODELS[rows.installations].type
    MeterError = MODELS[rows.meter_errors].type


@strawberry.type(description="An instrument that counts, wherever it is installed.")
class Meter(Node):
    number: str = strawberry.field(description="Its number: M000120.")
    loader: strawberry.Private[BatchLoader[Meter]]

    def identity(self) -> str:
        """Its opaque id."""
        return self.loader.view.identity("Meter", [self.number])

    @strawberry.field(description="Where it was installed, by day.")
    def installations(self) -> list[Installation]:
        return listed(self.loader, self, MODELS[rows.installations], "meter", "number")

    @strawberry.field(description="By how much it was found to count wrong, as recorded.")
    def errors(self) -> list[MeterError]:
        return listed(self.loader, self, MODELS[rows.meter_errors], "meter", "number")


def _readings(self: Meter, **given: Any) -> Any:
    return nested(self.loader, self, MODELS[rows.readings], "meter", "number", given)


add_field(
    Meter,
    "readings",
    "What its registers showed, by day.",
    Connection[MODELS[rows.readings].type],  # type: ignore[misc]
    _readings,
    MODELS[rows.readings].arguments,
)


def meters_of(view: View, numbers: Iterable[str]) -> dict[str, Meter]:
    """Meters by number, shown side by side."""
    made: list[Meter] = []
    loader = BatchLoader(view, made)
    made += [Meter(number=one, loader=loader) for one in dict.fromkeys(numbers)]
    return {one.number: one for one in made}


def meter_by_key(view: View, key: Sequence[Any]) -> Meter | None:
    """A meter that is, or was, installed; None if none is known by that number."""
    (number,) = key
    try:
        named = Where("meter", "=", str(number))
    except ValueError:
        return None  # no text that a table can hold, so no meter's
    where = (named, *view.there(rows.installations)[:1])
    known = view.find(rows.installations, *where, limit=1)
    return meters_of(view, [str(number)])[str(number)] if known else None


@root()
def meter(
    view: View,
    number: Annotated[strawberry.ID, strawberry.argument(description="The number: M000120.")],
) -> Meter | None:
    """One meter by its number; null if it was never installed."""
    return meter_by_key(view, [number])


@strawberry.type(description="One counter of a meter.")
class Register:
    code: str = strawberry.field(description="Its OBIS code (IEC 62056-61): 1.8.0.")
    channel: str = strawberry.field(description="What it counts: import, export, reactive.")
    label: str | None = strawberry.field(
        description="The time-of-use period it counts; null: all hours."
    )
    digits: int = strawberry.field(description="Its digits before the decimal point.")
    decimals: int = strawberry.field(description="Its digits behind the decimal point.")


@strawberry.type(description="What one register showed.")
class Shown:
    register: str = strawberry.field(description="The OBIS code of the register.")
    reading: Decimal = strawberry.field(description="What the register showed, in kWh (kvarh).")
    count: BigInt = strawberry.field(
        description="The same in Wh (varh) since the register was zero, full turns included,"
        " before the multiplier: energy is the difference of two counts, times the multiplier."
    )


@computed(rows.installations)
def registers(view: View, found: Sequence[rows.Installation]) -> list[list[Register]]:  # noqa: ARG001
    """Its counters."""
    return [
        [
            Register(
                code=one.code,
                channel=one.channel,
                label=one.label,
                digits=one.digits,
                decimals=one.decimals,
            )
            for one in row.registers
        ]
        for row in found
    ]


@computed(rows.readings)
def shown(view: View, found: Sequence[rows.Reading]) -> list[list[Shown]]:  # noqa: ARG001
    """Each register, by code."""
    return [
        [
            Shown(register=code, reading=reading, count=BigInt(row.counts[code]))
            for code, reading in sorted(row.readings.items())
        ]
        for row in found
    ]


def _meter(view: View, found: Sequence[Any]) -> list[Meter]:
    """The meter."""
    meters = meters_of(view, [row.meter for row in found])
    return [meters[row.meter] for row in found]


_meter.__name__ = "meter"
for projection in (rows.installations, rows.readings, rows.meter_errors):
    computed(projection)(_meter)
