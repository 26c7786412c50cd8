"""What a charge may ask of what was measured and agreed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from domain.pricing.calendars import Calendar, Schedule
from domain.pricing.exact import Number
from domain.pricing.usage import Agreed, Channel
from domain.values import Period


@dataclass(frozen=True, slots=True)
class Peak:
    """
    Which demand is meant: in kW or kVA, the mean over how many minutes (None: as told).

    Intervals that are longer are refused, or taken as they are.
    """

    unit: Literal["kW", "kVA"] = "kW"
    minutes: int | None = None
    longer: Literal["refused", "taken"] = "refused"
    by_day: bool = False  # of one day, of which a register must not have shown more


AS_TOLD = Peak()


class Measured(Protocol):
    """What was measured, as numbers: kWh, kvarh, kW, kVA."""

    @property
    def persons(self) -> int:
        """How many live in the household."""
        ...

    @property
    def told_power_factor(self) -> Number | None:
        """The power factor, where it is told and not measured."""
        ...

    def energy(
        self,
        period: Period,
        channel: Channel,
        schedule: Schedule | None,
        calendar: Calendar,
        over: Literal["interval", "hour"] | None = None,
    ) -> dict[str, Number]:
        """Energy by time-of-use period; `over`: net of the other direction within that time."""
        ...

    def peaks(
        self, period: Period, asked: Peak, schedule: Schedule | None, calendar: Calendar
    ) -> dict[str, Number]:
        """Highest demand by time-of-use period; empty when none was measured."""
        ...

    def in_time_order(
        self,
        period: Period,
        schedule: Schedule | None,
        calendar: Calendar,
        limits: Mapping[str, list[Number]],
        before: Number,
        over: Literal["interval", "hour"] | None = None,
    ) -> dict[tuple[str, int], Number]:
        """KWh by period and block of one ladder that fills as energy flows; `over` as above."""
        ...

    @property
    def supply_line(self) -> str:
        """The supply line that this is of, where an account has several."""
        ...

    def by_supply(self) -> Sequence[Measured]:
        """The same for each supply line that has an agreement of its own; one, if none has."""
        ...

    def held(
        self, what: Agreed, period: Period, label: str = ""
    ) -> list[tuple[Period, Number]]:
        """What was agreed (kW) or installed (kVA), for a period of hours, by stretches."""
        ...

    def agreed_periods(self, what: Agreed, period: Period) -> set[str]:
        """The periods of hours for which something was agreed."""
        ...

    def known(self, number: Number, what: str, facts: Sequence[str] = ()) -> Number:
        """A number that a rule starts from, under the name by which it will be explained."""
        ...
