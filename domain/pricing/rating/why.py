"""
Why a line is what it is: a tree of operations over clauses of the tariff and measured facts.

Nothing is written for it in any charge.  The same rules run once more, with numbers that
remember how they came to be; what is kept in a bill stays small, and the tree can always be
grown again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from decimal import Decimal, localcontext
from typing import Any, TypeVar, cast

from domain.pricing.exact import (
    CONTEXT,
    ONE,
    ZERO,
    Number,
    Unlike,
    Word,
    power_factor_of,
    within,
)
from domain.pricing.rating.measured import Meters, plain
from domain.pricing.rating.rate import calculate, lines_of, memory_of
from domain.pricing.tariff import Rounding, TariffVersion
from domain.pricing.usage import Carry, Usage
from domain.values import Mode, Period, rounded

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Why:
    """
    One step of a derivation.

    An operation and its operands; or a leaf: a clause of a tariff version, a measurement,
    a number.

    `value` is in major units of money, kWh, kW, days.  `clause` is the place in the
    document, as `home@2 charges[energy].rates[0].price`; `facts` are those that the
    measurement rests on.
    """

    op: str  # one of exact.Word, or "clause", "measured", "number"
    value: Decimal
    operands: tuple[Why, ...] = ()
    what: str = ""
    clause: str = ""
    facts: tuple[str, ...] = ()
    mode: Mode = "half-up"  # of "rounded"


class Traced(Decimal, Unlike):
    """A Decimal that knows why it is what it is."""

    why: Why

    def said(self, word: Word, *operands: Number) -> Traced:
        """The word applied, and remembered."""
        mode: Mode = "half-up"
        if word == "rounded":
            mode = operands[1]
            operands = (operands[0], operands[2])
        whys = tuple(map(_why, operands))
        value = _apply(word, [one.value for one in whys], mode)
        return _traced(Why(word, value, whys, mode=mode))

    def __add__(self, other: Number) -> Traced:
        return self.said("+", self, other)

    def __radd__(self, other: Number) -> Traced:
        return self.said("+", other, self)

    def __sub__(self, other: Number) -> Traced:
        return self.said("−", self, other)

    def __rsub__(self, other: Number) -> Traced:
        return self.said("−", other, self)

    def __mul__(self, other: Number) -> Traced:
        return self.said("×", self, other)

    def __rmul__(self, other: Number) -> Traced:
        return self.said("×", other, self)

    def __truediv__(self, other: Number) -> Traced:
        return self.said("÷", self, other)

    def __rtruediv__(self, other: Number) -> Traced:
        return self.said("÷", other, self)

    def __neg__(self) -> Traced:
        return self.said("−", ZERO, self)


def _traced(why: Why) -> Traced:
    number = Traced(why.value)
    number.why = why
    return number


def _why(number: Number) -> Why:
    return number.why if isinstance(number, Traced) else Why("number", Decimal(number))


_APPLY: dict[str, Callable[..., Decimal]] = {
    "−": lambda a, b: a - b,
    "×": lambda a, b: a * b,
    "÷": lambda a, b: a / b,
    "within": within,
    "larger": max,
    "smaller": min,
    "exceeds": lambda a, b: ONE if a > b else ZERO,
    "power factor": power_factor_of,
}


def _apply(word: str, values: Sequence[Decimal], mode: Mode) -> Decimal:
    if word == "rounded":
        return rounded(values[0], mode, values[1])
    if word == "+":
        return sum(values, start=ZERO)
    return _APPLY[word](*values)


def explain(
    versions: Sequence[TariffVersion], usage: Usage, period: Period, carry: Carry = ()
) -> tuple[Why, ...]:
    """For each line that `rate` gives for the same, in the same order, why it is its amount."""
    with localcontext(CONTEXT):
        named = [_named(one, f"{one.tariff}@{one.version} ") for one in versions]
        meters = Meters(usage, plain, known=_measured)
        drafts = lines_of(calculate(named, meters, usage, period, memory_of(carry)))
        return tuple(_why(draft.amount) for draft, _ in drafts)


def evaluate(why: Why) -> Decimal:
    """Calculate a tree from its leaves alone."""
    values: dict[int, Decimal] = {}

    def of(one: Why) -> Decimal:
        if id(one) not in values:
            operands = [of(operand) for operand in one.operands]
            values[id(one)] = _apply(one.op, operands, one.mode) if operands else one.value
        return values[id(one)]

    with localcontext(CONTEXT):
        return of(why)


def _measured(number: Number, what: str, facts: Sequence[str]) -> Traced:
    return _traced(Why("measured", Decimal(number), what=what.strip(), facts=tuple(facts)))


def _named(thing: T, place: str) -> T:
    """The same document, its numbers traced to their places."""
    if isinstance(thing, Decimal):
        return cast("T", _traced(Why("clause", Decimal(thing), clause=place)))
    if isinstance(thing, tuple):
        items = (_named(one, f"{place}[{_name(one, n)}]") for n, one in enumerate(thing))
        return cast("T", tuple(items))
    if not is_dataclass(thing) or isinstance(thing, Rounding):
        return thing
    parts = {one.name: getattr(thing, one.name) for one in fields(thing)}
    named = {key: _named(part, _below(place, key)) for key, part in parts.items()}
    if all(named[key] is parts[key] for key in parts):
        return thing
    made = object.__new__(type(thing))
    for key, part in named.items():
        object.__setattr__(made, key, part)
    return made


def _below(place: str, key: str) -> str:
    return place if key == "document" else f"{place}{'' if place.endswith(' ') else '.'}{key}"


def _name(one: Any, n: int) -> str:
    return str(getattr(one, "code", n))


def text(why: Why, lines: Mapping[int, str] | None = None, depth: int = 0) -> Iterator[str]:
    """The tree as indented text; `lines` names trees, by id, that were shown before."""
    if depth and lines and id(why) in lines:
        yield "  " * depth + f"{_plain(why.value)} {lines[id(why)]}"
        return
    told = " ".join(filter(None, (why.what, why.clause)))
    facts = f"  ({', '.join(why.facts)})" if why.facts else ""
    if why.op == "rounded":
        told = why.mode
    name = "" if not why.operands and why.op != "number" else why.op
    yield "  " * depth + " ".join(filter(None, (_plain(why.value), name, told))) + facts
    for operand in why.operands:
        yield from text(operand, lines, depth + 1)


def _plain(value: Decimal) -> str:
    short = value if len(value.as_tuple().digits) <= 20 else value.quantize(Decimal("1e-12"))
    return f"{short.normalize():f}"
