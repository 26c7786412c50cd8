"""
Calculation: what a bill is, at any position of history.

A bill is a pure function of the tables as they were known at a position: who took supply where,
what was measured, which tariff versions were published.  Issuing calculates at the head;
re-rating calculates at the basis and must give the same lines; correcting calculates at the
head again and subtracts.  Nothing here is remembered, so nothing here can be out of date.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from domain.billing.bill import (
    Basis,
    BillCalculation,
)
from domain.billing.lines import BillLine
from domain.billing.refusals import NotRecalculated, TariffNotInForce, WrongCurrency
from domain.customers.account import AccountUnknown
from domain.editions import EDITION
from domain.kit import Refused
from domain.organisation.utility import UtilityNotEstablished
from domain.pricing.rating import Rated, Usage, rate
from domain.pricing.tariff import TariffVersion
from domain.pricing.usage import Carry
from domain.published import in_force
from domain.references import packed, unpacked
from domain.values import Period
from projections.billing import Bill, bills
from projections.customers import accounts
from projections.kit.table import Tables, Where
from projections.network import Supply, TariffSpell, supplies
from projections.organisation import Settings, settings
from projections.pricing import TariffVersion as PublishedTariff
from projections.pricing import tariff_versions
from replay.billing.agreed import with_terms
from replay.billing.measured import Counted, measured


@dataclass(frozen=True, slots=True)
class Rating:
    """What one supply is rated from: enough to rate it, and to explain it."""

    point: str
    period: Period
    versions: tuple[TariffVersion, ...]
    usage: Usage
    carry: Carry
    facts: tuple[str, ...]
    estimated: bool
    counted: tuple[Counted, ...]

    def rated(self) -> Rated:
        """Its lines.  Raises the refusals of `domain.pricing.rating.rate`."""
        return rate(self.versions, self.usage, self.period, self.carry)


def recalculable(basis: Basis) -> None:
    """Raises NotRecalculated for what was calculated by another edition of the rating rules."""
    if basis.edition != EDITION:
        raise NotRecalculated(edition=basis.edition, today=EDITION)


class BillCalculator:
    """
    Calculates bills of one set of tables.

    Raises AccountUnknown, NotRecalculated, PeriodNotMeasured, TariffNotInForce,
    WrongCurrency, and the refusals of `domain.pricing.rating.rate`.
    """

    def __init__(self, tables: Tables) -> None:
        self.tables = tables

    def calculate(self, account: str, period: Period, known_at: int) -> BillCalculation:
        """The bill of an account for a period; no lines where nothing was supplied."""
        return self._calculated(self._settings(known_at), account, period, known_at)

    def by_todays_rules(self, account: str, period: Period, known_at: int) -> BillCalculation:
        """The same by today's edition, also where an earlier one was in force."""
        return self._calculated(self._known(known_at), account, period, known_at)

    def _calculated(
        self, here: Settings, account: str, period: Period, known_at: int
    ) -> BillCalculation:
        lines: list[BillLine] = []
        facts: dict[str, None] = {}
        tariffs: dict[str, None] = {}
        estimated = False
        for rating in self._ratings(here, account, period, known_at):
            rated = rating.rated()
            if rated.currency != here.currency:
                raise WrongCurrency(
                    point=rating.point, tariff=rated.currency, books=here.currency
                )
            lines += (BillLine(point=rating.point, line=line) for line in rated.lines)
            facts |= dict.fromkeys(rating.facts)
            tariffs |= {f"{one.tariff}@{one.version}": None for one in _used(rating)}
            estimated = estimated or rating.estimated
        return BillCalculation(
            period=period,
            currency=here.currency,
            lines=tuple(lines),
            total=sum(each.line.amount for each in lines),
            basis=Basis(
                position=known_at,
                tariffs=tuple(tariffs),
                facts=packed(facts),
                estimated=estimated,
                edition=EDITION,
            ),
        )

    def ratings(self, account: str, period: Period, known_at: int) -> Iterator[Rating]:
        """What each supply of the account is rated from, in order of point and day."""
        return self._ratings(self._settings(known_at), account, period, known_at)

    def _ratings(
        self, here: Settings, account: str, period: Period, known_at: int
    ) -> Iterator[Rating]:
        if self.tables.get(accounts, account, known_at=known_at) is None:
            raise AccountUnknown(account=account)
        by_account = Where("account", "=", account)
        for supply in self.tables.find(supplies, by_account, known_at=known_at):
            if part := period.meet(supply.since, supply.until):
                yield self._rating(supply, part, here, known_at)

    def _settings(self, known_at: int) -> Settings:
        """Those known at a position, of which today's rules can say what bills were."""
        here = self._known(known_at)
        if here.edition != EDITION:
            raise NotRecalculated(edition=here.edition, today=EDITION)
        return here

    def _known(self, known_at: int) -> Settings:
        here = self.tables.get(settings, "settings", known_at=known_at)
        if here is None:
            raise UtilityNotEstablished
        return here

    def _rating(self, supply: Supply, part: Period, here: Settings, known_at: int) -> Rating:
        versions, tariff_facts = self._versions(supply, part, here.minor_digits, known_at)
        use = measured(self.tables, supply.point, part, here.zone, known_at)
        usage, agreed = with_terms(self.tables, supply, part, use.usage, known_at)
        ended = (supply.ended,) if supply.ended and supply.until == part.until else ()
        facts = (*tariff_facts, *agreed, *ended, *use.facts)
        rating = Rating(
            supply.point, part, versions, usage, (), facts, use.estimated, use.counted
        )
        if any(one.document.looks_back for one in _used(rating)):
            carry, earlier = self._carried(supply, rating, here.zone, known_at)
            rating = replace(rating, carry=carry, facts=(*facts, *earlier))
        return rating

    def _versions(
        self, supply: Supply, part: Period, digits: int, known_at: int
    ) -> tuple[tuple[TariffVersion, ...], tuple[str, ...]]:
        """The versions that price a supply from its first day on, each from the day it does."""
        versions: list[TariffVersion] = []
        facts: list[str] = []
        spells = _merged(supply.tariffs)
        ends = [spell.since for spell in spells[1:]]
        for spell, end in zip(spells, [*ends, part.until], strict=True):
            if spell.since >= end:
                continue
            by_tariff = Where("tariff", "=", spell.tariff)
            rows = self.tables.find(tariff_versions, by_tariff, known_at=known_at)
            refs = {row.version: row.fact for row in rows}
            within = Period(since=spell.since, until=end)
            published = [_version(row, digits) for row in rows if row.withdrawn is None]
            stretches = in_force(published, within)
            _no_gap(spell.tariff, stretches, within, part)
            for stretch, one in stretches:
                versions.append(replace(one, since=stretch.since))
                if part.meet(stretch.since, stretch.until):
                    facts += (spell.fact, refs[one.version])
            facts += _withdrawals(rows, within, part)
        if not versions or versions[0].since > part.since:
            raise TariffNotInForce(tariff=supply.tariffs[0].tariff, on=part.since)
        return tuple(versions), tuple(facts)

    def _carried(
        self, supply: Supply, rating: Rating, zone: str, known_at: int
    ) -> tuple[Carry, tuple[str, ...]]:
        """What the earlier bills of this supply, calculated as known now, hand to this one."""
        carry: Carry = ()
        facts: list[str] = []
        earlier = self.tables.find(
            bills,
            Where("account", "=", supply.account),
            Where("until", "<=", rating.period.since),
            order=("since",),
            known_at=known_at,
        )
        for bill in earlier:
            part = Period(since=bill.since, until=bill.until).meet(supply.since, supply.until)
            if part is None or bill.cancelled is not None:
                continue
            try:
                use = measured(self.tables, supply.point, part, zone, known_at)
                usage, agreed = with_terms(self.tables, supply, part, use.usage, known_at)
                carry = rate(rating.versions, usage, part, carry).carry
                facts += (bill.fact, *agreed, *use.facts)
            except Refused:
                if bill.newest.position >= known_at:
                    raise
                carry = self._as_it_stands(bill, supply, carry)
                facts += (bill.fact, *unpacked(bill.newest.facts))
        return carry, tuple(facts)

    def _as_it_stands(self, bill: Bill, supply: Supply, before: Carry) -> Carry:
        """What a bill that cannot be calculated any more handed on when it could."""
        period = Period(since=bill.since, until=bill.until)
        for one in self.ratings(bill.account, period, bill.newest.position):
            if one.point == supply.point and one.period.since >= supply.since:
                before = one.rated().carry
        return before


