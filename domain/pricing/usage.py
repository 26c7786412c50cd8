"""Usage: what was measured at a point, as rating sees it.  Integers: Wh, varh, W, VA."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, TypeAlias

from domain.kit import value
from domain.values import Price, Zone

Channel: TypeAlias = Literal["import", "export", "reactive"]
Agreed: TypeAlias = Literal["contract", "capacity"]
Facts: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """
    One run of interval values without a hole; `start` is UTC, `wh` are Wh or varh.

    With `digits`, at most 6, they are finer: 3 says that `wh` counts thousandths of a Wh.
    """

    channel: Channel
    start: datetime
    minutes: int
    wh: tuple[int, ...]
    facts: Facts = ()
    digits: int = 0


@dataclass(frozen=True, slots=True)
class Registered:
    """
    How far a register went over whole local days, multiplier already applied.

    `label` is the time-of-use period that it counts; None counts them all.
    """

    channel: Channel
    label: str | None
    since: date
    until: date
    wh: int
    facts: Facts = ()


@dataclass(frozen=True, slots=True)
class Demanded:
    """
    The highest demand that a register showed over some days, in W (or VA).

    Those of several supply lines (`line`) are added, of one line the highest counts.
    """

    label: str | None
    since: date
    until: date
    w: int
    unit: Literal["kW", "kVA"] = "kW"
    facts: Facts = ()
    line: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """
    A quantity that was agreed for some days: contract demand in W, capacity in VA.

    For the hours of one time-of-use period (`label`), or for all; for one supply line
    (`line`), if there are several.
    """

    what: Agreed
    since: date
    until: date
    w: int
    facts: Facts = ()
    label: str = ""
    line: str = ""


Place: TypeAlias = Literal["read", "exchanged", "adjusted", "loss", "shared", "free"]
"""Where energy stands on the consumption statement; what is special outranks what is read."""


@dataclass(frozen=True, slots=True)
class Remark:
    """What is to be said of the energy that a channel measured over some local days."""

    what: Place | Literal["estimated"]
    channel: Channel
    since: date
    until: date


@dataclass(frozen=True, slots=True)
class Usage:
    """All that was measured and agreed, for one account and one zone."""

    zone: Zone
    series: tuple[Series, ...] = ()
    registers: tuple[Registered, ...] = ()
    demands: tuple[Demanded, ...] = ()
    contract_w: int | None = None  # agreed demand over the whole period
    capacity_va: int | None = None  # transformers and high-voltage motors, likewise
    held: tuple[Held, ...] = ()  # the same two where they change within the period
    power_factor: Decimal | None = None  # told, where it is not measured
    persons: int = 1  # in the household
    exempt: frozenset[str] = frozenset()  # codes of charges that are not for this account
    remarks: tuple[Remark, ...] = ()  # they change no amount


What: TypeAlias = Literal["block", "peak", "bank", "credit", "billed"]


@value
class Kept:
    """Something that one bill hands to the next: see the charge that keeps it."""

    what: What
    code: str
    period: str = ""
    since: date
    quantity: Price


Carry: TypeAlias = tuple[Kept, ...]
