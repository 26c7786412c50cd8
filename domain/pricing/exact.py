"""
Exact numbers, and the few words in which the rules of a tariff are written.

A rule of a charge is written once and run with three kinds of number: a `Decimal` gives the
amount, a traced number (`pricing.rating.why`) remembers how it came to be, a column
(`pricing.rating.columns`) is many accounts at once.  All three know + − × ÷; what else a rule
needs is said with these words, for a comparison in a rule would have to be answered for every
account separately.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any, Literal, TypeAlias

from domain.values import Mode, rounded

Number: TypeAlias = Any
"""A Decimal, or something that answers as one does."""

Word: TypeAlias = Literal[
    "+", "−", "×", "÷", "within", "larger", "smaller", "exceeds", "rounded", "power factor"
]

ZERO = Decimal(0)
ONE = Decimal(1)
CONTEXT = Context(prec=60, rounding=ROUND_HALF_EVEN)
"""Enough digits that one division in an amount cannot move it across a half cent."""


class Unlike:
    """A number that is not a bare Decimal and says itself what a word means for it."""

    def said(self, word: Word, *operands: Number) -> Number:
        """The word applied to the operands, of which this is one."""
        raise NotImplementedError


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


def exceeds(one: Number, other: Number) -> Number:
    """One if the first is above the second, else zero: a condition that can be multiplied."""
    if type(one) is Decimal and type(other) is Decimal:
        return ONE if one > other else ZERO
    return _said("exceeds", one, other)


def within(number: Number, above: Number, upto: Number | None = None) -> Number:
    """How much of a number lies in the band from `above` to `upto` (None: no end)."""
    if upto is None:
        if type(number) is Decimal and type(above) is Decimal:
            return number - above if number > above else ZERO
        return _said("within", number, above)
    if type(number) is Decimal and type(above) is Decimal and type(upto) is Decimal:
        return min(number, upto) - above if number > above else ZERO
    return _said("within", number, above, upto)


def total(numbers: Iterable[Number]) -> Number:
    """The sum; nothing sums to zero."""
    listed = list(numbers)
    if len(listed) == 1:
        return listed[0]
    if any(isinstance(number, Unlike) for number in listed):
        return _said("+", *listed)
    return sum(listed, start=ZERO)


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
