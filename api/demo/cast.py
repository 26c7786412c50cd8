"""Who and what is in the story: people with their duties, days, readings, half-hours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from api.demo.doors import Person
from api.demo.meters import ZONE
from domain.metering.meter import Register
from domain.readings.intervals import Minutes, RecordIntervals, intervals_in

ADMIN = Person("Adam", "admin")
CLERK = Person("Carol", "clerk")
FITTER = Person("Mehmet", "metering")
READER = Person("Rita", "reader")
ANALYST = Person("Ann", "analyst")
SUPERVISOR = Person("Sam", "supervisor")
BILLING = Person("Bea", "billing")
CASHIER = Person("Carl", "cashier")

MONTHS = (date(2025, 10, 1), date(2025, 11, 1), date(2025, 12, 1))
SINCE = MONTHS[0]
UNTIL = date(2026, 1, 1)
CORRECTED_ON = date(2026, 1, 20)
FAST_SINCE = date(2025, 10, 15)
ERROR = Decimal("0.06")

REGISTERS = (Register(code="1.8.0", digits=5),)
MULTIPLIER = 20
AT_FIRST = {"1.8.0": Decimal("4120")}
READINGS = {
    FAST_SINCE: Decimal("4144"),
    date(2025, 11, 1): Decimal("4175"),
    date(2025, 12, 1): Decimal("4232"),
    UNTIL: Decimal("4301"),
}
MINUTES: Minutes = 30
NIGHT_WH, DAY_WH = 900, 210  # half an hour of storage heaters, and one of the rest


def interval_days(point: str, zone: str = ZONE) -> Iterator[RecordIntervals]:
    """Every day of the story at one point; in Britain the day when clocks go back has 50."""
    day = SINCE
    while day < UNTIL:
        count = intervals_in(day, MINUTES, zone)
        night = count - 34  # seventeen hours of day; the rest is night, 7 hours or 8
        wh = [NIGHT_WH + day.day] * night + [DAY_WH + 3 * day.day] * 34
        yield RecordIntervals(point=point, day=day, minutes=MINUTES, wh=tuple(wh))
        day += timedelta(days=1)
