"""Netting: what is given to the network against what is taken, over an hour or a month."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

from domain.kit import value
from domain.pricing.calendars import Month
from domain.pricing.charges.kit import BillSegment
from domain.pricing.charges.memory import keep, recalled
from domain.pricing.exact import ZERO, Number, larger, smaller, total
from domain.values import next_month

DAY = timedelta(days=1)
BANK = date(1, 1, 1)  # a bank of kWh has no date: it is emptied by use, or in its month


@value
class Net:
    """
    Over what time taken and given cancel, and what becomes of a surplus.

    `interval`, `hour`: only what remains of each is priced; the rest is the matter of an
    `export` charge.  `month`: period by period; a surplus is `kept` in kWh for the same
    period of later bills (until the bill of `settles`, after which the bank is empty),
    `priced` as a credit, block by block as if it had been taken, or `left` to an `export`
    charge.
    """

    over: Literal["interval", "hour", "month"] = "month"
    surplus: Literal["kept", "priced", "left"] = "kept"
    settles: Month | None = None


def netted(
    net: Net | None, code: str, part: BillSegment, schedule: str | None
) -> tuple[dict[str, Number], dict[str, Number]]:
    """What is to be priced by period, and what is to be credited."""
    if net is None:
        return part.kwh("import", schedule), {}
    if net.over != "month":
        return part.kwh("import", schedule, net.over), {}
    balance = balanced(part, schedule)
    if net.surplus != "kept":
        credited = {p: larger(-kwh, ZERO) for p, kwh in balance.items()}
        used = {p: larger(kwh, ZERO) for p, kwh in balance.items()}
        return used, credited if net.surplus == "priced" else {}
    return {p: _banked(net, code, part, p, kwh) for p, kwh in balance.items()}, {}


def balanced(part: BillSegment, schedule: str | None) -> dict[str, Number]:
    """By period, what was taken less what was given."""
    taken, given = part.kwh("import", schedule), part.kwh("export", schedule)
    if not given:
        return taken
    periods = dict.fromkeys((*taken, *given))
    return {p: taken.get(p, ZERO) - given.get(p, ZERO) for p in periods}


def _banked(net: Net, code: str, part: BillSegment, period: str, kwh: Number) -> Number:
    """What remains to be paid after the bank; the bank takes what was given beyond."""
    bank = recalled(part, "bank", code, period, BANK)
    taken = larger(kwh, ZERO)
    drawn = smaller(bank, taken)
    left = bank - drawn + larger(-kwh, ZERO)
    keep(part, "bank", code, period, BANK, ZERO if settles(net.settles, part) else left)
    return taken - drawn


def settles(month: int | None, part: BillSegment) -> bool:
    """Whether these days have the last day of the month in which a year is settled."""
    if month is None:
        return False
    days = part.period
    years = range(days.since.year, days.until.year + 1)
    return any(next_month(date(year, month, 1)) - DAY in days for year in years)


def surplus_to_date(part: BillSegment, code: str) -> Number:
    """KWh given beyond what was taken, since last settled; kept for the next bill."""
    bank = recalled(part, "bank", code, "", BANK)
    given, taken = (total(part.kwh(channel).values()) for channel in ("export", "import"))
    return larger(bank + given - taken, ZERO)
