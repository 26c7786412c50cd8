"""The lines of a bill: added up, and what one is more or less than another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from domain.kit import value
from domain.pricing.rating import Line


@value
class BillLine:
    """A line of a bill: at which service point, and what was rated there."""

    point: str
    line: Line


def _signed(lines: Iterable[BillLine], sign: int) -> tuple[BillLine, ...]:
    return tuple(
        replace(
            each,
            line=replace(
                each.line, quantity=sign * each.line.quantity, amount=sign * each.line.amount
            ),
        )
        for each in lines
    )


def added(lines: Iterable[BillLine], more: Iterable[BillLine]) -> tuple[BillLine, ...]:
    """Lines alike in all but quantity and amount become one, their sum; empty ones vanish."""
    sums: dict[BillLine, BillLine] = {}
    for each in (*lines, *more):
        alike = replace(
            each, line=replace(each.line, quantity=each.line.quantity * 0, amount=0)
        )
        if alike in sums:
            line = sums[alike].line
            each = replace(
                each,
                line=replace(
                    line,
                    quantity=line.quantity + each.line.quantity,
                    amount=line.amount + each.line.amount,
                ),
            )
        sums[alike] = each
    return tuple(s for s in sums.values() if s.line.quantity or s.line.amount)


def difference(now: Iterable[BillLine], stood: Iterable[BillLine]) -> tuple[BillLine, ...]:
    """What must be added to the bill as it stood to make it what it is now."""
    return added(now, _signed(stood, -1))
