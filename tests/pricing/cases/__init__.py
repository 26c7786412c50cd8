"""
Bills with a source: what others published or computed, as data, and what is needed to read it.

A case has a tariff (or dated `versions`), and bills in a row, each with usage and what is
expected; or a `load` for a whole year, which makes twelve bills.  Energy is in kWh, demand in
kW or kVA.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import TypeAdapter

from domain.kit import Today
from domain.metering.meter import MeterInstalled, ReadMeter, Register, meters
from domain.metering.meter.reading import read as reading
from domain.pricing.tariff import TariffDocument, TariffVersion
from domain.pricing.usage import Demanded, Held, Registered, Series, Usage
from domain.values import Period, midnight, next_month

HERE = Path(__file__).parent
SHIPPED = HERE.parents[2] / "domain" / "pricing" / "tariff"
METERS = HERE.parents[3] / "shared" / "data" / "meters"
DOCUMENT = TypeAdapter(TariffDocument)


@dataclass(frozen=True)
class Case:
    """One case; `said` is what its file says."""

    said: dict[str, Any]

    def __str__(self) -> str:
        return str(self.said["id"])

    @property
    def tolerance(self) -> Decimal:
        return Decimal(self.said.get("tolerance", "0"))

    @property
    def versions(self) -> list[TariffVersion]:
        dated = self.said.get("versions") or [["2000-01-01", self.said["tariff"]]]
        return [
            TariffVersion(
                tariff="case",
                version=n,
                since=date.fromisoformat(since),
                document=document_of(document),
            )
            for n, (since, document) in enumerate(dated, 1)
        ]

    def bills(self) -> Iterator[tuple[Period, Usage, dict[str, Any]]]:
        """Periods with their usage and what is expected of them."""
        for bill in self.said["bills"]:
            since, until = (date.fromisoformat(bill[end]) for end in ("from", "to"))
            period = Period(since=since, until=until)
            yield period, usage_of(bill["usage"], period, self.said["zone"]), bill["expect"]
        if year := self.said.get("year"):
            whole = Period(since=date(year, 1, 1), until=date(year + 1, 1, 1))
            usage = load_of(self.said["load"], whole, self.said["zone"])
            monthly = self.said.get("monthly") or [{}] * 12
            for month, expected in enumerate(monthly, 1):
                first = date(year, month, 1)
                yield Period(since=first, until=next_month(first)), usage, {"kinds": expected}


def document_of(said: Any) -> TariffDocument:
    """A document, or the name of one that is shipped: `china/shenzhen-residential`."""
    if isinstance(said, str):
        said = json.loads((SHIPPED / f"{said}.json").read_text("utf-8"))
    return DOCUMENT.validate_python(said)


def cases(*names: str) -> list[Case]:
    """The cases of some files."""
    return [
        Case(said)
        for name in names
        for said in json.loads((HERE / f"{name}.json").read_text("utf-8"))
    ]


def wh(kwh: str) -> int:
    whole = Decimal(kwh) * 1000
    assert whole == int(whole), f"{kwh} kWh are not whole Wh"
    return int(whole)


def usage_of(said: dict[str, Any], period: Period, zone: str) -> Usage:
    """Registers, demands, intervals and agreements of one bill."""
    registers = [*said.get("registers", ())]
    if "reads" in said:
        before, after = said["reads"]
        registers.append(["import", None, advance(before, after, said.get("digits", 6))])
    agreed = (
        Held(what, *days_of(days, period), wh(quantity), label=label, line=line)
        for what, days, quantity, label, line in said.get("held", ())
    )
    held = {"contract_w": said.get("contract_kw"), "capacity_va": said.get("capacity_kva")}
    factor = said.get("power_factor")
    return Usage(
        zone,
        series=tuple(_series(said, period, zone)),
        registers=tuple(
            Registered(channel, label, period.since, period.until, wh(kwh))
            for channel, label, kwh in registers
        ),
        demands=tuple(
            Demanded(label, *days_of(days, period), wh(kw), unit, line=line)
            for label, kw, unit, days, line in (
                (*one, "", "")[:5] for one in said.get("demands", ())
            )
        ),
        power_factor=None if factor is None else Decimal(factor),
        persons=said.get("persons", 1),
        contract_w=None if held["contract_w"] is None else wh(held["contract_w"]),
        capacity_va=None if held["capacity_va"] is None else wh(held["capacity_va"]),
        held=tuple(agreed),
    )


def days_of(said: str, period: Period) -> tuple[date, date]:
    """`2025-05-01/2025-05-11`; nothing is all of the period."""
    if not said:
        return period.since, period.until
    since, until = map(date.fromisoformat, said.split("/"))
    return since, until


def advance(before: str, after: str, digits: int) -> str:
    """How far a register went between two readings, in kWh, as the rules of meters say."""
    register = Register(code="1.8.0", digits=digits, decimals=2)
    installed = MeterInstalled(
        point="P",
        registers=(register,),
        multiplier=1,
        readings={"1.8.0": Decimal(before)},
        counts={"1.8.0": wh(before)},
        on=date(2020, 1, 1),
    )
    asked = ReadMeter(
        meter="M",
        readings={"1.8.0": Decimal(after)},
        on=date(2020, 2, 1),
        source="reader",
        rolled_over=Decimal(after) < Decimal(before) - 100,
    )
    (read,) = reading(asked, meters.fold([installed]), Today(asked.on))
    counts: dict[str, int] = read.counts  # type: ignore[union-attr]
    return str(Decimal(counts["1.8.0"] - wh(before)) / 1000)


# Intervals


def _series(said: dict[str, Any], period: Period, zone: str) -> Iterator[Series]:
    minutes = 15 if "every_quarter" in said else 60
    start, end = midnight(period.since, zone), midnight(period.until, zone)
    step = timedelta(minutes=minutes)
    instants = [start + n * step for n in range((end - start) // step)]
    local = [instant.astimezone(ZoneInfo(zone)) for instant in instants]
    if flat := said.get("every_hour") or said.get("every_quarter"):
        yield exact("import", start, minutes, [Decimal(flat)] * len(instants))
    elif hours := said.get("hours"):
        named = {datetime.fromisoformat(at): Decimal(kwh) for at, kwh in hours.items()}
        kwh = [named.get(at.replace(tzinfo=None), Decimal(0)) for at in local]
        yield exact("import", start, minutes, kwh)
    elif daily := said.get("hours_of_day"):
        by_hour = {hour: Decimal(kwh) for kwh, some in daily.items() for hour in some}
        kwh = [by_hour[at.hour] for at in local]
        yield exact("import", start, minutes, [max(one, Decimal(0)) for one in kwh])
        yield exact("export", start, minutes, [max(-one, Decimal(0)) for one in kwh])


def exact(channel: Any, start: datetime, minutes: int, kwh: list[Decimal]) -> Series:
    """A series as fine as its numbers, at most to a millionth of a Wh."""
    kwh = [round(one, 9) for one in kwh]
    digits = max(0, *(-int(one.normalize().as_tuple().exponent) - 3 for one in kwh))
    return Series(
        channel,
        start,
        minutes,
        tuple(int(one.scaleb(3 + digits)) for one in kwh),
        digits=digits,
    )


def load_of(said: Any, whole: Period, zone: str) -> Usage:
    """A year of hourly values: made by rule, or measured."""
    if isinstance(said, dict):
        return usage_of(said, whole, zone)
    start = midnight(whole.since, zone)
    kwh = list(demo(whole)) if said == "demo" else list(measured(whole))
    return Usage(zone, series=(exact("import", start, 60, kwh),))


def demo(whole: Period) -> Iterator[Decimal]:
    """A made-up household: more from 16 to 21, more in summer, a pattern of eleven steps."""
    for day in whole:
        for hour in range(24):
            kwh = Decimal("0.6") + (Decimal("0.9") if 16 <= hour < 21 else 0)
            kwh += Decimal("0.01") * (((day.day - 1) * 7 + hour * 3) % 11)
            yield kwh * Decimal("1.4") if 6 <= day.month <= 9 else kwh


def measured(whole: Period) -> Iterator[Decimal]:
    """The hours of a real meter; skips the test where the file is not at hand."""
    path = METERS / "uk-electricity-hdd-only-hourly-sample-0.csv.gz"
    if not path.exists():
        pytest.skip("the meter data are not beside the repository")
    with gzip.open(path, "rt") as lines:
        rows = {
            datetime.fromisoformat(start).astimezone(ZoneInfo("UTC")): Decimal(kwh)
            for start, kwh in list(csv.reader(lines))[1:]
        }
    start = midnight(whole.since, "UTC")
    hours = (midnight(whole.until, "UTC") - start) // timedelta(hours=1)
    yield from (rows[start + timedelta(hours=n)] for n in range(hours))
