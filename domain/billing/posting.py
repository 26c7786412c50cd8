"""
Posting: what the lines of a bill are in the books, by the ledger class of each charge.

Revenue is net: tax that the prices contain goes to the tax account, and is taken off the
classes of the lines that contain it, in proportion.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from domain.billing.lines import BillLine
from domain.books.chart import CLASSES
from domain.books.entry import Posting, netted
from domain.pricing.charges import LEDGER_CLASSES
from domain.pricing.rating import Line
from domain.values import whole

TAX, INCLUDED, ROUNDING = "tax", "tax-included", "rounding"


def revenue(lines: Sequence[BillLine], digits: int) -> tuple[Posting, ...]:
    """
    The credits of a bill; they come to minus its total.

    `digits` are those of the minor unit: the base of a tax is told in minor units too.
    """
    return netted(_postings(lines, digits))


def corrected(
    now: Sequence[BillLine], stood: Sequence[BillLine], digits: int
) -> tuple[Posting, ...]:
    """What a note posts: the credits of the bill as it is now, less those as it stood."""
    before = (
        replace(each, amount=-each.amount, base=None if each.base is None else -each.base)
        for each in revenue(stood, digits)
    )
    return netted((*revenue(now, digits), *before))


def _postings(lines: Sequence[BillLine], digits: int) -> Iterator[Posting]:
    included = {_tax_of(each) for each in lines if each.line.kind == INCLUDED}
    for each in lines:
        line = each.line
        if line.kind == TAX:
            base = whole(line.quantity.scaleb(digits))
            if _tax_of(each) in included:
                base -= line.amount
            yield Posting(
                code=CLASSES[TAX],
                amount=-line.amount,
                ledger_class=TAX,
                tax_code=line.code,
                rate=line.rate,
                base=base,
            )
        elif line.kind == INCLUDED:
            for name, amount in _shares(line.amount, _contained(each, lines)):
                yield _posting(name, -amount)
        else:
            yield _posting(_class(line), -line.amount)


def _posting(ledger_class: str, amount: int) -> Posting:
    return Posting(code=CLASSES[ledger_class], amount=amount, ledger_class=ledger_class)


def _class(line: Line) -> str:
    return ROUNDING if line.kind == ROUNDING else LEDGER_CLASSES[line.kind]


def _tax_of(each: BillLine) -> tuple[object, ...]:
    line = each.line
    return each.point, line.tariff, line.version, line.code, line.since, line.until


def _contained(tax: BillLine, lines: Iterable[BillLine]) -> dict[str, int]:
    """By ledger class, the lines that an included tax is in: those of its tariff and days."""
    sums: defaultdict[str, int] = defaultdict(int)
    for each in lines:
        line = each.line
        alike = (each.point, line.tariff, line.version)
        if (
            alike == (tax.point, tax.line.tariff, tax.line.version)
            and tax.line.since <= line.since
            and line.until <= tax.line.until
            and line.kind not in (TAX, INCLUDED, ROUNDING)
        ):
            sums[_class(line)] += line.amount
    return sums


def _shares(amount: int, parts: dict[str, int]) -> Iterator[tuple[str, int]]:
    """An amount in proportion to parts, to the last minor unit; of nothing: all is rounding."""
    whole_, left = sum(parts.values()), amount
    if not whole_:
        yield ROUNDING, amount
        return
    largest = max(parts, key=lambda name: abs(parts[name]))
    for name, part in parts.items():
        if name != largest:
            share = whole(Decimal(amount * part) / whole_)
            left -= share
            yield name, share
    yield largest, left
