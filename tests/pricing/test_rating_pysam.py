"""Bills beside those of NREL's engine, over made-up URDB records: within half a cent a line."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.pricing.rating import Carry, Rated, Series, Usage, rate
from domain.pricing.tariff import TariffVersion
from domain.pricing.urdb import translated
from domain.values import Period, next_month

pytest.importorskip("PySAM.Utilityrate5", reason="NREL-PySAM is not installed")
from scripts import pysam_bills

FIRSTS = [date(pysam_bills.YEAR, month, 1) for month in range(1, 13)]
HALF_CENT, NOISE = 0.005, 1e-4  # the peer calculates in binary floating point
CONSUMED, SOLD = ("energy", "export", "surplus", "credit"), ("Net Billing", "Net Metering $")


def prices(top: int = 40) -> st.SearchStrategy[float]:
    return st.integers(0, top * 1000).map(lambda thousandths: thousandths / 1000)


@st.composite
def schedules(draw: st.DrawFn, periods: int, all_year: bool) -> list[list[int]]:
    """Twelve months of hours; two seasons, unless every month must have every period."""
    kinds = st.lists(st.integers(0, periods - 1), min_size=4, max_size=4)
    winter = draw(kinds)
    summer = winter if all_year else draw(kinds)
    return [
        [(summer if 5 <= month <= 8 else winter)[hour // 6] for hour in range(24)]
        for month in range(12)
    ]


@st.composite
def ladders(draw: st.DrawFn, periods: int, top: int, unit: str) -> list[list[dict[str, Any]]]:
    """The same limits in every period, as the peer wants them."""
    limits = sorted(draw(st.sets(st.integers(1, top), max_size=2)))
    made = []
    for _ in range(periods):
        blocks: list[dict[str, Any]] = [
            {"rate": draw(prices(1)), "sell": draw(prices(1)), "max": limit, "unit": unit}
            for limit in limits
        ]
        blocks.append({"rate": draw(prices(1)), "sell": draw(prices(1)), "unit": unit})
        made.append([block | {"sell": blocks[0]["sell"]} for block in blocks])
    return made


@st.composite
def records(draw: st.DrawFn, exports: bool) -> dict[str, Any]:
    periods = draw(st.integers(1, 3))
    unit = "kWh" if exports else draw(st.sampled_from(["kWh", "kWh daily", "kWh/kW"]))
    top = {"kWh": 900, "kWh daily": 40, "kWh/kW": 300}[unit]
    energy = draw(ladders(periods, top, unit))
    if exports:
        energy = [[blocks[-1] | {"max": None}] for blocks in energy]
    weekday = draw(schedules(periods, all_year=exports))
    record: dict[str, Any] = {
        "energyratestructure": energy,
        "energyweekdayschedule": weekday,
        "energyweekendschedule": weekday if exports else draw(schedules(periods, False)),
        "fixedchargefirstmeter": draw(prices()),
        "fixedchargeunits": "$/month",
    }
    if exports:
        record["dgrules"] = draw(st.sampled_from(["Net Metering", *SOLD]))
        return record
    if draw(st.booleans()):
        record |= draw(demands(ratchets=unit != "kWh/kW"))
    if draw(st.booleans()):
        record["mincharge"] = draw(prices(900))
        record["minchargeunits"] = draw(st.sampled_from(["$/month", "$/year"]))
    return record


@st.composite
def demands(draw: st.DrawFn, ratchets: bool) -> dict[str, Any]:
    """With a ratchet there is one period and no block for each kW: the peer then bills every
    period, and measures every block, by the highest demand of all hours."""
    ratchet = ratchets and draw(st.booleans())
    periods = 1 if ratchet else draw(st.integers(1, 3))
    record: dict[str, Any] = {
        "demandratestructure": draw(ladders(periods, 4, "kW")),
        "demandweekdayschedule": draw(schedules(periods, False)),
        "demandweekendschedule": draw(schedules(periods, False)),
        "flatdemandstructure": draw(ladders(2, 4, "kW")),
        "flatdemandmonths": [0] * 5 + [1] * 4 + [0] * 3,
    }
    if ratchet:
        record["lookbackpercent"] = draw(st.sampled_from([0.35, 0.8]))
        record["lookbackrange"] = 11
    return record


def load(seed: int, exports: bool) -> list[int]:
    """Wh of 8,760 hours; below zero is export."""
    chance = np.random.default_rng(seed)
    hour = np.arange(8760)
    wh = chance.integers(100, 4_000) + chance.integers(0, 900, 8760)
    wh = np.where((hour > 3000) & (hour < 5200), wh * chance.integers(1, 4), wh)
    if exports:
        sunny = (hour % 24 >= 9) & (hour % 24 < 15)
        wh = np.where(sunny, wh - chance.integers(0, 9_000), wh)
    return [int(one) for one in wh]


def exact(said: Any) -> Any:
    if isinstance(said, dict):
        return {key: exact(one) for key, one in said.items() if one is not None}
    if isinstance(said, list):
        return [exact(one) for one in said]
    return Decimal(repr(said)) if isinstance(said, float) else said


def ours(record: dict[str, Any], wh: list[int]) -> list[Rated]:
    start = datetime(pysam_bills.YEAR, 1, 1, tzinfo=UTC)
    taken = Series("import", start, 60, tuple(max(one, 0) for one in wh))
    given_ = Series("export", start, 60, tuple(max(-one, 0) for one in wh))
    usage = Usage("UTC", series=(taken, given_) if any(given_.wh) else (taken,))
    since, document = date(2000, 1, 1), translated(exact(record))
    version = TariffVersion(tariff="urdb", version=1, since=since, document=document)
    carry: Carry = ()
    bills = []
    for first in FIRSTS:
        rated = rate([version], usage, Period(since=first, until=next_month(first)), carry)
        carry = rated.carry
        bills.append(rated)
    return bills


def compared(record: dict[str, Any], wh: list[int]) -> None:
    theirs = pysam_bills.bills(pysam_bills.model(record), [one / 1000 for one in wh])
    for rated, bill in zip(ours(record, wh), theirs, strict=True):
        sums: dict[str, float] = defaultdict(float)
        lines: dict[str, int] = defaultdict(int)
        for line in rated.lines:
            kind = "energy" if line.kind in CONSUMED else line.kind
            sums[kind] += line.amount / 100
            lines[kind] += 1
        for kind in ("fixed", "energy", "demand", "minimum"):
            near = HALF_CENT * max(lines[kind], 1) + NOISE
            if kind != "energy" or record.get("dgrules") != "Net Metering $":
                assert abs(sums[kind] - bill[kind]) <= near, kind
        assert abs(rated.total / 100 - bill["total"]) <= HALF_CENT + NOISE


quick = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


@quick
@given(records(exports=False), st.integers(0, 10_000))
def test_consumption_is_priced_as_the_peer_prices_it(record: dict[str, Any], seed: int) -> None:
    compared(record, load(seed, exports=False))


@quick
@given(records(exports=True), st.integers(0, 10_000))
def test_export_is_credited_as_the_peer_credits_it(record: dict[str, Any], seed: int) -> None:
    compared(record, load(seed, exports=True))
