"""
What a register has counted: the reading it shows, and how often it rolled over before.

A turn is told by whoever reads; the turns of later readings follow from what they show.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from domain.metering.meter.events import Readings, Recount, Register
from domain.metering.meter.refusals import (
    NoSuchRegister,
    ReadingAheadOfNext,
    ReadingOutOfRange,
    ReadingStandsOnIt,
    RegisterNotRead,
    RegistersDoNotAddUp,
    RegisterWentBack,
    RollOverImplausible,
)
from domain.metering.meter.state import Installation, Taken

WHOLE_DAY = {"day", "night"}  # labels that leave no hour out
MOST = 9  # tenths of a turn: no register runs nearly the whole way round between two readings


@dataclass(frozen=True, slots=True)
class Placed:
    """A reading in its place: what it counts, what turned, and what moves because of it."""

    counts: dict[str, int]
    turned: tuple[str, ...] = ()
    disproved: tuple[tuple[date, Taken], ...] = ()  # the estimates that it shows to be wrong
    recounts: tuple[Recount, ...] = ()


def first(registers: tuple[Register, ...], readings: Readings) -> dict[str, int]:
    """The counts of a meter that is installed."""
    return {register.code: count for register, count in _shown(registers, readings)}


def placed(
    one: Installation, on: date, readings: Readings, *, rolled_over: bool, actual: bool
) -> Placed:
    """
    A reading among the others of its installation; one of the same day is left out.

    An actual reading disproves the estimates that do not fit it.  Raises NoSuchRegister,
    RegisterNotRead, ReadingOutOfRange, RegisterWentBack, RollOverImplausible,
    RegistersDoNotAddUp, ReadingAheadOfNext.
    """
    shown = _shown(one.registers, readings)
    earlier = [(day, one.taken[day]) for day in sorted(one.taken) if day < on]
    floor = _floor(earlier, actual=actual)
    counts, turned = _counts(shown, floor, rolled_over=rolled_over)
    if floor:
        _add_up(one.registers, {code: counts[code] - floor[code] for code in counts})
    wrong = list(_disproved(one, on, counts)) if actual else []
    if rolled_over and not (actual and (turned or wrong)):
        raise RollOverImplausible(on=on, shown=dict(readings))
    return Placed(counts, turned, tuple(wrong), recounts(_left(one, wrong), on, counts))


def withdrawn(one: Installation, on: date) -> tuple[Recount, ...]:
    """What later readings count without the one of that day.  Raises ReadingStandsOnIt."""
    before = max(day for day in one.taken if day < on)
    try:
        return recounts(one, on, one.taken[before].counts)
    except ReadingAheadOfNext as no:
        raise ReadingStandsOnIt(**no.details) from no


def recounts(one: Installation, on: date, counts: Mapping[str, int]) -> tuple[Recount, ...]:
    """What the readings after a day count, given its counts.  Raises ReadingAheadOfNext."""
    later = sorted(day for day in one.taken if day > on)
    if not later:
        return ()
    after = one.taken[later[0]].counts
    moved = {}
    for register in one.registers:
        code, turn = register.code, register.turn
        run = (after[code] - counts[code]) % turn
        if run * 10 > MOST * turn:
            raise ReadingAheadOfNext(
                register=code,
                on=later[0],
                next=as_shown(after[code], register),
                asked=as_shown(counts[code], register),
            )
        moved[code] = counts[code] + run - after[code]
    return tuple(shifted(one, later, moved)) if any(moved.values()) else ()


def shifted(one: Installation, days: list[date], moved: Mapping[str, int]) -> Iterator[Recount]:
    """The readings of these days, so many Wh more or less counted."""
    for day in days:
        counts = {code: count + moved[code] for code, count in one.taken[day].counts.items()}
        yield Recount(on=day, last=day == one.until, counts=counts)


def again(one: Installation, registers: tuple[Register, ...]) -> tuple[Recount, ...]:
    """Every reading counted by registers of other digits; what they show stays."""
    were = {register.code: register for register in one.registers}
    made: list[Recount] = []
    low: dict[str, int] = {}
    for day in sorted(one.taken):
        counts = {}
        for register in registers:
            shown = as_shown(one.taken[day].counts[register.code], were[register.code])
            count, floor = _count(register, shown), low.get(register.code, 0)
            count += floor - floor % register.turn
            counts[register.code] = count + register.turn if count < floor else count
        if counts != one.taken[day].counts:
            made.append(Recount(on=day, last=day == one.until, counts=counts))
        low = counts
    return tuple(made)


def readings_of(one: Installation, day: date) -> dict[str, Decimal]:
    """What the registers showed at a reading, in kWh."""
    counts = one.taken[day].counts
    return {each.code: as_shown(counts[each.code], each) for each in one.registers}


def as_shown(count: int, register: Register) -> Decimal:
    """What a register shows that has counted so much, in kWh."""
    return Decimal(count % register.turn) / 1000


def _floor(earlier: list[tuple[date, Taken]], *, actual: bool) -> Mapping[str, int]:
    """The counts it cannot be below: those of the reading before; an estimate is no floor."""
    trusted = (
        taken.counts
        for _, taken in reversed(earlier)
        if not actual or taken.source != "estimate"
    )
    return next(trusted, {})


def _counts(
    shown: list[tuple[Register, int]], floor: Mapping[str, int], *, rolled_over: bool
) -> tuple[dict[str, int], tuple[str, ...]]:
    counts: dict[str, int] = {}
    turned: list[str] = []
    for register, shows in shown:
        code, turn = register.code, register.turn
        low = floor.get(code, 0)
        count = shows + low - low % turn
        if count < low:
            last, asked = as_shown(low, register), as_shown(shows, register)
            if not rolled_over:
                raise RegisterWentBack(register=code, last=last, asked=asked)
            count += turn
            if (count - low) * 10 > MOST * turn:
                raise RollOverImplausible(register=code, last=last, asked=asked)
            turned.append(code)
        counts[code] = count
    return counts, tuple(turned)


def _add_up(registers: tuple[Register, ...], run: Mapping[str, int]) -> None:
    """
    Registers of parts of a day and the total of a channel ran alike, but for their last digits.

    Parts may leave hours out that only the total counts, unless they are day and night.
    Raises RegistersDoNotAddUp.
    """
    for channel in {register.channel for register in registers}:
        mine = [register for register in registers if register.channel == channel]
        totals = [register for register in mine if register.label is None]
        parts = [register for register in mine if register.label is not None]
        if len(totals) != 1 or not parts:
            continue
        over = sum(run[part.code] for part in parts) - run[totals[0].code]
        unseen = sum(10 ** (3 - register.decimals) for register in mine)
        whole = {register.label for register in parts} >= WHOLE_DAY
        if over > unseen or (whole and -over > unseen):
            raise RegistersDoNotAddUp(
                register=totals[0].code,
                total=Decimal(run[totals[0].code]) / 1000,
                parts={part.code: Decimal(run[part.code]) / 1000 for part in parts},
            )


def _disproved(
    one: Installation, on: date, counts: Mapping[str, int]
) -> Iterator[tuple[date, Taken]]:
    """The estimates next to an actual reading that are above it before it, or below after."""
    before = [day for day in sorted(one.taken, reverse=True) if day < on]
    after = [day for day in sorted(one.taken) if day > on]
    for days, sign in ((before, 1), (after, -1)):
        for day in days:
            taken = one.taken[day]
            if taken.source != "estimate":
                break
            if any(sign * (taken.counts[code] - counts[code]) > 0 for code in counts):
                yield day, taken


def _left(one: Installation, wrong: list[tuple[date, Taken]]) -> Installation:
    days = {day for day, _ in wrong}
    return replace(one, taken={d: each for d, each in one.taken.items() if d not in days})


def _shown(registers: tuple[Register, ...], readings: Readings) -> list[tuple[Register, int]]:
    codes = {register.code for register in registers}
    for code in readings:
        if code not in codes:
            raise NoSuchRegister(register=code, has=sorted(codes))
    for register in registers:
        if register.code not in readings:
            raise RegisterNotRead(register=register.code)
    return [(each, _count(each, readings[each.code])) for each in registers]


def _count(register: Register, shown: Decimal) -> int:
    count = shown * 1000
    steps = shown.scaleb(register.decimals)
    if not 0 <= count < register.turn or steps != steps.to_integral_value():
        raise ReadingOutOfRange(
            register=register.code,
            digits=register.digits,
            decimals=register.decimals,
            asked=shown,
        )
    return int(count)
