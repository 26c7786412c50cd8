"""Prices and hours of a URDB record: blocks, windows, and the seasons that limits make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any

from domain.pricing.calendars import Schedule, Season, Window
from domain.pricing.charges import Block, Rate
from domain.pricing.urdb.fields import (
    IN_BLOCKS,
    MONTHS,
    Record,
    UrdbRecordWrong,
    number_of,
    numbers,
)


def limits_of(record: Record) -> list[tuple[Any, ...]] | None:
    """
    The limits that the periods of each month have in common: one ladder is meant.

    None where the periods of one month have limits of their own.
    """
    name = "energyratestructure"
    structure = structure_of(record, name) if record.get(name) else ()
    schedules = [record.get(f"energy{days}schedule") for days in ("weekday", "weekend")]
    found: list[tuple[Any, ...]] = []
    for month in range(12):
        met = set(range(len(structure)))
        if len(structure) > 1:
            met &= {hour for table in schedules for hour in _hours(table, month)}
        limits = {tuple(tier.get("max") for tier in structure[p][:-1]) for p in met}
        if len(limits - {()}) > 1:
            return None
        found.append(max(limits, key=len, default=()))
    return found


def _hours(table: Any, month: int) -> list[int]:
    """The periods of a month's hours, as far as they can be read; checked with the windows."""
    try:
        return [period for period in table[month] if isinstance(period, int)]
    except (TypeError, IndexError, KeyError):
        return []


def seasons_of(record: Record) -> list[Season]:
    """Months with the same limits, where months differ: a bill over two has both by days."""
    limits = limits_of(record) or []
    kinds = list(dict.fromkeys(limits))
    if len(kinds) < 2:
        return []
    return [
        Season(name=f"blocks {n}", months=tuple(m for m in MONTHS if limits[m - 1] == kind))
        for n, kind in enumerate(kinds, 1)
    ]


def structure_of(record: Record, name: str) -> list[list[Record]]:
    said = record[name]
    if not isinstance(said, list) or not all(
        isinstance(tiers, list) and tiers for tiers in said
    ):
        raise UrdbRecordWrong(name, "a list of periods, each a list of one block or more")
    for p, tiers in enumerate(said):
        for t, tier in enumerate(tiers):
            if not isinstance(tier, Mapping):
                raise UrdbRecordWrong(f"{name}[{p}][{t}]", "a block is an object")
            if tier.get("max") is not None:
                number_of(tier["max"], f"{name}[{p}][{t}].max")
            for key in tier.keys() - IN_BLOCKS:
                if any(numbers(tier[key])):
                    raise UrdbRecordWrong(f"{name}[{p}][{t}].{key}", "it is not translated")
    return said


def rates_of(
    structure: Sequence[Sequence[Record]],
    name: str,
    schedule: str | None,
    season: str | None = None,
) -> Iterator[Rate]:
    for p, tiers in enumerate(structure):
        period = str(p) if schedule else None
        yield Rate(season=season, period=period, blocks=tuple(_blocks(tiers, f"{name}[{p}]")))


def _blocks(tiers: Sequence[Record], place: str) -> Iterator[Block]:
    reached = Decimal(0)
    for t, tier in enumerate(tiers):
        price = sum(
            (number_of(tier.get(key) or 0, f"{place}[{t}].{key}") for key in ("rate", "adj")),
            start=Decimal(0),
        )
        if t == len(tiers) - 1:
            yield Block(price=price)
            return
        if tier.get("max") is None:
            raise UrdbRecordWrong(f"{place}[{t}].max", "only the last block has no end")
        upto = number_of(tier["max"], f"{place}[{t}].max")
        if upto <= reached:
            raise UrdbRecordWrong(f"{place}[{t}].max", "blocks rise")
        yield Block(price=price, upto=upto)
        reached = upto


def schedules_of(record: Record) -> Iterator[Schedule]:
    for name in ("energy", "demand"):
        periods = _number_of_periods(record, f"{name}ratestructure")
        if periods > 1:
            yield Schedule(name=name, windows=tuple(_windows(record, name, periods)))
    flat = _number_of_periods(record, "flatdemandstructure")
    if flat > 1:
        months = record.get("flatdemandmonths")
        if not isinstance(months, list) or len(months) != 12:
            raise UrdbRecordWrong("flatdemandmonths", "a list of 12 periods")
        yield Schedule(name="flat-demand", windows=tuple(_by_month(months, flat)))


def _number_of_periods(record: Record, name: str) -> int:
    return len(structure_of(record, name)) if record.get(name) else 0


def _by_month(months: Sequence[Any], periods: int) -> Iterator[Window]:
    for period in sorted(set(_periods(months, periods, "flatdemandmonths"))):
        mine = tuple(month for month in MONTHS if months[month - 1] == period)
        yield Window(period=str(period), months=mine)


@dataclass(frozen=True, slots=True)
class _Stretch:
    period: int
    since: int
    until: int


def _windows(record: Record, name: str, periods: int) -> Iterator[Window]:
    """Hours of equal period as one window, months with the same hours together."""
    for days in ("weekday", "weekend"):
        key = f"{name}{days}schedule"
        table = record.get(key)
        if not isinstance(table, list) or len(table) != 12:
            raise UrdbRecordWrong(key, "a list of 12 months")
        found: dict[_Stretch, list[int]] = {}
        for month, hours in enumerate(table, 1):
            place = f"{key}[{month - 1}]"
            if not isinstance(hours, list) or len(hours) != 24:
                raise UrdbRecordWrong(place, "a list of 24 hours")
            for stretch in _stretches(_periods(hours, periods, place)):
                found.setdefault(stretch, []).append(month)
        for stretch, months in found.items():
            yield Window(
                period=str(stretch.period),
                since=f"{stretch.since:02}:00",
                until=f"{stretch.until:02}:00",
                days=("weekday",) if days == "weekday" else ("weekend",),
                months=tuple(months) if len(months) < 12 else (),
            )


def _stretches(hours: Sequence[int]) -> Iterator[_Stretch]:
    at = 0
    for period, run in groupby(hours):
        length = len(list(run))
        yield _Stretch(period, at, at + length)
        at += length


def _periods(said: Sequence[Any], periods: int, place: str) -> list[int]:
    for n, period in enumerate(said):
        if not isinstance(period, int) or not 0 <= period < periods:
            rule = f"{period} is not one of the {periods} periods, which count from 0"
            raise UrdbRecordWrong(f"{place}[{n}]", rule)
    return list(said)
