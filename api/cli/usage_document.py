"""
A usage document: all that a bill may be rated from, as one JSON file beside USAGE as CSV.

Numbers are in kWh, kvarh, kW and kVA; days are local, `until` not included.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from domain.pricing.usage import Carry, Channel, Demanded, Held, Kept, Registered, Usage, What
from domain.values import Zone
from replay.files.usage import UsageFileError, read

Kilo: TypeAlias = Annotated[
    Decimal, Field(gt=Decimal("-1e9"), lt=Decimal("1e9"), decimal_places=3)
]


def _written(said: object) -> object:
    if not isinstance(said, str):
        raise ValueError('a day is written like "2025-06-01"')
    return said


Day: TypeAlias = Annotated[date, BeforeValidator(_written)]
STRICT = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class RegisterRow:
    """How far a register went over whole days."""

    since: Day
    until: Day
    kwh: Kilo  # kvarh of `reactive`
    channel: Channel = "import"
    period: str | None = None  # of the time-of-use schedule; all of them, if not said


@dataclass(frozen=True, kw_only=True, config=STRICT)
class DemandRow:
    """The highest demand that was shown over some days."""

    since: Day
    until: Day
    kw: Kilo
    unit: Literal["kW", "kVA"] = "kW"
    period: str | None = None
    line: str = ""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class AgreedRow:
    """Contract demand in kW, or capacity in kVA, agreed for some days."""

    what: Literal["contract", "capacity"]
    since: Day
    until: Day
    kw: Kilo  # of capacity kVA
    period: str = ""
    line: str = ""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class KeptRow:
    """What the bill before hands on; `carry` of an answer with --json has the same shape."""

    what: What
    code: str
    period: str
    since: Day
    quantity: Decimal


@dataclass(frozen=True, kw_only=True, config=STRICT)
class UsageDocument:
    """All that a bill may be rated from."""

    zone: Zone = "UTC"
    intervals: str | None = None  # a CSV file beside this one: start,kwh[,kvarh]
    registers: tuple[RegisterRow, ...] = ()
    demands: tuple[DemandRow, ...] = ()
    agreed: tuple[AgreedRow, ...] = ()
    power_factor: Annotated[Decimal, Field(gt=0, le=1)] | None = None
    persons: Annotated[int, Field(ge=1, le=1000)] = 1
    exempt: tuple[str, ...] = ()  # codes of charges that are not for this account
    carry: tuple[KeptRow, ...] = ()


DOCUMENT = TypeAdapter(UsageDocument)


def usage_of(path: Path) -> tuple[Usage, Carry]:
    """What a usage document says.  Raises UsageFileError with file and field; OSError."""
    try:
        said: Any = json.loads(path.read_text("utf-8-sig"), parse_float=Decimal)
        told = DOCUMENT.validate_python(said)
    except ValidationError as wrong:
        places = (f"{path.name}: {place}" for place in _places(wrong))
        raise UsageFileError("\n".join(places)) from None
    except ValueError as wrong:
        raise UsageFileError(f"{path.name} is not json: {wrong}") from None
    usage = Usage(told.zone)
    if told.intervals is not None:
        beside = path.parent / told.intervals
        try:
            usage = read(beside.read_text("utf-8-sig", errors="replace"), zone=told.zone)
        except UsageFileError as wrong:
            raise UsageFileError(f"{beside.name}: {wrong}") from None
    return _with(usage, told), tuple(
        Kept(what=k.what, code=k.code, period=k.period, since=k.since, quantity=k.quantity)
        for k in told.carry
    )


def _with(usage: Usage, told: UsageDocument) -> Usage:
    return replace(
        usage,
        registers=tuple(
            Registered(one.channel, one.period, one.since, one.until, _whole(one.kwh))
            for one in told.registers
        ),
        demands=tuple(
            Demanded(one.period, one.since, one.until, _whole(one.kw), one.unit, line=one.line)
            for one in told.demands
        ),
        held=tuple(
            Held(
                one.what, one.since, one.until, _whole(one.kw), label=one.period, line=one.line
            )
            for one in told.agreed
        ),
        power_factor=told.power_factor,
        persons=told.persons,
        exempt=frozenset(told.exempt),
    )


def _whole(kilo: Decimal) -> int:
    """Wh, varh, W or VA."""
    return int(kilo.scaleb(3))


def _places(wrong: ValidationError) -> Iterator[str]:
    for one in wrong.errors(include_url=False):
        place = ".".join(str(step) for step in one["loc"]) or "usage"
        yield f"{place}: {one['msg'].removeprefix('Value error, ')}"
