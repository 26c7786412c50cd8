"""Percentage: a tax, a levy or a discount on lines that were said before it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from domain.charges.kit import Code, Draft, Part
from domain.kit import value
from domain.values import Price


@value
class Percentage:
    """`rate` (0.13 is 13 %) of the lines whose code or kind is in `of` (empty: all)."""

    kind: Literal["tax"] = "tax"
    code: Code
    title: str = ""
    rate: Price
    of: tuple[Code, ...] = ()
    but: tuple[Code, ...] = ()

    def lines(self, part: Part) -> Iterator[Draft]:
        """One line: its rate times its base, as rounded if lines are rounded."""
        base = part.base(self.of, self.but)
        yield Draft(
            self.code,
            self.kind,
            base,
            "",
            self.rate,
            base * self.rate,
            part.period.since,
            part.period.until,
        )
