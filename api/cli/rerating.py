"""`wattledger rate --population --under`: a whole folder of usage under another tariff."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from api.currency import amount_text
from domain.pricing.rating import Rerated, Usage, compare, summary
from domain.pricing.tariff import TariffDocument, TariffVersion
from domain.values import Period
from replay.files.usage import UsageFileError


@dataclass(frozen=True, slots=True)
class Comparison:
    """The accounts of a population under two tariffs of one currency."""

    currency: str
    rerated: tuple[Rerated, ...]

    def answer(self) -> dict[str, Any]:
        """As JSON has it: amounts are decimal strings."""
        told = summary(self.rerated)
        money = {
            key: self.money(number)
            if key in ("before", "after") or "largest" in key
            else number
            for key, number in asdict(told).items()
        }
        return {
            "currency": self.currency,
            "summary": money | {"difference": self.money(told.after - told.before)},
            "accounts": [self._account(one) for one in self.rerated],
        }

    def _account(self, one: Rerated) -> dict[str, Any]:
        return {
            "account": one.account,
            "before": self.money(one.before),
            "after": self.money(one.after),
            "difference": self.money(one.difference),
            "lines": [dict(zip(COLUMNS[1:], row, strict=True)) for row in self._rows(one)],
        }

    def csv(self) -> str:
        """A row for each line of each account."""
        table = io.StringIO()
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow(COLUMNS)
        for one in self.rerated:
            writer.writerows((one.account, *row) for row in self._rows(one))
        return table.getvalue()

    def text(self) -> Iterator[str]:
        """For a reader: each account in a line, then all of them."""
        yield f"{'account':<24}{'before':>16}{'after':>16}{'difference':>16}"
        for one in self.rerated:
            numbers = (one.before, one.after, one.difference)
            yield f"{one.account:<24}" + "".join(f"{self.money(n):>16}" for n in numbers)
        told = summary(self.rerated)
        numbers = (told.before, told.after, told.after - told.before)
        yield f"{'all ' + self.currency:<24}" + "".join(f"{self.money(n):>16}" for n in numbers)
        rise, fall = self.money(told.largest_rise), self.money(told.largest_fall)
        yield f"{told.pay_more} pay more (at most {rise}), {told.pay_less} less ({fall})"

    def money(self, minor: int) -> str:
        """An amount of the currency."""
        return amount_text(minor, self.currency)

    def _rows(self, one: Rerated) -> Iterator[tuple[Any, ...]]:
        for line in one.lines:
            numbers = (line.before, line.after, line.difference)
            yield line.code, line.kind, line.period, line.tier, *map(self.money, numbers)


COLUMNS = ("account", "code", "kind", "period", "tier", "before", "after", "difference")


def population(folder: Path) -> dict[str, Path]:
    """Account -> file: every CSV or text file of a folder, in the order of their names."""
    files = sorted(file for file in folder.iterdir() if file.suffix in (".csv", ".txt"))
    if not files:
        raise UsageFileError(f"{folder} has no usage files (.csv, .txt)")
    return {file.stem: file for file in files}


def compared(
    before: TariffDocument,
    after: TariffDocument,
    usages: Mapping[str, Usage],
    periods: Sequence[Period],
) -> Comparison:
    """Both tariffs over the periods.  Raises UsageFileError when they are in two currencies."""
    if before.currency != after.currency:
        raise UsageFileError(f"one tariff is in {before.currency}, one in {after.currency}")
    versions = [
        [TariffVersion(tariff=name, version=1, since=periods[0].since, document=document)]
        for name, document in (("before", before), ("after", after))
    ]
    return Comparison(
        before.currency, tuple(compare(versions[0], versions[1], usages, periods))
    )