def _merged(spells: Sequence[TariffSpell]) -> list[TariffSpell]:
    """A change to the tariff that prices a supply already begins nothing new."""
    found: list[TariffSpell] = []
    for spell in spells:
        if not found or found[-1].tariff != spell.tariff:
            found.append(spell)
    return found


def _no_gap(
    tariff: str, stretches: Sequence[tuple[Period, TariffVersion]], within: Period, part: Period
) -> None:
    """The tariff before does not go on where a tariff is not in force yet: that is refused."""
    begins = stretches[0][0].since if stretches else within.until
    if missing := part.meet(within.since, begins) if within.since < begins else None:
        raise TariffNotInForce(tariff=tariff, on=missing.since)


def _version(row: PublishedTariff, digits: int | None) -> TariffVersion:
    return TariffVersion(
        tariff=row.tariff,
        version=row.version,
        since=row.since,
        document=row.document,
        kept_digits=digits,
    )


def _withdrawals(rows: Iterable[PublishedTariff], within: Period, part: Period) -> list[str]:
    """The facts that took back a version which priced some of these days."""
    withdrawn = {row.version: row.withdrawn for row in rows if row.withdrawn is not None}
    priced = in_force([_version(row, None) for row in rows], within) if withdrawn else ()
    return [
        withdrawn[one.version]
        for stretch, one in priced
        if one.version in withdrawn and part.meet(stretch.since, stretch.until)
    ]


def _used(rating: Rating) -> list[TariffVersion]:
    """The versions of which some day of the period is priced."""
    return [one for _, one in in_force(rating.versions, rating.period)]
