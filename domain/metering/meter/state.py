"""What a meter then is: its installations, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeAlias, assert_never

from domain.kit import AtThing, Kind
from domain.metering.meter.events import (
    MeterErrorWithdrawn,
    MeterEstimateCancelled,
    MeterEvent,
    MeterFoundInaccurate,
    MeterInstallationWithdrawn,
    MeterInstalled,
    MeterMultiplierSet,
    MeterRead,
    MeterReadingCorrected,
    MeterReadingWithdrawn,
    MeterRegistersCorrected,
    MeterRemovalWithdrawn,
    MeterRemoved,
    Recount,
    Register,
)


@dataclass(frozen=True, slots=True)
class Taken:
    """A reading: what was counted by then, Wh a register, and by whom: as the table says."""

    counts: Mapping[str, int]
    source: str  # install, reader, remote, customer, estimate, remove


@dataclass(frozen=True, slots=True)
class Installation:
    """A spell at one point, with its first reading and its last."""

    point: str
    since: date
    registers: tuple[Register, ...]
    multipliers: Mapping[date, int]
    taken: Mapping[date, Taken]
    until: date | None = None
    errors: tuple[MeterFoundInaccurate, ...] = ()

    def covers(self, day: date) -> bool:
        """Whether it may be read there at the start of that day: the last one included."""
        return self.since <= day and (self.until is None or day <= self.until)

    def multiplier_on(self, day: date) -> int:
        """By what a count of that day is multiplied."""
        return self.multipliers[max(since for since in self.multipliers if since <= day)]


@dataclass(frozen=True, slots=True)
class Meter:
    """Where it was, and is; in order of days."""

    installations: tuple[Installation, ...] = ()

    @property
    def now(self) -> Installation | None:
        """The installation that has no end yet."""
        last = self.installations[-1] if self.installations else None
        return last if last and last.until is None else None

    @property
    def free(self) -> date:
        """The first day on which it may be installed somewhere, once it is removed."""
        return max((each.until or each.since for each in self.installations), default=date.min)

    def at(self, day: date, point: str | None = None) -> Installation | None:
        """The installation to which a reading of that day belongs: of two the later one."""
        found = (one for one in reversed(self.installations) if one.covers(day))
        return next((one for one in found if point in (None, one.point)), None)


Change: TypeAlias = Callable[[Installation], Installation]


def evolve(meter: Meter, happened: MeterEvent) -> Meter:
    """Change the meter as the event says."""
    match happened:
        case MeterInstalled():
            return _installed(meter, happened)
        case MeterRead() | MeterReadingCorrected() | MeterReadingWithdrawn():
            last = isinstance(happened, MeterReadingCorrected) and happened.last
            return _changed(meter, happened.on, last, lambda one: _read(one, happened))
        case MeterEstimateCancelled():
            return _changed(meter, happened.on, False, lambda one: _without(one, happened.on))
        case MeterMultiplierSet() | MeterRegistersCorrected():
            return _of(meter, happened.installed, lambda one: _counting(one, happened))
        case MeterFoundInaccurate():
            return _changed(meter, happened.since, False, lambda one: _tested(one, happened))
        case MeterErrorWithdrawn():  # it may have been removed before that day since
            return Meter(tuple(_tested(one, happened) for one in meter.installations))
        case MeterRemoved() | MeterRemovalWithdrawn() | MeterInstallationWithdrawn():
            return _ended(meter, happened)
        case _:
            assert_never(happened)


def _installed(meter: Meter, e: MeterInstalled) -> Meter:
    new = Installation(
        e.point,
        e.on,
        e.registers,
        {e.on: e.multiplier},
        {e.on: Taken(e.counts, "install")},
    )
    found = sorted((*meter.installations, new), key=lambda one: one.since)
    return Meter(tuple(found))


def _ended(
    meter: Meter, e: MeterRemoved | MeterRemovalWithdrawn | MeterInstallationWithdrawn
) -> Meter:
    match e:
        case MeterRemoved(installed=since, on=on, counts=counts):
            last = Taken(counts, "remove")
            return _of(
                meter, since, lambda one: replace(one, until=on, taken={**one.taken, on: last})
            )
        case MeterRemovalWithdrawn(installed=since, on=on):
            return _of(meter, since, lambda one: replace(_without(one, on), until=None))
        case MeterInstallationWithdrawn(installed=since):
            return Meter(tuple(one for one in meter.installations if one.since != since))


def _read(
    one: Installation, e: MeterRead | MeterReadingCorrected | MeterReadingWithdrawn
) -> Installation:
    match e:
        case MeterReadingWithdrawn():
            return recounted(_without(one, e.on), e.recounts)
        case MeterRead():
            source: str = e.source
        case MeterReadingCorrected():
            source = e.source or one.taken[e.on].source
    return recounted(
        replace(one, taken={**one.taken, e.on: Taken(e.counts, source)}), e.recounts
    )


def recounted(one: Installation, recounts: Iterable[Recount]) -> Installation:
    """The same, with what later readings count now."""
    new = {each.on: replace(one.taken[each.on], counts=each.counts) for each in recounts}
    return replace(one, taken={**one.taken, **new}) if new else one


def _without(one: Installation, on: date) -> Installation:
    return replace(one, taken={day: each for day, each in one.taken.items() if day != on})


def _counting(
    one: Installation, e: MeterMultiplierSet | MeterRegistersCorrected
) -> Installation:
    if isinstance(e, MeterRegistersCorrected):
        return recounted(replace(one, registers=e.registers), e.recounts)
    return replace(one, multipliers={**one.multipliers, e.since: e.multiplier})


def _tested(one: Installation, e: MeterFoundInaccurate | MeterErrorWithdrawn) -> Installation:
    if isinstance(e, MeterFoundInaccurate):
        return replace(one, errors=(*one.errors, e))
    told = (e.error, e.since, e.until, e.reference)
    errors = (f for f in one.errors if (f.error, f.since, f.until, f.reference) != told)
    return replace(one, errors=tuple(errors))


def _of(meter: Meter, since: date, change: Change) -> Meter:
    """Change the installation that began on that day."""
    found = (change(one) if one.since == since else one for one in meter.installations)
    return Meter(tuple(found))


def _changed(meter: Meter, day: date, last: bool, change: Change) -> Meter:
    """Change the installation of that day: the one that ended, or else the one that lasts."""
    if last:
        mine = next(one for one in reversed(meter.installations) if one.until == day)
    else:
        mine = next(
            one
            for one in reversed(meter.installations)
            if one.since <= day and (one.until is None or day < one.until)
        )
    return _of(meter, mine.since, change)


def _place(meter: Meter) -> AtThing | None:
    """Where it was installed last."""
    last = meter.installations[-1] if meter.installations else None
    return None if last is None else AtThing("point", last.point)


meters = Kind("meter", Meter(), evolve, place=_place)
