"""
What a row says about itself, as plain data, and how rows of one table name those of another.

A row is a frozen dataclass.  Its docstring is the sentence of the thing, and each field is
`Annotated[type, "Its sentence."]`, with a unit, another name, or what each value means.  A
field without a sentence is kept and not shown.  Type checkers do not look into an annotation:
so nothing stands there but words, and what must be right is an argument of Projection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import Enum
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    TypeAlias,
    get_args,
    get_origin,
    get_type_hints,
)

from domain import values
from projections.kit.columns import bare, once

if TYPE_CHECKING:
    from projections.kit.table import Projection


class Unit(Enum):
    """What a column holds besides its type."""

    MINOR = "minor units of money, in the currency of the books"
    POSITION = "a position of history"
    FACT = "a fact, by its reference: meter-M1@3"


Minor: TypeAlias = Annotated[values.Minor, Unit.MINOR]
Position: TypeAlias = Annotated[int, Unit.POSITION]
FactRef: TypeAlias = Annotated[str, Unit.FACT]


@dataclass(frozen=True, slots=True)
class Called:
    """How a field is called where people see it, if not as its column: issued_on."""

    name: str


@dataclass(frozen=True, slots=True)
class Back:
    """
    The other end of a link: of the row that is named, all that name it, in an order.

    `order` are columns before the key.  `short` lists are given whole, without pages.
    """

    name: str
    told: str
    order: tuple[str, ...] = ()
    short: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """
    A column that names a row of another table, and how both ends are called.

    It is declared once, where the column is: a higher context adds to a lower one, which knows
    nothing of it.
    """

    column: str
    to: Projection[Any]
    told: str
    back: Back | None = None
    name: str | None = None

    @property
    def called(self) -> str:
        """The name of this end."""
        return self.name or self.column


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a row that is shown.  `values`: of a closed set, what each means."""

    column: str
    name: str
    kind: Any
    optional: bool
    told: str
    unit: Unit | None = None
    values: Mapping[str, str] | None = None


@once
def shown(row: type[Any]) -> tuple[Field, ...]:
    """The fields of a row that have a sentence, in order."""
    hints = get_type_hints(row, include_extras=True)
    found = [_field(field.name, hints[field.name]) for field in fields(row)]
    return tuple(field for field in found if field.told)


def _field(column: str, hint: Any) -> Field:
    kind, optional = bare(hint)
    name, told, unit, values = column, "", None, None
    for word in _words(hint):
        match word:
            case str():
                told = word
            case Unit():
                unit = word
            case Called():
                name = word.name
            case dict():
                values = word
    return Field(column, name, kind, optional, told, unit, values)


def _words(hint: Any) -> list[Any]:
    """What is annotated, inside `| None` too."""
    if get_origin(hint) is Annotated:
        inner, *words = get_args(hint)
        return [*_words(inner), *words]
    return [word for inner in get_args(hint) for word in _words(inner)]
