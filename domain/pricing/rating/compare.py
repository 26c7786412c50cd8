"""Re-rating: what the same usage costs under another tariff, line by line; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from domain.pricing.rating.arrays import rate_all
from domain.pricing.rating.lines import Line, Rated
from domain.pricing.tariff import TariffVersion
from domain.pricing.usage import Carry, Usage
from domain.values import Period


@dataclass(frozen=True, slots=True)
class LineDifference:
    """What a line came to under one tariff and comes to under the other, in minor units."""

    code: str
    kind: str
    period: str
    tier: int
    before: int
    after: int

    @property
    def difference(self) -> int:
        """How much more it is."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class Rerated:
    """One account under both tariffs, over all the periods."""

    account: str
    lines: tuple[LineDifference, ...]
    before: int
    after: int

    @property
    def difference(self) -> int:
        """How much more it pays."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class Summary:
    """A population under both tariffs; rise and fall are those of one account."""

    accounts: int
    before: int
    after: int
    pay_more: int
    pay_less: int
    largest_rise: int
    largest_fall: int


def compare(
    before: Sequence[TariffVersion],
    after: Sequence[TariffVersion],
    usages: Mapping[str, Usage],
    periods: Sequence[Period],
) -> list[Rerated]:
    """Each account rated under both, period after period; raises what `rate` raises."""
    accounts = list(usages)
    under = [_bills(versions, list(usages.values()), periods) for versions in (before, after)]
    return [
        Rerated(
            account,
            tuple(differences(under[0][n], under[1][n])),
            sum(rated.total for rated in under[0][n]),
            sum(rated.total for rated in under[1][n]),
        )
        for n, account in enumerate(accounts)
    ]


def differences(before: Iterable[Rated], after: Iterable[Rated]) -> Iterator[LineDifference]:
    """Lines of the same code, kind, period and block set against each other."""
    was, now = _summed(before), _summed(after)
    for key in dict.fromkeys((*was, *now)):
        yield LineDifference(*key, was.get(key, 0), now.get(key, 0))


def summary(rerated: Sequence[Rerated]) -> Summary:
    """What it comes to for all."""
    differing = [one.difference for one in rerated]
    return Summary(
        len(rerated),
        sum(one.before for one in rerated),
        sum(one.after for one in rerated),
        sum(one > 0 for one in differing),
        sum(one < 0 for one in differing),
        max([0, *differing]),
        min([0, *differing]),
    )


def _bills(
    versions: Sequence[TariffVersion], usages: Sequence[Usage], periods: Sequence[Period]
) -> list[list[Rated]]:
    bills: list[list[Rated]] = [[] for _ in usages]
    carries: list[Carry] = [()] * len(usages)
    for period in periods:
        rated = rate_all(versions, usages, period, carries)
        carries = [one.carry for one in rated]
        for mine, one in zip(bills, rated, strict=True):
            mine.append(one)
    return bills


def _summed(bills: Iterable[Rated]) -> dict[tuple[str, str, str, int], int]:
    found: dict[tuple[str, str, str, int], int] = {}
    for line in (line for rated in bills for line in rated.lines):
        found[_key(line)] = found.get(_key(line), 0) + line.amount
    return found


def _key(line: Line) -> tuple[str, str, str, int]:
    return line.code, line.kind, line.period, line.tier
