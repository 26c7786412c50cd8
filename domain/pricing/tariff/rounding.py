"""Rounding: how exact amounts become money, line by line, charge by charge, and as a bill."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from typing import Annotated, Literal, NamedTuple, Protocol

from pydantic import Field

from domain.kit import added, value
from domain.pricing.calendars import Label
from domain.pricing.charges.kit import Code
from domain.values import Mode, Price, Step


class Named(Protocol):
    """A charge, as far as rounding knows it."""

    @property
    def code(self) -> str:
        """Its own in the document."""
        ...

    @property
    def kind(self) -> str:
        """What it is."""
        ...


class Rounds(NamedTuple):
    """How something is rounded in the decimals of some books."""

    mode: Mode
    step: Decimal
    per: Literal["line", "charge"] = "line"


@value
class ChargeRounding:
    """How some charges are rounded, before anything is calculated of them."""

    of: Annotated[
        tuple[Code, ...],
        Field(min_length=1, description="Codes or kinds of charges.", examples=[["vat"]]),
    ]
    per: Annotated[
        Literal["line", "charge"],
        Field(description="Each line, or the sum of the lines of a charge.", examples=["line"]),
    ] = "line"
    mode: Annotated[Mode, Field(description="Which way.", examples=["up"])] = "half-up"
    step: Annotated[
        Step | None,
        Field(description="To multiples of it; the minor unit, if not said.", examples=["0.1"]),
    ] = None


@value
class BillRounding:
    """How the sum of the rounded lines is rounded: to whole rupees, to five cents."""

    mode: Annotated[Mode, Field(description="Which way.", examples=["half-up"])] = "half-up"
    step: Annotated[Step, Field(description="To multiples of it.", examples=["0.05"])]


@value
class Rounding:
    """
    How exact amounts become money.

    `line`: every line is rounded to `step` (the minor unit, if not said); the bill is
    their sum.  `charge`: so is the sum of the lines of each charge, and its lines come to
    it. `document`: the bill is the exact sum rounded to `step`, lines are rounded
    to the minor unit, and the difference becomes a line `rounding`, or is added to the
    largest line whose code or time-of-use period is `remainder` (the flat-balance rule).
    """

    per: Literal["line", "charge", "document"] = "line"
    mode: Mode = "half-up"
    step: Price | None = None
    remainder: Label | None = None
    charges: Annotated[
        tuple[ChargeRounding, ...],
        added((), "Charges that are rounded otherwise.", [{"of": ["vat"], "mode": "up"}]),
    ] = ()
    bill: Annotated[
        BillRounding | None,
        added(None, "How the sum of the lines is rounded in its turn.", {"step": "1"}),
    ] = None

    def __post_init__(self) -> None:
        if self.step is not None and self.step <= 0:
            raise ValueError("amounts are rounded to a step above zero")
        if self.bill is not None and self.per == "document":
            raise ValueError("`document` rounds the bill already: leave out `bill`, or `per`")

    def step_in(self, digits: int) -> Decimal:
        """The step, in major units of so many decimals; one that is finer is the smallest."""
        return _coarse(self.step, digits)

    def of_charge(self, charge: Named, digits: int) -> Rounds | None:
        """How the lines of a charge are rounded at once, if they are."""
        for one in self.charges:
            if charge.code in one.of or charge.kind in one.of:
                step = one.step  # a line of a bill that is rounded whole may be finer
                if step is None or self.per != "document":
                    step = _coarse(step, digits)
                return Rounds(one.mode, step, one.per)
        if self.per == "document":
            return None
        return Rounds(self.mode, self.step_in(digits), self.per)

    def of_bill(self, digits: int) -> Rounds | None:
        """How the bill is rounded, if that is more than adding up its lines."""
        if self.per == "document":
            return Rounds(self.mode, self.step_in(digits))
        if self.bill is None:
            return None
        return Rounds(self.bill.mode, _coarse(self.bill.step, digits))

    def check(self, smallest: Decimal, currency: str, charges: Iterable[Named]) -> None:
        """Raise ValueError for steps that are no money, and for charges named twice or not."""
        steps = [self.step, self.bill and self.bill.step]
        if self.per != "document":  # whose lines are rounded once more
            steps += [one.step for one in self.charges]
        if any(step and step % smallest for step in steps):
            raise ValueError(f"the rounding step is not a multiple of {smallest} {currency}")
        said = [(charge.code, charge.kind) for charge in charges]
        for name in (name for one in self.charges for name in one.of):
            if not any(name in both for both in said):
                raise ValueError(f"rounding.charges: there is no charge {name!r}")
        for code, kind in said:
            if sum(code in one.of or kind in one.of for one in self.charges) > 1:
                raise ValueError(f"rounding.charges: charge {code!r} is rounded in two ways")


@cache
def _coarse(step: Decimal | None, digits: int) -> Decimal:
    smallest = Decimal(1).scaleb(-digits)
    return smallest if step is None or step % smallest else step
