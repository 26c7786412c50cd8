"""Percentage: a tax, a levy or a discount on lines that were said before it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from domain.kit import value
from domain.pricing.charges.kit import BillSegment, Code, UnroundedLine
from domain.pricing.exact import ONE, Number
from domain.values import Price


@value
class Percentage:
    """
    `rate` (0.13 is 13 %) of the lines whose code or kind is in `of` (empty: all), less `but`.

    `included`: the prices contain it.  It is then a line, and a line of the kind `tax-included`
    takes it off what the lines before would have earned; together they add nothing.
    """

    kind: Literal["tax"] = "tax"
    ledger_class: ClassVar[str] = "tax"
    code: Code
    title: str = ""
    rate: Price
    of: tuple[Code, ...] = ()
    but: tuple[Code, ...] = ()
    included: bool = False

    def __post_init__(self) -> None:
        if self.included and self.rate <= -1:
            raise ValueError("a tax that prices include is above -1, or no price could be")

    def lines(self, part: BillSegment) -> Iterator[UnroundedLine]:
        """One line: its rate times its base, as rounded if lines are rounded."""
        base = part.base(self.of, self.but)
        if not self.included:
            yield self._line(part, self.kind, base, base * self.rate)
            return
        tax = base * self.rate / (ONE + self.rate)
        yield self._line(part, self.kind, base, tax)
        yield self._line(part, "tax-included", base, -tax)

    def _line(
        self, part: BillSegment, kind: str, base: Number, amount: Number
    ) -> UnroundedLine:
        days = part.period
        return UnroundedLine(
            self.code, kind, base, "", self.rate, amount, days.since, days.until
        )
