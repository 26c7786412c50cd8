"""What was measured over some days, as the numbers in which charges are reckoned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from domain.calendars import Calendar, Schedule
from domain.exact import Number
from domain.kit import Refused
from domain.rating.intervals import Ints, runs
from domain.usage import Channel, Registered, Usage
from domain.values import Period, midnight


class UsageMissing(Refused):
    """There is no value for a part of the period, and nothing is ever taken for zero."""


class UsageTwice(Refused):
    """There are two values for the same part of the period."""


class UsageNotByPeriod(Refused):
    """The tariff asks for time-of-use periods, and the register counts something else."""


class ReadingMissing(Refused):
    """The tariff divides a register by readings only; there is none on the day of change."""


@dataclass(frozen=True, slots=True)
class Run:
    """A series as an array, last axis time."""

    channel: Channel
    start: datetime
    minutes: int
    wh: Ints
    facts: tuple[str, ...]

    @property
    def until(self) -> datetime:
        return self.start + timedelta(minutes=self.minutes * self.wh.shape[-1])


class Meters:
    """
    The usage of one account (integers) or of many (columns of integers).

    `number` makes a number of an integer of thousandths: kWh of Wh.
    """

    def __init__(
        self,
        usage: Usage,
        number: Callable[[Any], Number],
        known: Callable[[Number, str, Sequence[str]], Number] | None = None,
        runs: Sequence[Run] | None = None,
    ) -> None:
        self.usage = usage
        self._number = number
        self._known = known
        self._runs = [_run(one) for one in usage.series] if runs is None else list(runs)

    def known(self, number: Number, what: str, facts: Sequence[str] = ()) -> Number:
        """A number that a rule starts from; explained by `what` and facts when asked for."""
        return number if self._known is None else self._known(number, what, facts)

    def energy(
        self, period: Period, channel: Channel, schedule: Schedule | None, calendar: Calendar
    ) -> dict[str, Number]:
        """Energy by time-of-use period, kWh or kvarh."""
        summed: dict[str, Any] = {}
        facts: list[str] = []
        for one in self._registers(period, channel, schedule):
            label = (one.label or "") if schedule else ""
            summed[label] = summed.get(label, 0) + _by_days(one, period)
            facts += one.facts
        for run in self._covering(period, channel):
            count = run.wh.shape[-1]
            found = runs(
                run.start, run.minutes, count, self.usage.zone, period, schedule, calendar
            )
            for label, wh in found.sums(run.wh).items():
                summed[label] = summed.get(label, 0) + wh
            facts += run.facts
        unit = "kvarh" if channel == "reactive" else "kWh"
        return {
            label: self.known(
                self._number(wh), " ".join(filter(None, (unit, channel, label))), facts
            )
            for label, wh in summed.items()
        }

    def _registers(
        self, period: Period, channel: Channel, schedule: Schedule | None
    ) -> list[Registered]:
        """The registers to add up: those by period if asked for, else the totals."""
        mine = [
            one
            for one in self.usage.registers
            if one.channel == channel and one.since < period.until and period.since < one.until
        ]
        labelled = [one for one in mine if one.label is not None]
        if schedule is None:
            return [one for one in mine if one.label is None] or labelled
        if mine and not labelled and len(schedule.periods) > 1:
            raise UsageNotByPeriod(schedule=schedule.name, periods=schedule.periods)
        return labelled or mine

    def _covering(self, period: Period, channel: Channel) -> list[Run]:
        """The runs of a channel that together cover the days; none if it has none at all."""
        mine = sorted(
            (run for run in self._runs if run.channel == channel), key=lambda run: run.start
        )
        if not mine:
            return []
        since = reached = midnight(period.since, self.usage.zone)
        until = midnight(period.until, self.usage.zone)
        found: list[Run] = []
        for run in mine:
            if run.until <= since or run.start >= until:
                continue
            if run.start > reached:
                raise UsageMissing(channel=channel, since=reached, until=run.start)
            if found and run.start < reached:
                raise UsageTwice(channel=channel, since=run.start, until=reached)
            found.append(run)
            reached = run.until
        if reached < until:
            raise UsageMissing(channel=channel, since=reached, until=until)
        return found


def _run(one: Any) -> Run:
    return Run(one.channel, one.start, one.minutes, np.array(one.wh, np.int64), one.facts)


def _by_days(one: Registered, period: Period) -> Any:
    """
    The share of a register that falls in a period, in proportion to days.

    Cumulated and rounded half up in Wh, so that the shares of all parts sum to the whole.
    """
    if period.since <= one.since and one.until <= period.until:
        return one.wh
    days = (one.until - one.since).days

    def up_to(day: Any) -> Any:
        passed = min(max((day - one.since).days, 0), days)
        return (2 * one.wh * passed + days) // (2 * days)

    return up_to(period.until) - up_to(period.since)


def of_thousandths(wh: Any) -> Decimal:
    """Wh as kWh, W as kW."""
    return Decimal(int(wh)).scaleb(-3)
