"""Fixed charge by usage: so much a month, the more the more was used, or is agreed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field

from domain.kit import value
from domain.pricing.charges.kit import (
    BillSegment,
    Code,
    NotAgreed,
    Per,
    UnroundedLine,
    unit_of,
)
from domain.pricing.charges.rates import Block, bands_of, check_usage
from domain.pricing.charges.usage import Peak
from domain.pricing.exact import Number
from domain.values import Price

Usage: TypeAlias = Literal["use", "demand", "capacity", "contract"]


@value
class FixedByUsage:
    """One of several prices, for the band in which the usage of the whole bill lies."""

    kind: Literal["fixed-by-usage"] = "fixed-by-usage"
    ledger_class: ClassVar[str] = "standing"
    code: Code
    title: str = ""
    bands: Annotated[
        tuple[Block, ...],
        Field(
            min_length=1,
            description="Prices, each up to a usage that still belongs to it.",
            examples=[[{"upto": "50", "price": "40"}, {"price": "65"}]],
        ),
    ]
    by: Annotated[
        Usage,
        Field(
            description="What chooses: kWh taken, highest kW, kVA installed, or kW agreed.",
            examples=["use"],
        ),
    ] = "use"
    bands_per: Annotated[
        Per, Field(description="For what the limits of kWh are.", examples=["month"])
    ] = "month"
    minutes: Annotated[
        int | None,
        Field(
            ge=1, le=1440, description="Over how many minutes demand is meant.", examples=[15]
        ),
    ] = None
    per: Annotated[Per, Field(description="For what a price is.", examples=["month"])] = "month"

    def __post_init__(self) -> None:
        check_usage([band.upto for band in self.bands])

    def lines(self, part: BillSegment) -> Iterator[UnroundedLine]:
        """A line for the band that is chosen; where an agreement changes, for each stretch."""
        ends = [self._limit(part, band.upto) for band in self.bands]
        for stretch, usage in self._usage(part):
            for tier, (band, limits) in enumerate(zip(self.bands, bands_of(ends), strict=True)):
                chosen = limits.has(usage)
                yield UnroundedLine(
                    self.code,
                    self.kind,
                    chosen * stretch.count(self.per),
                    unit_of(self.per),
                    band.price,
                    stretch.times(chosen * band.price, self.per),
                    stretch.period.since,
                    stretch.period.until,
                    tier=tier + 1,
                )

    def _usage(self, part: BillSegment) -> Iterator[tuple[BillSegment, Number]]:
        match self.by:
            case "use":
                yield part, part.use()
            case "demand":
                yield part, part.highest_kw(Peak(minutes=self.minutes))
            case agreed:
                held = part.measured.held(agreed, part.period)
                if not held:
                    raise NotAgreed(charge=self.code, since=part.period.since)
                for days, quantity in held:
                    yield part.within(days.since, days.until), quantity

    def _limit(self, part: BillSegment, upto: Price | None) -> Number | None:
        if upto is None or self.by != "use":
            return upto
        return part.whole_bill.times(upto, self.bands_per)
