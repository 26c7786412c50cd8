"""Contract demand: what was agreed is billed, and what exceeds it costs a multiple."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from domain.kit import added, value
from domain.pricing.charges.kit import BillSegment, NotAgreed
from domain.pricing.charges.rates import Rung, check_ends
from domain.pricing.exact import ONE, ZERO, Number, exceeds, larger, smaller
from domain.values import Period, Price


@value
class ExcessStep:
    """What each kW between two multiples of the contract costs, as a multiple of the price."""

    upto: Annotated[
        Price | None,
        Field(description="A multiple of the contract; the last has no end.", examples=["1.1"]),
    ] = None
    factor: Annotated[Price, Field(description="How many times the price.", examples=["1.5"])]


class Billed(NamedTuple):
    """Some kW of a block, and how many times its price they cost."""

    tier: int
    kw: Number
    rung: Rung
    factor: Number


@value
class Contract:
    """
    Contract demand is billed, and what exceeds it by more than the band costs a multiple.

    `floor`: the contract counts as at least this share of the installed capacity.  `band`
    1.05: up to 105 % of the contract nothing is added.  Beyond, `factor` times the price
    for each kW over the band, and either the contract itself (`contract`) or the whole
    band (`band`) at the price: the two readings of a doubled charge that are in use.
    """

    floor: Price = ZERO
    band: Price = Decimal("1.05")
    factor: Price = Decimal(2)
    beyond: Literal["contract", "band"] = "contract"
    floor_by: Annotated[
        Literal["bill", "days"],
        added(
            "bill",
            "The floor is of the highest capacity while the contract is the same, or of that "
            "of each day: without what is suspended.",
            "days",
        ),
    ] = "bill"
    below: Annotated[
        Literal["contract", "measured", "nothing"],
        added(
            "contract",
            "What is billed up to the band: the contract, the demand that was measured, or "
            "nothing: excess alone.",
            "measured",
        ),
    ] = "contract"
    least: Annotated[
        Price,
        added(
            ZERO,
            "At least this share of the contract is billed, where it is the measured demand.",
            "0.85",
            ge=0,
        ),
    ] = ZERO
    excess_from: Annotated[
        Literal["band", "contract"],
        added(
            "band",
            "From where excess is counted, once demand is beyond the band.",
            "contract",
        ),
    ] = "band"
    steps: Annotated[
        tuple[ExcessStep, ...],
        added(
            (),
            "Factors of excess that rise with it, in place of `factor`.",
            [{"upto": "1.2", "factor": "1.5"}, {"factor": "2"}],
        ),
    ] = ()

    def __post_init__(self) -> None:
        check_ends([step.upto for step in self.steps])
        if self.steps and self.factor != 2:
            raise ValueError("excess has a factor, or steps with one each")
        start = self.band if self.excess_from == "band" else ONE
        if any(step.upto is not None and step.upto <= start for step in self.steps):
            raise ValueError("a step of excess ends where excess has begun")
        if self.least and (self.below != "measured" or self.least > self.band):
            raise ValueError("the least is of the measured demand, and within the band")
        if self.excess_from == "contract" and self.band < 1:
            raise ValueError("excess over a contract is counted from within its band")

    def agreed(
        self, part: BillSegment, period: str, code: str
    ) -> Iterator[tuple[Period, Number]]:
        """Contract demand, stretch by stretch, not below its floor.  Raises NotAgreed."""
        found = part.measured.held("contract", part.period, period)
        if not found:
            raise NotAgreed(charge=code, since=part.period.since)
        for days, contract in found:
            if not self.floor:
                yield days, contract
            elif self.floor_by == "days":
                yield from self._by_days(part, days, contract)
            else:
                for _, capacity in part.measured.held("capacity", days):
                    contract = larger(contract, capacity * self.floor)
                yield days, contract

    def _by_days(
        self, part: BillSegment, days: Period, contract: Number
    ) -> Iterator[tuple[Period, Number]]:
        reached = days.since
        for stretch, capacity in part.measured.held("capacity", days):
            if reached < stretch.since:
                yield Period(since=reached, until=stretch.since), contract
            yield stretch, larger(contract, capacity * self.floor)
            reached = stretch.until
        if reached < days.until:
            yield Period(since=reached, until=days.until), contract

    def billed(self, kw: Number, contract: Number, rungs: Sequence[Rung]) -> Iterator[Billed]:
        """KW of the contract by block, then of each step of what is beyond its band."""
        band = contract * self.band
        if self.below != "nothing":
            base = self._base(kw, contract, band)
            for tier, rung in enumerate(rungs, 1):
                yield Billed(tier, rung.part_of(base), rung, ONE)
        tier = len(rungs)
        from_contract = self.excess_from == "contract"
        low = contract if from_contract else band
        for upto, factor in self._steps:
            high = larger(kw, low)
            if upto is not None:
                high = smaller(high, contract * upto)
            for rung in rungs:
                tier += 1
                over = rung.part_of(high) - rung.part_of(low)
                if from_contract:
                    over = over * exceeds(kw, band)
                yield Billed(tier, over, rung, factor)
            if upto is not None:
                low = contract * upto

    @property
    def _steps(self) -> Iterator[tuple[Decimal | None, Decimal]]:
        if not self.steps:
            yield None, self.factor
        yield from ((step.upto, step.factor) for step in self.steps)

    def _base(self, kw: Number, contract: Number, band: Number) -> Number:
        """What is billed at the price itself."""
        below = contract
        if self.below == "measured":
            below = larger(kw, contract * self.least)
        top = band if self.beyond == "band" else contract
        if self.below == "contract" and self.beyond == "contract":
            return contract
        return below + exceeds(kw, band) * (top - below)
