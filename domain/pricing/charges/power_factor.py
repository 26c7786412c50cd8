"""Power factor: a percentage on other lines, more the worse it is, less the better."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import ClassVar, Literal

from domain.kit import value
from domain.pricing.charges.kit import BillSegment, Code, UnroundedLine
from domain.pricing.exact import ZERO, Number, power_factor, to_step, total, within
from domain.values import Mode, Price, Step

POINT = Decimal("0.01")


@value
class Slope:
    """
    Between two power factors, what each 0.01 adds: `percent` 0.5 is half of one per cent.

    A slope above the standard counts from its lower end upwards (`percent` below zero
    rewards), one below the standard from its upper end downwards.  Where no slope is,
    nothing more is added.
    """

    since: Price
    until: Price
    percent: Price

    def __post_init__(self) -> None:
        if not 0 <= self.since < self.until <= 1:
            raise ValueError(
                "a slope runs from a lower to a higher power factor, within 0 and 1"
            )


@value
class PowerFactor:
    """The adjustment for a standard, on lines whose code or kind is in `of` (empty: all)."""

    kind: Literal["power-factor"] = "power-factor"
    ledger_class: ClassVar[str] = "reactive"
    code: Code
    title: str = ""
    standard: Price
    slopes: tuple[Slope, ...]
    of: tuple[Code, ...] = ()
    but: tuple[Code, ...] = ()
    step: Step = POINT  # to which the power factor is rounded
    mode: Mode = "half-up"

    def __post_init__(self) -> None:
        for slope in self.slopes:
            if slope.since < self.standard < slope.until:
                raise ValueError("a slope lies above the standard or below it")

    def lines(self, part: BillSegment) -> Iterator[UnroundedLine]:
        """One line: its percentage of its base."""
        rate = self.percent(self.power_factor(part)) / 100
        base = part.base(self.of, self.but)
        days = part.period
        yield UnroundedLine(
            self.code, self.kind, base, "", rate, base * rate, days.since, days.until
        )

    def power_factor(self, part: BillSegment) -> Number:
        """As told, or from the kWh and kvarh of the whole bill; rounded to the step."""
        told = part.measured.told_power_factor
        if told is None:
            whole = part.whole_bill
            active = total(whole.kwh("import").values())
            told = power_factor(active, total(whole.kwh("reactive").values()))
        return to_step(told, self.mode, self.step)

    def percent(self, factor: Number) -> Number:
        """The adjustment in per cent: below the standard and above it, slope by slope."""
        added: Number = ZERO
        for slope in self.slopes:
            length = slope.until - slope.since
            climbed = within(factor, slope.since, slope.until)
            points = climbed if slope.since >= self.standard else length - climbed
            added = added + points * slope.percent / POINT
        return added
