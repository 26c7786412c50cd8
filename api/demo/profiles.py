"""
Synthetic households: registers that advance as a standard load profile says, and who pays how.

MONTHS is how the household profile H25 of BDEW (2025, with its dynamisation) spreads a year
over its months, in thousandths: sums of the profile as demandlib 0.2.2 (MIT) gives it.  How
much a household uses is drawn around what Ofgem names as typical: 2,700 kWh a year, and
3,900 kWh where there are two rates.  Of the latter 42 % is at night (eonenergy.com, Economy 7).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal, TypeAlias

from domain.values import next_month

MONTHS = (101, 88, 89, 81, 77, 72, 74, 74, 73, 83, 89, 99)
MORNING = (30, 26, 24, 24, 25, 28, 34, 38, 40, 41, 42, 46)
HOURS = (*MORNING, 47, 45, 43, 43, 47, 55, 61, 63, 59, 54, 47, 38)
"""How the same profile spreads its year over the hours of the day, in thousandths."""
ONE_RATE_KWH, TWO_RATE_KWH = 2700, 3900
NIGHT_SHARE = 0.42
SEED = 2025

Habit: TypeAlias = Literal["prompt", "late", "partly", "ahead", "stops"]
HABITS: tuple[Habit, ...] = (
    ("prompt",) * 12 + ("late",) * 3 + ("partly", "partly", "ahead", "ahead", "stops")
)

STREETS = (
    "Mill Lane",
    "Harbour Street",
    "Station Road",
    "Chapel Hill",
    "Ropewalk",
    "Quay Side",
)


@dataclass(frozen=True, slots=True)
class Household:
    """What a synthetic household is, and what its meter showed at the start of each month."""

    number: int
    address: str
    two_rates: bool
    habit: Habit
    readings: dict[
        date, dict[str, Decimal]
    ]  # by register, in whole kWh; a day not read is missing
    by_customer: frozenset[date]  # days the customer read the meter, not a reader

    @property
    def name(self) -> str:
        return f"Synthetic household {self.number}"

    @property
    def contact(self) -> str:
        return "synthetic: made from the standard load profile BDEW H25"


def households(count: int, year: int) -> Iterator[Household]:
    """So many households, always the same ones."""
    draw = random.Random(SEED)
    for number in range(1, count + 1):
        two_rates = number % 7 == 0
        yearly = (TWO_RATE_KWH if two_rates else ONE_RATE_KWH) * draw.lognormvariate(0, 0.35)
        readings = _readings(draw, yearly, year, two_rates)
        months = sorted(readings)
        if number % 15 == 0:  # nobody was in when the reader came
            del readings[months[draw.randrange(2, 11)]]
        yield Household(
            number=number,
            address=f"{number % 90 + 1} {STREETS[number % len(STREETS)]}",
            two_rates=two_rates,
            habit=draw.choice(HABITS),
            readings=readings,
            by_customer=frozenset(day for day in readings if draw.random() < 0.1),
        )


def interval_days(number: int, year: int) -> Iterator[tuple[date, int]]:
    """What a synthetic interval meter counts on each day of a year, in Wh."""
    draw = random.Random(SEED + number)
    yearly = ONE_RATE_KWH * draw.lognormvariate(0, 0.35)
    day = date(year, 1, 1)
    while day.year == year:
        days = (next_month(day) - day.replace(day=1)).days
        used = yearly * MONTHS[day.month - 1] / 1000 / days * draw.uniform(0.7, 1.3)
        yield day, round(used * 1000)
        day += timedelta(days=1)


def _readings(
    draw: random.Random, yearly: float, year: int, two_rates: bool
) -> dict[date, dict[str, Decimal]]:
    """The first of each month, the next January included."""
    at = {code: float(draw.randrange(200, 60_000)) for code in codes(two_rates)}
    day = date(year, 1, 1)
    found = {day: _shown(at)}
    for share in MONTHS:
        used = yearly * share / 1000 * draw.uniform(0.9, 1.1)
        for code in at:
            at[code] += used * _part(code, two_rates)
        day = next_month(day)
        found[day] = _shown(at)
    return found


def codes(two_rates: bool) -> tuple[str, ...]:
    """OBIS codes of the registers: rate 1 is day, rate 2 is night; without rates the total."""
    return ("1.8.1", "1.8.2") if two_rates else ("1.8.0",)


def _part(code: str, two_rates: bool) -> float:
    if not two_rates:
        return 1.0
    return NIGHT_SHARE if code == "1.8.2" else 1 - NIGHT_SHARE


def _shown(at: dict[str, float]) -> dict[str, Decimal]:
    """What five digits without decimals show."""
    return {code: Decimal(int(kwh) % 100_000) for code, kwh in at.items()}
