"""
Columns: exact numbers of many accounts at once.

A column is an array of integers over a denominator, so that it computes the very numbers that a
Decimal does.  64-bit integers while they are certain to hold the result, Python integers
beyond.
"""

from __future__ import annotations

from decimal import Decimal
from functools import reduce
from math import gcd, lcm
from typing import Any, TypeAlias

import numpy as np

from domain.pricing.exact import Number, Unlike, Word, power_factor_of
from domain.pricing.rating.intervals import Ints
from domain.values import Mode

LIMIT = 2**62
FINE = 40  # decimals of a number that has no end, such as a power factor
Whole: TypeAlias = Any  # a positive integer, or an array of them


class Column(Unlike):
    """Numbers `num` ÷ `den`, one for each account; `bound` is above every |num|."""

    __slots__ = ("bound", "den", "num")

    def __init__(self, num: Ints, den: Whole = 1, bound: int | None = None) -> None:
        self.num, self.den = num, den
        self.bound = _largest(num) if bound is None else bound

    def __add__(self, other: Number) -> Column:
        one, another, den = _alike(self, _column(other))
        bound = one.bound + another.bound
        if bound >= LIMIT:
            return Column(_big(one.num) + _big(another.num), den, bound)
        return Column(one.num + another.num, den, bound)

    def __radd__(self, other: Number) -> Column:
        return self.__add__(other)

    def __neg__(self) -> Column:
        return Column(-self.num, self.den, self.bound)

    def __sub__(self, other: Number) -> Column:
        return self.__add__(-_column(other))

    def __rsub__(self, other: Number) -> Column:
        return (-self).__add__(other)

    def __mul__(self, other: Number) -> Column:
        if not isinstance(other, Column):
            over, under = Decimal(other).as_integer_ratio()
            return self._scaled(over, _product(self.den, under))
        another, den = other, _product(self.den, other.den)
        bound = self.bound * another.bound
        if bound >= LIMIT:
            return Column(_big(self.num) * _big(another.num), den, bound)
        return Column(self.num * another.num, den, bound)

    def __rmul__(self, other: Number) -> Column:
        return self.__mul__(other)

    def __truediv__(self, other: Number) -> Column:
        if not isinstance(other, Column):
            over, under = Decimal(other).as_integer_ratio()
            return self._scaled(under, _product(self.den, over))
        if np.any(other.num <= 0):
            raise ZeroDivisionError("a column is divided by numbers above zero")
        turned = self * Column(np.atleast_1d(other.den))
        return Column(turned.num, _product(turned.den, other.num), turned.bound)

    def __bool__(self) -> bool:
        raise TypeError("a rule may not ask whether a column is true: it is many accounts")

    def _over(self, den: int) -> Column:
        """The same numbers over a multiple of the denominator."""
        factor = den // self.den
        bound = self.bound * factor
        num = self.num if max(bound, factor) < LIMIT else _big(self.num)
        return Column(num * factor, den, bound)

    def _scaled(self, factor: int, den: Whole) -> Column:
        if not _many(den):
            shared = gcd(factor, den)
            factor, den = factor // shared, den // shared
        if factor == 1:
            return Column(self.num, den, self.bound)
        bound = self.bound * abs(factor)
        if bound >= LIMIT:
            bound = _largest(self.num) * abs(factor)
        num = self.num if max(bound, abs(factor)) < LIMIT else _big(self.num)
        return Column(num * factor, den, bound)

    def said(self, word: Word, *operands: Number) -> Column:
        """The words of a rule, for every account."""
        match word:
            case "+":
                return reduce(Column.__add__, operands[1:], _column(operands[0]))
            case "rounded":
                return _column(operands[0]).rounded(operands[1], operands[2])
            case "power factor":
                return _power_factor(_column(operands[0]), _column(operands[1]))
            case "within":
                return _within(*map(_column, operands))
        one, another, den = _alike(_column(operands[0]), _column(operands[1]))
        bound = max(one.bound, another.bound)
        match word:
            case "larger":
                return Column(np.maximum(one.num, another.num), den, bound)
            case "smaller":
                return Column(np.minimum(one.num, another.num), den, bound)
            case "exceeds":
                return Column((one.num > another.num).astype(np.int64), 1, 1)
        raise TypeError(f"columns do not know {word!r}")

    def rounded(self, mode: Mode, step: Decimal) -> Column:
        """To multiples of a step."""
        over, under = step.as_integer_ratio()
        scaled = self._scaled(under, _product(self.den, over))
        whole = _rounded(scaled.num, scaled.den, mode)
        return Column(whole, under)._scaled(over, under)

    def integers(self, digits: int) -> Ints:
        """As integers of 10 to the −digits, rounded half up."""
        whole = self.rounded("half-up", Decimal(1).scaleb(-digits))
        one, _, _ = _alike(whole, Column(np.zeros(1, np.int64), 10**digits))
        return one.num

    def decimals(self) -> list[Decimal]:
        """One Decimal for each account."""
        if _many(self.den):
            pairs = zip(self.num.tolist(), self.den.tolist(), strict=True)
            return [Decimal(num) / den for num, den in pairs]
        den = Decimal(self.den)
        return [Decimal(num) / den for num in self.num.tolist()]


def _column(number: Number) -> Column:
    if isinstance(number, Column):
        return number
    over, under = Decimal(number).as_integer_ratio()
    num: Any = np.array([over], dtype=np.int64 if abs(over) < LIMIT else object)
    return Column(num, under, abs(over))


def _alike(one: Column, another: Column) -> tuple[Column, Column, Whole]:
    """Both over the same denominator."""
    if not _many(one.den) and not _many(another.den):
        if one.den == another.den:
            return one, another, one.den
        den = lcm(one.den, another.den)
        return one._over(den), another._over(den), den
    den = _product(one.den, another.den)
    left = Column(_big(one.num) * _big(another.den), den)
    return left, Column(_big(another.num) * _big(one.den), den), den


def _within(number: Column, above: Column, upto: Column | None = None) -> Column:
    reached = number if upto is None else number.said("smaller", number, upto)
    beyond: Column = reached - above
    return beyond.said("larger", beyond, _column(Decimal(0)))


def _rounded(num: Ints, den: Whole, mode: Mode) -> Ints:
    """Integer division to the nearest, ties as the mode says."""
    if not _many(den) and den >= LIMIT // 2:
        num = _big(num)
    size, sign = np.abs(num), np.sign(num)
    whole, rest = size // den, size % den
    match mode:
        case "half-up":
            whole = whole + (2 * rest >= den)
        case "half-even":
            whole = whole + ((2 * rest > den) | ((2 * rest == den) & (whole % 2 == 1)))
        case "half-down":
            whole = whole + (2 * rest > den)
        case "up":
            whole = whole + (rest > 0)
        case "down":
            pass
    signed: Ints = whole * sign
    return signed


def _power_factor(active: Column, reactive: Column) -> Column:
    exact = zip(active.decimals(), reactive.decimals(), strict=True)
    factors = [int(power_factor_of(p, q).scaleb(FINE)) for p, q in exact]
    return Column(np.array(factors, dtype=object), 10**FINE)


def _many(den: Whole) -> bool:
    return isinstance(den, np.ndarray) and den.ndim > 0


def _product(one: Whole, another: Whole) -> Whole:
    if not _many(one) and not _many(another):
        return int(one) * int(another)
    return _big(one) * _big(another)


def _big(num: Any) -> Any:
    """As Python integers, which have no end."""
    return num.astype(object) if isinstance(num, np.ndarray) else num


def _largest(num: Ints) -> int:
    return int(np.abs(num).max()) if num.size else 0
