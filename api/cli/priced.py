"""The bills of `wattledger rate`, as JSON has them and as a reader sees them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from pydantic_core import to_jsonable_python

from domain.pricing.rating import Line, Rated, explain, text
from domain.pricing.tariff import TariffVersion
from domain.pricing.usage import Carry, Usage
from domain.values import Period, amount_text


@dataclass(frozen=True, slots=True)
class Priced:
    """The bills of a range, each with the state of affairs that it was calculated from."""

    versions: tuple[TariffVersion, ...]
    usage: Usage
    bills: tuple[tuple[Period, Carry, Rated], ...]


def answer(priced: Priced, with_carry: bool = False) -> dict[str, Any]:
    """The answer as JSON has it: amounts are decimal strings; `carry` for the bill after."""
    currency = priced.bills[0][2].currency
    handed = [asdict(kept) for kept in priced.bills[-1][2].carry]
    carry = {"carry": to_jsonable_python(handed)} if with_carry else {}
    return carry | {
        "currency": currency,
        "bills": [
            {
                "from": str(period.since),
                "to": str(period.until),
                "lines": [_line(line, currency) for line in rated.lines],
                "total": amount_text(rated.total, currency),
            }
            for period, _, rated in priced.bills
        ],
        "total": amount_text(sum(rated.total for _, _, rated in priced.bills), currency),
    }


def _line(line: Line, currency: str) -> dict[str, Any]:
    return {
        "code": line.code,
        "kind": line.kind,
        "period": line.period,
        "tier": line.tier,
        "quantity": _plain(line.quantity),
        "unit": line.unit,
        "rate": _plain(line.rate),
        "amount": amount_text(line.amount, currency),
    }


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}" if number else "0"


def table(priced: Priced, why: bool) -> Iterator[str]:
    """The answer for a reader, each line with its derivation if asked for."""
    currency = priced.bills[0][2].currency
    for period, carry, rated in priced.bills:
        yield f"{period.since} to {period.until}"
        reasons = explain(priced.versions, priced.usage, period, carry) if why else ()
        shown: dict[int, str] = {}
        for n, line in enumerate(rated.lines):
            name = " ".join(filter(None, (line.code, line.period, str(line.tier or ""))))
            sum_ = f"{_plain(line.quantity)} {line.unit} × {_plain(line.rate)}".replace(
                "  ", " "
            )
            yield f"  {name:<32} {sum_:>40} {amount_text(line.amount, currency):>14}"
            if why:
                yield from (f"      {row}" for row in text(reasons[n], shown))
                shown[id(reasons[n])] = f"line {name}"
        yield f"  {'total':<32} {'':>40} {amount_text(rated.total, currency):>14}"
    if len(priced.bills) > 1:
        everything = sum(rated.total for _, _, rated in priced.bills)
        yield f"{'total':<34} {currency:>40} {amount_text(everything, currency):>14}"
