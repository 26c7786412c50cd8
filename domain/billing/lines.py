"""The lines of a bill: added up, and what one is more or less than another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import replace
from decimal import Decimal

from domain.kit import value
from domain.pricing.rating import Line


@value
class BillLine:
    """A line of a bill: at which service point, and what was rated there."""

    point: str
    line: Line


def added(lines: Iterable[BillLine], more: Iterable[BillLine]) -> tuple[BillLine, ...]:
    """
    Lines that price the same become one, their sum; empty ones vanish.

    What `more` says besides (title, estimated, place) takes the place of what was said.
    """
    more = tuple(more)
    return _summed((*lines, *more), more)


def difference(now: Iterable[BillLine], stood: Iterable[BillLine]) -> tuple[BillLine, ...]:
    """What must be added to the bill as it stood to make it what it is now."""
    now = tuple(now)
    return _summed((*now, *(_negative(each) for each in stood)), now)


def differ(now: Iterable[BillLine], stood: Iterable[BillLine]) -> bool:
    """
    Whether a note is due: something has another quantity or amount.

    Not for titles, flags, versions of the tariff, or days that are cut otherwise.
    """
    off: defaultdict[Hashable, tuple[Decimal, int]] = defaultdict(lambda: (Decimal(0), 0))
    for sign, lines in ((1, now), (-1, stood)):
        for each in lines:
            line = each.line
            alike = (
                each.point, line.code, line.kind, line.period, line.tier, line.unit, line.rate
            )  # fmt: skip
            quantity, amount = off[alike]
            off[alike] = (quantity + sign * line.quantity, amount + sign * line.amount)
    return any(quantity or amount for quantity, amount in off.values())


def _negative(each: BillLine) -> BillLine:
    line = each.line
    return replace(each, line=replace(line, quantity=-line.quantity, amount=-line.amount))


def _summed(lines: Iterable[BillLine], newest: Iterable[BillLine]) -> tuple[BillLine, ...]:
    """The sums of lines, in the order of their first; said as the newest say it."""
    words = {_priced(each): each for each in newest}
    said: dict[Hashable, BillLine] = {}
    totals: dict[Hashable, tuple[Decimal, int]] = {}
    for each in lines:
        line, key = each.line, _priced(each)
        quantity, amount = totals.get(key, (Decimal(0), 0))
        totals[key] = (quantity + line.quantity, amount + line.amount)
        said.setdefault(key, words.get(key, each))
    return tuple(
        replace(said[key], line=replace(said[key].line, quantity=quantity, amount=amount))
        for key, (quantity, amount) in totals.items()
        if quantity or amount
    )


def _priced(each: BillLine) -> Hashable:
    """What a line prices: all that it says but quantity, amount, title and flags."""
    line = each.line
    return (
        each.point,
        line.code,
        line.kind,
        line.period,
        line.tier,
        line.unit,
        line.rate,
        line.since,
        line.until,
        line.tariff,
        line.version,
    )
