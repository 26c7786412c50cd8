"""Prices by season and time-of-use period, as ladders of blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, NamedTuple, TypeAlias

from pydantic import Field

from domain.kit import Refused, added, value
from domain.pricing.calendars import Calendar, Label, Schedule
from domain.pricing.exact import ONE, ZERO, Number, exceeds, within
from domain.values import Price


class NoRate(Refused):
    """The tariff has no rate for this time-of-use period in this season."""


@value
class Block:
    """A price for what lies below `upto` and above the block before; the last has no end."""

    price: Price
    upto: Price | None = None


Scaled: TypeAlias = Callable[[Decimal], Number]


class Tier(NamedTuple):
    """A block of a ladder, or its only price."""

    price: Decimal
    upto: Decimal | None


@value
class UseLadder:
    """How every kWh is priced where total use is up to `upto`: at one price, or by blocks."""

    upto: Annotated[
        Price | None,
        Field(description="The most that is used, kWh; the last has no end.", examples=["300"]),
    ] = None
    price: Annotated[
        Price | None, Field(description="What each kWh costs.", examples=["6.40"])
    ] = None
    blocks: Annotated[
        tuple[Block, ...],
        Field(description="Or a ladder, from the first kWh on.", examples=[[{"price": "1"}]]),
    ] = ()

    def __post_init__(self) -> None:
        if (self.price is None) == (not self.blocks):
            raise ValueError("what is chosen by use is one price, or blocks")
        check_ends([block.upto for block in self.blocks])


@value
class Rate:
    """What a unit costs in a season and period: one price, or a ladder of blocks."""

    season: Label | None = None
    period: Label | None = None
    price: Price | None = None
    blocks: tuple[Block, ...] = ()
    by_use: Annotated[
        tuple[UseLadder, ...],
        added(
            (),
            "Ladders of which the whole use of the bill chooses one, for all of its kWh.",
            [{"upto": "300", "price": "6.40"}, {"price": "7.25"}],
        ),
    ] = ()

    def __post_init__(self) -> None:
        if [self.price is not None, bool(self.blocks), bool(self.by_use)].count(True) != 1:
            raise ValueError("a rate is one price, or blocks")
        check_ends([block.upto for block in self.blocks])
        check_usage([ladder.upto for ladder in self.by_use])

    @property
    def ladder(self) -> tuple[Tier, ...]:
        """Its blocks, also when it is one price."""
        return _tiers(self.price, self.blocks)

    @property
    def choices(self) -> tuple[tuple[Decimal | None, tuple[Tier, ...]], ...]:
        """Its ladders, each with the most use that it is for; one, if use is no matter."""
        if not self.by_use:
            return ((None, self.ladder),)
        return tuple((one.upto, _tiers(one.price, one.blocks)) for one in self.by_use)

    @property
    def place(self) -> str:
        return " ".join(filter(None, (self.season, self.period))) or "every hour"


def _tiers(price: Decimal | None, blocks: Sequence[Block]) -> tuple[Tier, ...]:
    if price is not None:
        return (Tier(price, None),)
    return tuple(Tier(block.price, block.upto) for block in blocks)


def check_ends(ends: Sequence[Decimal | None]) -> None:
    """Raise ValueError if the limits of blocks do not rise, or the last has an end."""
    closed = [end for end in ends[:-1] if end is not None]
    if len(closed) != max(len(ends) - 1, 0) or closed != sorted(set(closed)):
        raise ValueError("blocks rise, and only the last has no end")
    if ends and ends[-1] is not None:
        raise ValueError("the last block has no end")


def check_usage(ends: Sequence[Decimal | None]) -> None:
    """Raise ValueError as `check_ends` does, and for a usage below zero."""
    check_ends(ends)
    if any(end is not None and end < 0 for end in ends):
        raise ValueError("a band of usage ends at zero or above")


class Band(NamedTuple):
    """From above one quantity up to another: None is no limit."""

    above: Number | None
    upto: Number | None

    def has(self, quantity: Number) -> Number:
        """One where the quantity lies in it, else zero: a condition that can be multiplied."""
        above = ONE if self.above is None else exceeds(quantity, self.above)
        return above if self.upto is None else above * (1 - exceeds(quantity, self.upto))


def bands_of(ends: Sequence[Number | None]) -> list[Band]:
    """The bands between limits that rise."""
    return [Band(above, upto) for above, upto in zip([None, *ends], ends, strict=False)]


@dataclass(frozen=True, slots=True)
class Rung:
    """A block of a ladder between its two limits, already scaled to the days at hand."""

    tier: int  # 1, 2 …; 0 in a ladder of one
    above: Number
    upto: Number | None
    price: Number
    chosen: Number = ONE  # one, or zero where total use chooses another ladder

    @property
    def chosen_whole(self) -> bool:
        """Whether total use chooses it, and then it prices everything."""
        return self.chosen is not ONE and self.above is ZERO and self.upto is None

    def part_of(self, quantity: Number, before: Number = ZERO) -> Number:
        """How much of a quantity falls in it, when `before` was used already."""
        found = self._part_of(quantity, before)
        return found if self.chosen is ONE else found * self.chosen

    def _part_of(self, quantity: Number, before: Number) -> Number:
        if self.above is ZERO and self.upto is None:
            return quantity
        if before is ZERO:
            return within(quantity, self.above, self.upto)
        after = within(before + quantity, self.above, self.upto)
        return after - within(before, self.above, self.upto)


def rungs_of(ladder: Sequence[Tier], scaled: Scaled = lambda upto: upto) -> Iterator[Rung]:
    """The blocks of a ladder, their limits scaled to the days at hand."""
    above: Number = ZERO
    for tier, block in enumerate(ladder, 1):
        upto = None if block.upto is None else scaled(block.upto)
        yield Rung(tier if len(ladder) > 1 else 0, above, upto, block.price)
        above = upto


def looked_up(rates: Sequence[Rate], season: str, period: str) -> Rate:
    """The rate for a season and period; one that names no season, or no period, is for all."""
    for rate in rates:
        if rate.season in (None, season) and rate.period in (None, period):
            return rate
    raise NoRate(season=season, period=period)


def check_rates(
    rates: Sequence[Rate], calendar: Calendar, schedule: Schedule | None, place: str
) -> None:
    """Raise ValueError when a season or period has no rate, two rates, or is unknown."""
    seasons = [season.name for season in calendar.seasons]
    periods = schedule.periods if schedule else ()
    for rate in rates:
        if rate.season is not None and rate.season not in seasons:
            raise ValueError(f"{place}: there is no season {rate.season!r}")
        if rate.period is not None and schedule is None:
            raise ValueError(f"{place}: a rate for {rate.period!r} needs a schedule")
    for season in seasons or [""]:
        for period in periods or [""]:
            fitting = list(_fitting(rates, season, period))
            spot = f"{season} {period}".strip() or "every hour"
            if not fitting:
                raise ValueError(f"{place}: no rate for {spot}")
            if len(fitting) > 1:
                raise ValueError(f"{place}: {len(fitting)} rates for {spot}")


def _fitting(rates: Sequence[Rate], season: str, period: str) -> Iterator[Rate]:
    for rate in rates:
        if rate.season in (None, season) and rate.period in (None, period):
            yield rate
