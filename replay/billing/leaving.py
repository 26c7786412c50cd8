"""
Bills with some facts left out: all that the bills of some accounts stand on, stream by stream.

What bills stand on is read for many accounts at once, a few statements however many there are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Protocol, cast

from domain.billing.bill import BillCalculation
from domain.billing.bill import bills as bill_kind
from domain.billing.lines import BillLine, differ
from domain.kit import Fact, Refused, Stream
from domain.metering.meter import meters
from domain.network.point import PointSupplied, PointTariffChanged
from domain.network.point import points as point_kind
from domain.pricing.tariff import TariffPublished
from domain.pricing.tariff import tariffs as tariff_kind
from domain.readings.intervals import intervals
from domain.values import Period, month_of, next_month
from projections.billing import Bill, bills
from projections.kit.table import Tables, Where
from projections.metering import point_meters
from projections.network import supplied_points
from replay.billing.calculation import BillCalculator
from replay.billing.pieces import Pieces


class Streams(Protocol):
    """What is needed of history."""

    def of(self, stream: Stream, *, until: int | None = None) -> list[Fact]:
        """What happened to one thing, in order."""

    def of_each(self, streams: Iterable[Stream], *, until: int) -> dict[Stream, list[Fact]]:
        """What happened to each of many things, in order."""


@dataclass(slots=True)
class Leaving:
    """Calculates bills of one account, at one position, with some facts left out."""

    tables: Tables
    position: int
    streams: Mapping[Stream, list[Fact]]
    _whole: Pieces | None = None
    _now: dict[str, BillCalculation | Refused] = field(default_factory=dict)

    @property
    def facts(self) -> Iterator[Fact]:
        """All that its bills may stand on."""
        for stream in self.streams.values():
            yield from stream

    def now(self, bill: Bill) -> BillCalculation | Refused:
        """The bill with nothing left out, or why it cannot be calculated."""
        if bill.bill not in self._now:
            self._now[bill.bill] = _calculated(self._pieces, bill)
        return self._now[bill.bill]

    def changes(self, bill: Bill, left_out: Collection[str]) -> bool:
        """Whether the bill is another without these facts and those that name them."""
        if not (mine := self._mine(left_out)):
            return False
        now, then = lines_of(self.now(bill)), self.lines(bill, mine)
        if now is None or then is None:
            return now is not then
        return differ(now, then)

    def lines(self, bill: Bill, left_out: Collection[str]) -> tuple[BillLine, ...] | None:
        """Its lines without these facts; None where it cannot be calculated then."""
        pieces = self._pieces.leaving(self.streams, self._mine(left_out))
        return lines_of(_calculated(pieces, bill))

    def _mine(self, refs: Collection[str]) -> list[str]:
        return [ref for ref in refs if Stream(ref.rpartition("@")[0]) in self.streams]

    @property
    def _pieces(self) -> Pieces:
        if self._whole is None:
            self._whole = Pieces.folded(self.tables, self.position, self.streams)
        return self._whole


def lines_of(found: BillCalculation | Refused) -> tuple[BillLine, ...] | None:
    """The lines of a bill, None where it cannot be calculated."""
    return None if isinstance(found, Refused) else found.lines


def _calculated(pieces: Pieces, bill: Bill) -> BillCalculation | Refused:
    period = Period(since=bill.since, until=bill.until)
    calculator = BillCalculator(cast("Tables", pieces))
    try:
        return calculator.calculate(bill.account, period, pieces.position)
    except Refused as no:
        return no


def leaving(
    history: Streams, tables: Tables, wanted: Iterable[Bill], position: int
) -> dict[str, Leaving]:
    """For the account of each bill: what calculates it with facts left out."""
    about = _About(history, tables, list(wanted), position)
    return {
        account: Leaving(tables, position, {s: about.facts[s] for s in about.streams(account)})
        for account in about.accounts
    }


@dataclass(frozen=True)
class _About:
    """All that some bills may stand on: places, meters, tariffs, days, earlier bills."""

    history: Streams
    tables: Tables
    bills: Sequence[Bill]
    position: int

    @cached_property
    def accounts(self) -> dict[str, list[Bill]]:
        found: dict[str, list[Bill]] = {}
        for bill in self.bills:
            found.setdefault(bill.account, []).append(bill)
        return found

    @cached_property
    def facts(self) -> dict[Stream, list[Fact]]:
        wanted = dict.fromkeys(s for account in self.accounts for s in self.streams(account))
        read = {**self._at_points, **self._published}
        more = [stream for stream in wanted if stream not in read]
        return {**read, **self.history.of_each(more, until=self.position)}

    def streams(self, account: str) -> Iterator[Stream]:
        """The streams that the bills of an account may stand on, each once."""
        points = self._points[account]
        yield from map(point_kind.stream, points)
        tariffs = dict.fromkeys(tariff for point in points for tariff in self._priced(point))
        yield from map(tariff_kind.stream, tariffs)
        held = (meter for point in points for meter in self._meters[point])
        yield from map(meters.stream, dict.fromkeys(held))
        last = max(bill.since for bill in self.accounts[account])
        earlier = [bill for bill in self._every[account] if bill.until <= last]
        yield from (bill_kind.stream(bill.bill) for bill in earlier)
        back = earlier if any(self._looks_back(tariff) for tariff in tariffs) else []
        months = {each for bill in (*self.accounts[account], *back) for each in _months(bill)}
        for point in points:
            yield from (intervals.stream(f"{point}-{month}") for month in sorted(months))

    @cached_property
    def _points(self) -> dict[str, list[str]]:
        found = defaultdict[str, list[str]](list)
        for row in self.tables.find(supplied_points, Where("account", "in", self.accounts)):
            found[row.account].append(row.point)
        return found

    @cached_property
    def _meters(self) -> dict[str, list[str]]:
        points = {point for each in self._points.values() for point in each}
        found = defaultdict[str, list[str]](list)
        for row in self.tables.find(point_meters, Where("point", "in", points)):
            found[row.point].append(row.meter)
        return found

    @cached_property
    def _every(self) -> dict[str, list[Bill]]:
        """Every bill of the accounts: what one carries forward another may stand on."""
        found = defaultdict[str, list[Bill]](list)
        among = Where("account", "in", self.accounts)
        for row in self.tables.find(bills, among, known_at=self.position):
            found[row.account].append(row)
        return found

    @cached_property
    def _at_points(self) -> dict[Stream, list[Fact]]:
        points = {point for each in self._points.values() for point in each}
        return self.history.of_each(map(point_kind.stream, points), until=self.position)

    @cached_property
    def _published(self) -> dict[Stream, list[Fact]]:
        tariffs = {t for each in self._points.values() for p in each for t in self._priced(p)}
        return self.history.of_each(map(tariff_kind.stream, tariffs), until=self.position)

    def _priced(self, point: str) -> Iterator[str]:
        for fact in self._at_points[point_kind.stream(point)]:
            if isinstance(fact.event, PointSupplied | PointTariffChanged):
                yield fact.event.tariff

    def _looks_back(self, tariff: str) -> bool:
        return any(
            fact.event.document.looks_back
            for fact in self._published[tariff_kind.stream(tariff)]
            if isinstance(fact.event, TariffPublished)
        )


def _months(bill: Bill) -> Iterator[str]:
    day: date = bill.since.replace(day=1)
    while day < bill.until:
        yield month_of(day)
        day = next_month(day)
