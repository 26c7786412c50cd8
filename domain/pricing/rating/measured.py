"""What was measured over some days, as the numbers in which charges are calculated."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import numpy as np

from domain.kit import Refused
from domain.pricing.calendars import Calendar, Schedule
from domain.pricing.charges.usage import Peak
from domain.pricing.exact import Number, larger
from domain.pricing.rating.agreed import agreed
from domain.pricing.rating.intervals import runs, summable
from domain.pricing.rating.runs import Run, apparent, demand_runs, net_runs, resampled
from domain.pricing.usage import Agreed, Channel, Registered, Series, Usage
from domain.values import Period, midnight, whole


class UsageMissing(Refused):
    """There is no value for a part of the period, and nothing is ever taken for zero."""


class UsageTwice(Refused):
    """There are two values for the same part of the period."""


class UsageBelowZero(Refused):
    """A register, or what it counts beyond others, went backwards; that is not billed."""


class UsageNotByPeriod(Refused):
    """The tariff asks for time-of-use periods, and the register counts something else."""


class DemandNotByDay(Refused):
    """The tariff charges for the demand of each day, and a register showed that of more."""


class ReadingMissing(Refused):
    """The tariff divides a register by readings only; there is none on the day of change."""


class Meters:
    """
    The usage of one account (integers) or of many (columns of integers).

    `number` makes a number of integers and how many decimals they have: kWh of Wh has three.
    """

    def __init__(
        self,
        usage: Usage,
        number: Callable[[Any, int], Number],
        known: Callable[[Number, str, Sequence[str]], Number] | None = None,
        runs: Sequence[Run] | None = None,
        digits: int = 0,
    ) -> None:
        self.usage = usage
        self._line = ""
        self._number = number
        self._known = known
        self._fine = max((one.digits for one in usage.series), default=digits)
        self._energy: dict[Hashable, dict[str, Number]] = {}
        self._runs = (
            [_run(one, self._fine) for one in usage.series] if runs is None else list(runs)
        )

    def _kwh(self, wh: Any) -> Number:
        return self._number(wh, 3 + self._fine)

    def known(self, number: Number, what: str, facts: Sequence[str] = ()) -> Number:
        """A number that a rule starts from; explained by `what` and facts when asked for."""
        return number if self._known is None else self._known(number, what, facts)

    @property
    def persons(self) -> int:
        """How many live in the household."""
        return self.usage.persons

    @property
    def told_power_factor(self) -> Number | None:
        """The power factor, where it is told and not measured."""
        told = self.usage.power_factor
        return None if told is None else self.known(told, "power factor, as told")

    def energy(
        self,
        period: Period,
        channel: Channel,
        schedule: Schedule | None,
        calendar: Calendar,
        over: Literal["interval", "hour"] | None = None,
    ) -> dict[str, Number]:
        """Energy by time-of-use period, kWh or kvarh; measured once, however often asked."""
        key = (period.since, period.until, channel, id(schedule), over)
        if key not in self._energy:
            self._energy[key] = self._measure(period, channel, schedule, calendar, over)
        return self._energy[key]

    def _measure(
        self,
        period: Period,
        channel: Channel,
        schedule: Schedule | None,
        calendar: Calendar,
        over: Literal["interval", "hour"] | None,
    ) -> dict[str, Number]:
        summed: dict[str, Any] = {}
        facts: list[str] = []
        for one in self._registers(period, channel, schedule):
            label = (one.label or "") if schedule else ""
            summed[label] = summed.get(label, 0) + _by_days(one, period) * 10**self._fine
            facts += one.facts
        for run in self._flows(period, channel, over):
            count = run.wh.shape[-1]
            found = runs(
                run.start, run.minutes, count, self.usage.zone, period, schedule, calendar
            )
            for label, wh in found.sums(run.wh).items():
                summed[label] = summed.get(label, 0) + wh
            facts += run.facts
        if schedule and schedule.remainder and summed:
            self._settle(summed, period, channel, schedule)
        if any(_below_zero(wh) for wh in summed.values()):
            raise UsageBelowZero(channel=channel, since=period.since, until=period.until)
        unit = "kvarh" if channel == "reactive" else "kWh"
        return {
            label: self.known(
                self._kwh(wh), " ".join(filter(None, (unit, channel, label))), facts
            )
            for label, wh in summed.items()
        }

    def _settle(
        self, summed: dict[str, Any], period: Period, channel: Channel, schedule: Schedule
    ) -> None:
        """Add to one period what the total register counted beyond those by period."""
        whole = [one for one in self._within(period, channel) if one.label is None]
        if whole and schedule.remainder and set(summed) != {""}:
            total = sum(_by_days(one, period) for one in whole) * 10**self._fine
            rest = total - sum(summed.values())
            summed[schedule.remainder] = summed.get(schedule.remainder, 0) + rest

    def _within(self, period: Period, channel: Channel) -> list[Registered]:
        return [
            one
            for one in self.usage.registers
            if one.channel == channel and one.since < period.until and period.since < one.until
        ]

    def check_read(self, period: Period) -> None:
        """Raise ReadingMissing if a register was not read where a tariff begins or ends."""
        for one in self.usage.registers:
            for change in (period.since, period.until):
                if one.since < change < one.until:
                    raise ReadingMissing(on=change, since=one.since, until=one.until)

    def peaks(
        self, period: Period, asked: Peak, schedule: Schedule | None, calendar: Calendar
    ) -> dict[str, Number]:
        """Highest demand by time-of-use period, kW or kVA."""
        found = self._shown(period, asked, schedule)
        for run in [] if found else demand_runs(self._covering, period, asked, self.usage.zone):
            known = runs(
                run.start,
                run.minutes,
                run.wh.shape[-1],
                self.usage.zone,
                period,
                schedule,
                calendar,
            )
            for label, wh in known.peaks(run.wh).items():
                kw = self.known(
                    self._demand(wh, run.minutes, asked),
                    f"highest {asked.unit} {label}",
                    run.facts,
                )
                found[label] = larger(found[label], kw) if label in found else kw
        return found

    def _shown(
        self, period: Period, asked: Peak, schedule: Schedule | None
    ) -> dict[str, Number]:
        """What registers of demand showed: the highest of each supply line, added up."""
        highest: dict[tuple[str, str], Number] = {}
        for one in self.usage.demands:
            elsewhen = one.since >= period.until or period.since >= one.until
            if one.unit != asked.unit or elsewhen:
                continue
            if asked.by_day and (one.since, one.until) != (period.since, period.until):
                raise DemandNotByDay(since=one.since, until=one.until)
            label = (one.label or "") if schedule else ""
            kw = self.known(self._number(one.w, 3), f"highest {one.unit} {label}", one.facts)
            key = label, one.line
            highest[key] = larger(highest[key], kw) if key in highest else kw
        found: dict[str, Number] = {}
        for (label, _), kw in highest.items():
            found[label] = found[label] + kw if label in found else kw
        return found

    def _demand(self, wh: Any, minutes: int, asked: Peak) -> Number:
        if asked.unit == "kVA":
            return self._number(apparent(wh, minutes, self._fine), 6)
        if 60 % minutes == 0:
            return self._kwh(wh * (60 // minutes))
        return self._kwh(wh) * 60 / minutes

    @property
    def supply_line(self) -> str:
        """The supply line that this is of, where an account has several."""
        return self._line

    def by_supply(self) -> Sequence[Meters]:
        """The same for each supply line that has an agreement of its own; one, if none has."""
        if self._line or not any(one.line for one in self.usage.held):
            return [self]
        lines = [one.line for one in self.usage.demands]
        lines += [one.line for one in self.usage.held]
        return [self._of_line(line) for line in dict.fromkeys(lines)]

    def _of_line(self, line: str) -> Meters:
        usage = replace(
            self.usage,
            demands=tuple(one for one in self.usage.demands if one.line == line),
            held=tuple(one for one in self.usage.held if one.line == line),
        )
        made = Meters(usage, self._number, self._known, self._runs, self._fine)
        made._line = line
        return made

    def held(
        self, what: Agreed, period: Period, label: str = ""
    ) -> list[tuple[Period, Number]]:
        """What was agreed (kW) or installed (kVA), for a period of hours, by stretches."""
        return [
            (days, self.known(self._number(w, 3), f"{what} {label}".rstrip(), facts))
            for days, w, facts in agreed(self.usage, what, period, label)
        ]

    def agreed_periods(self, what: Agreed, period: Period) -> set[str]:
        """The periods of hours for which something was agreed."""
        return {
            one.label
            for one in self.usage.held
            if one.what == what and one.label and period.meet(one.since, one.until)
        }

    def in_time_order(
        self,
        period: Period,
        schedule: Schedule | None,
        calendar: Calendar,
        limits: Mapping[str, list[Number]],
        before: Number,
        over: Literal["interval", "hour"] | None = None,
    ) -> dict[tuple[str, int], Number]:
        """KWh by period and block of one ladder that fills as energy flows."""
        filled: dict[tuple[str, int], Any] = {}
        bounds = {
            label: [self._whole(limit) for limit in some] for label, some in limits.items()
        }
        reached = self._whole(before)
        for run in self._flows(period, "import", over):
            known = runs(
                run.start,
                run.minutes,
                run.wh.shape[-1],
                self.usage.zone,
                period,
                schedule,
                calendar,
            )
            for key, wh in known.fill(run.wh, bounds, reached).items():
                filled[key] = filled.get(key, 0) + wh
            reached = reached + run.wh[..., known.first : known.last].sum(axis=-1)
        if not filled and sum(len(some) > 1 for some in limits.values()):
            raise UsageNotByPeriod(schedule=schedule.name if schedule else "")
        return {
            (label, tier): self.known(self._kwh(wh), f"kWh {label} in block {tier + 1}")
            for (label, tier), wh in filled.items()
        }

    def _whole(self, kwh: Number) -> Any:
        """A limit or position on a ladder, in whole units of measurement; None stays None."""
        if kwh is None or isinstance(kwh, Decimal):
            return None if kwh is None else whole(kwh.scaleb(3 + self._fine))
        return kwh.integers(3 + self._fine)

    def _flows(
        self, period: Period, channel: Channel, over: Literal["interval", "hour"] | None
    ) -> list[Run]:
        """The runs of a channel, net of the other direction within an interval or hour."""
        if over is None:
            return self._covering(period, channel, read=self._within(period, channel))
        mine = self._covering(period, channel)
        other = self._covering(period, "import" if channel == "export" else "export")
        if over == "hour":
            mine, other = (
                [hour for run in some for hour in resampled(run, 60, self.usage.zone)]
                for some in (mine, other)
            )
        return net_runs(mine, other)

    def _registers(
        self, period: Period, channel: Channel, schedule: Schedule | None
    ) -> list[Registered]:
        """The registers to add up: those by period if asked for, else the totals."""
        mine = self._within(period, channel)
        labelled = [one for one in mine if one.label is not None]
        if schedule is None:
            return [one for one in mine if one.label is None] or labelled
        if mine and not labelled and len(schedule.periods) > 1:
            raise UsageNotByPeriod(schedule=schedule.name, periods=schedule.periods)
        return labelled or mine

    def _covering(
        self, period: Period, channel: Channel, read: Sequence[Registered] = ()
    ) -> list[Run]:
        """The runs of a channel that, with registers `read`, cover the days; none if none."""
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
            if run.start > self._read_until(reached, read):
                raise UsageMissing(channel=channel, since=reached, until=run.start)
            if found and run.start < reached:
                raise UsageTwice(channel=channel, since=run.start, until=reached)
            found.append(run)
            reached = run.until
        if self._read_until(reached, read) < until:
            raise UsageMissing(channel=channel, since=reached, until=until)
        return found

    def _read_until(self, reached: datetime, read: Sequence[Registered]) -> datetime:
        """How far registers go on from there: a meter that was exchanged for a smart one."""
        for one in sorted(read, key=lambda one: one.since):
            if midnight(one.since, self.usage.zone) <= reached:
                reached = max(reached, midnight(one.until, self.usage.zone))
        return reached


def _run(one: Series, fine: int) -> Run:
    wh = summable(one.wh, 10 ** (fine - one.digits))
    return Run(one.channel, one.start, one.minutes, wh, one.facts)


def _below_zero(wh: Any) -> bool:
    return bool(np.any(wh < 0)) if isinstance(wh, np.ndarray) else bool(wh < 0)


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


def plain(integer: Any, digits: int) -> Decimal:
    """An integer with so many decimals: 1234 Wh with three is 1.234 kWh."""
    return Decimal(int(integer)).scaleb(-digits)
