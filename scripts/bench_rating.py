"""
How fast usage is priced, beside NREL's engine in the same run, on one core.

A year of hourly values is twelve bills with time-of-use energy and demand; a register bill has
three blocks, a rider and a tax.  Prices are made up, loads are sums of sines and noise in
whole Wh.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from numpy.typing import NDArray

from domain.pricing.charges import Block, Energy, Fixed, Percentage, Rate, Rider
from domain.pricing.rating import (
    Population,
    Registered,
    Series,
    Usage,
    rate,
    rate_all,
    rate_columns,
)
from domain.pricing.rating.intervals import runs
from domain.pricing.rating.runs import Run
from domain.pricing.tariff import TariffDocument, TariffVersion
from domain.pricing.urdb import translated
from domain.values import Period, next_month
from scripts import pysam_bills

ACCOUNTS = 1_000
START = datetime(pysam_bills.YEAR, 1, 1, tzinfo=UTC)
FIRSTS = [date(pysam_bills.YEAR, month, 1) for month in range(1, 13)]
MONTHS = [Period(since=first, until=next_month(first)) for first in FIRSTS]
Rows = list[dict[str, Any]]


def run() -> Rows:
    """The rows of the report."""
    return [*intervals(), *registers()]


def hours(off: int, on: int) -> list[list[int]]:
    return [[off] * 16 + [on + (5 <= month <= 8)] * 5 + [off] * 3 for month in range(12)]


RECORD: dict[str, Any] = {
    "name": "time-of-use energy and demand",
    "energyratestructure": [[{"rate": price}] for price in (0.1, 0.17, 0.31)],
    "energyweekdayschedule": hours(0, 1),
    "energyweekendschedule": [[0] * 24] * 12,
    "demandratestructure": [[{"rate": price}] for price in (0.0, 6.25, 18.5)],
    "demandweekdayschedule": hours(0, 1),
    "demandweekendschedule": [[0] * 24] * 12,
    "flatdemandstructure": [[{"rate": 9.0}]],
    "flatdemandmonths": [0] * 12,
    "fixedchargefirstmeter": 12.0,
    "fixedchargeunits": "$/month",
}


def version(document: TariffDocument) -> TariffVersion:
    return TariffVersion(tariff="bench", version=1, since=date(2000, 1, 1), document=document)


def exact(said: Any) -> Any:
    """A record as a file reader gives it: decimals for floats."""
    if isinstance(said, dict):
        return {key: exact(one) for key, one in said.items()}
    if isinstance(said, list):
        return [exact(one) for one in said]
    return Decimal(repr(said)) if isinstance(said, float) else said


def loads(accounts: int) -> NDArray[np.int64]:
    """Accounts × 8,760 hours, Wh."""
    chance = np.random.default_rng(1)
    hour = np.arange(8760)
    shape = 700 + 300 * np.sin(hour / 24 * 2 * np.pi) + 200 * np.sin(hour / 8760 * 2 * np.pi)
    size = chance.uniform(0.3, 4.0, (accounts, 1))
    return np.rint(size * (shape + chance.normal(0, 60, (accounts, 8760)))).astype(np.int64)


# A year of hourly values


def intervals() -> Rows:
    wh = loads(ACCOUNTS)
    versions = [version(translated(exact(RECORD)))]
    peer, owed = pysam(wh[:20])
    scalar, one_by_one = year_by_scalar(versions, wh[:20])
    array, totals = year_by_arrays(versions, wh)
    ours = totals[:20]
    if ours.tolist() != one_by_one:
        raise AssertionError("the array path and the scalar path differ")
    if np.abs(ours / 100 - owed).max() > 0.005 * 12:
        raise AssertionError("the bills differ from the peer's by more than rounding")
    sums = plain_sums(wh)
    return [
        row("a year of hours, array path", array, peer=peer, floor=20),
        row("a year of hours, scalar path", scalar, peer=peer, least=100),
        row("a year of hours, sums and peaks alone", sums, peer=peer, floor=60),
        *growth(versions),
    ]


def pysam(wh: NDArray[np.int64]) -> tuple[float, NDArray[Any]]:
    made = pysam_bills.model(RECORD)
    kwh = [[one / 1000 for one in account] for account in wh.tolist()]
    years: list[float] = []

    def bill() -> None:
        years[:] = [sum(m["total"] for m in pysam_bills.bills(made, one)) for one in kwh]

    return len(kwh) / best(bill), np.array(years)


def year_by_scalar(
    versions: list[TariffVersion], wh: NDArray[np.int64]
) -> tuple[float, list[int]]:
    usages = [
        Usage("UTC", series=(Series("import", START, 60, tuple(account)),))
        for account in wh.tolist()
    ]
    totals: list[int] = []

    def bill() -> None:
        totals[:] = [sum(rate(versions, one, m).total for m in MONTHS) for one in usages]

    return len(usages) / best(bill), totals


def year_by_arrays(
    versions: list[TariffVersion], wh: NDArray[np.int64]
) -> tuple[float, NDArray[np.int64]]:
    run = Run("import", START, 60, wh)
    everybody = Population(len(wh), Usage("UTC"), (run,))
    total = np.zeros(len(wh), np.int64)

    def bill() -> None:
        total[:] = sum(rate_columns(versions, everybody, month).total for month in MONTHS)

    return len(wh) / best(bill), total


def plain_sums(wh: NDArray[np.int64]) -> float:
    """Only what measuring takes: sums and peaks by month and period."""
    document = version(translated(exact(RECORD))).document
    tables = document.schedules

    def measure() -> None:
        for month in MONTHS:
            for table in tables:
                found = runs(START, 60, 8760, "UTC", month, table, document.calendar)
                found.sums(wh)
                found.peaks(wh)

    return len(wh) / best(measure)


def growth(versions: list[TariffVersion]) -> Rows:
    """How the cost grows: ten times fewer accounts, and intervals four times as many."""
    few = year_by_arrays(versions, loads(ACCOUNTS // 10))[0]
    quarter = np.repeat(loads(ACCOUNTS // 10) // 4, 4, axis=1)
    run = Run("import", START, 15, quarter)
    everybody = Population(len(quarter), Usage("UTC"), (run,))

    def bill() -> None:
        for month in MONTHS:
            rate_columns(versions, everybody, month)

    return [
        row("a year of hours, 100 accounts", few),
        row("a year of quarter hours, 100 accounts", len(quarter) / best(bill)),
    ]


# Register bills


def registers() -> Rows:
    steps = (("250", "0.064"), ("700", "0.049"), (None, "0.0446"))
    blocks = tuple(
        Block(price=Decimal(price), upto=Decimal(upto) if upto else None)
        for upto, price in steps
    )
    versions = [
        version(
            TariffDocument(
                name="blocks, rider and tax",
                currency="USD",
                charges=(
                    Fixed(code="service", price=Decimal("7.5")),
                    Energy(code="energy", rates=(Rate(blocks=blocks),)),
                    Rider(code="fuel", price=Decimal("0.085")),
                    Percentage(code="tax", rate=Decimal("0.01")),
                ),
            )
        )
    ]
    month = MONTHS[0]
    usages = [
        Usage("UTC", registers=(Registered("import", None, month.since, month.until, wh),))
        for wh in loads(20)[:, :1000].ravel().tolist()
    ]
    few = usages[:2_000]
    scalar = len(few) / best(lambda: [rate(versions, one, month) for one in few])
    array = len(usages) / best(lambda: rate_all(versions, usages, month))
    return [
        row("register bill, array path, lines for each account", array, least=20_000),
        row("register bill, scalar path", scalar, least=5_000),
    ]


# Measuring


def best(work: Callable[[], object], times: int = 3) -> float:
    """The shortest of some runs, in seconds of this process."""
    taken = []
    for _ in range(times):
        begun = time.process_time()
        work()
        taken.append(time.process_time() - begun)
    return min(taken)


def row(
    name: str,
    value: float,
    *,
    peer: float | None = None,
    floor: float | None = None,
    least: float | None = None,
) -> dict[str, Any]:
    """A line of the report; `floor` is a ratio to the peer, `least` a rate of our own."""
    ratio = value / peer if peer else None
    holds = None
    if floor is not None and ratio is not None:
        holds = ratio >= floor
    if least is not None:
        holds = value >= least
    return {
        "name": name,
        "value": round(value, 1),
        "unit": "meter-years/s" if "year" in name else "bills/s",
        "peer": "NREL-PySAM" if peer else None,
        "peer_value": round(peer, 1) if peer else None,
        "ratio": round(ratio, 2) if ratio else None,
        "floor": floor if floor is not None else least,
        "holds": holds,
    }


if __name__ == "__main__":
    for one in run():
        print(one)
