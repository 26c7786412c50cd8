"""What a meter then is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import assert_never

from domain.kit import Kind
from domain.metering.meter.events import (
    MeterEvent,
    MeterFoundInaccurate,
    MeterInstalled,
    MeterRead,
    MeterReadingCorrected,
    MeterRemoved,
    Register,
)


@dataclass(frozen=True, slots=True)
class Meter:
    """Just enough to judge a reading with: the counts by day, since it was installed here."""

    point: str = ""
    registers: tuple[Register, ...] = ()
    multiplier: int = 1
    since: date = date.min
    last: date = date.min  # the last day of its former place
    counts: Mapping[date, Mapping[str, int]] = field(default_factory=dict)
    errors: tuple[MeterFoundInaccurate, ...] = ()


def evolve(meter: Meter, happened: MeterEvent) -> Meter:
    """Change the meter as the event says."""
    match happened:
        case MeterInstalled():
            return Meter(
                point=happened.point,
                registers=happened.registers,
                multiplier=happened.multiplier,
                since=happened.on,
                counts={happened.on: happened.counts},
            )
        case MeterRead() | MeterReadingCorrected():
            return replace(meter, counts={**meter.counts, happened.on: happened.counts})
        case MeterFoundInaccurate():
            return replace(meter, errors=(*meter.errors, happened))
        case MeterRemoved():
            return Meter(last=happened.on)
        case _:
            assert_never(happened)


meters = Kind("meter", Meter(), evolve)
