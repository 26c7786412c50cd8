"""
Exact numbers, and the few words in which the rules of a tariff are written.

A rule of a charge is written once and run with three kinds of number: a `Decimal` gives the
amount, a traced number (`domain.rating.why`) remembers how it came to be, a column
(`domain.rating.columns`) is many accounts at once.  All three know + − × ÷; what else a rule
needs is said with these words, for a comparison in a rule would have to be answered for every
account separately.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any, Literal, TypeAlias

from domain.values import Mode, rounded

Number: TypeAlias = Any
"""A Decimal, or something that answers as one does."""

Word: TypeAlias = Literal["+", "−", "×", "÷", "larger", "smaller", "rounded", "power factor"]

ZERO = Decimal(0)
CONTEXT = Context(prec=60, rounding=ROUND_HALF_EVEN)
"""Enough digits that one division in an amount cannot move it across a half cent."""


class Unlike(ABC):
    """A number that is not a bare Decimal and says itself what a word means for it."""

    @abstractmethod
    def said(self, word: Word, *operands: Number) -> Number:
        """The word applied to the operands, of which this is one."""


def _said(word: Word, *operands: Number) -> Number:
    unlike = next(number for number in operands if isinstance(number, Unlike))
    return unlike.said(word, *operands)


def larger(one: Number, other: Number) -> Number:
    """The larger of the two."""
    if type(one) is Decimal and type(other) is Decimal:
        return one if one >= other else other
    return _said("larger", one, other)


def smaller(one: Number, other: Number) -> Number:
    """The smaller of the two."""
    if type(one) is Decimal and type(other) is Decimal:
        return one if one <= other else other
    return _said("smaller", one, other)


def within(number: Number, above: Number, upto: Number | None) -> Number:
    """How much of a number lies in the band from `above` to `upto` (None: no end)."""
    if type(number) is Decimal and type(above) is Decimal:
        if number <= above:
            return ZERO
        if upto is None or (type(upto) is Decimal and number <= upto):
            return number - above
    reached = number if upto is None else smaller(number, upto)
    return larger(reached - above, ZERO)


def total(numbers: Iterable[Number]) -> Number:
    """The sum; nothing sums to zero."""
    summed: Number = None
    for number in numbers:
        summed = number if summed is None else summed + number
    return ZERO if summed is None else summed


def to_step(number: Number, mode: Mode, step: Decimal) -> Number:
    """Rounded to a multiple of a step."""
    if type(number) is Decimal:
        return rounded(number, mode, step)
    return _said("rounded", number, mode, step)


def power_factor(active: Number, reactive: Number) -> Number:
    """P ÷ √(P² + Q²); 1 when nothing flowed."""
    if type(active) is Decimal and type(reactive) is Decimal:
        return power_factor_of(active, reactive)
    return _said("power factor", active, reactive)


def power_factor_of(active: Decimal, reactive: Decimal) -> Decimal:
    """The power factor of two plain numbers."""
    if not active and not reactive:
        return Decimal(1)
    return active / (active * active + reactive * reactive).sqrt()
