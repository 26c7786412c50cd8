"""Minimum: what the lines said before it must come to at least."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from domain.charges.kit import Code, Draft, Part, Per
from domain.exact import ZERO, larger
from domain.kit import value
from domain.values import Price


@value
class Minimum:
    """Raises the sum of the lines in `of` (all, if empty; less `but`) to `price` per `per`."""

    kind: Literal["minimum"] = "minimum"
    code: Code
    price: Price
    per: Per = "month"
    of: tuple[Code, ...] = ()
    but: tuple[Code, ...] = ()

    def lines(self, part: Part) -> Iterator[Draft]:
        """One line: what is missing from the minimum of these days."""
        missing = part.times(self.price, self.per) - part.base(self.of, self.but)
        yield Draft(
            self.code,
            self.kind,
            part.count(self.per),
            self.per.removesuffix("-of-365"),
            self.price,
            larger(missing, ZERO),
            part.period.since,
            part.period.until,
        )
