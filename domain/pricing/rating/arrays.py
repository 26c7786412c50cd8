"""
Rating of many accounts at once, by the rules of the charges, in columns instead of Decimals.

Accounts whose usage has the same form (same registers and days, or same intervals) stand in one
group; what differs between them are numbers.  The lines are the same as `rate` gives, to the
cent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from typing import Any

import numpy as np

from domain.pricing.charges import UnroundedLine
from domain.pricing.charges.kit import Memory
from domain.pricing.exact import CONTEXT, Number
from domain.pricing.rating.columns import Column
from domain.pricing.rating.intervals import Ints, fitting, integers_of, summable
from domain.pricing.rating.lines import Line, Rated
from domain.pricing.rating.measured import Meters, plain
from domain.pricing.rating.rate import Calculation, calculate, carry_of, printed, rate
from domain.pricing.rating.remarks import is_estimated, place_of
from domain.pricing.rating.runs import Run
from domain.pricing.tariff import TariffVersion
from domain.pricing.usage import Carry, Remark, Usage
from domain.values import Period

FINEST = 6  # decimals of a Wh that a series may have
FEW = 4  # fewer accounts than this are rated one by one


@dataclass(frozen=True, slots=True)
class Population:
    """
    Usage of many accounts in one form.

    `usage` has an array, one integer for each account, where the usage of one account has an
    integer; interval values are in `runs`, accounts × intervals, with `digits` decimals of
    a Wh; `remarks` are those of each account, in order, or none at all.
    """

    size: int
    usage: Usage
    runs: tuple[Run, ...] = ()
    digits: int = 0
    remarks: tuple[tuple[Remark, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class RatedColumns:
    """The bills of many accounts: drafts with columns for numbers, totals in minor units."""

    currency: str
    size: int
    drafts: tuple[tuple[UnroundedLine, TariffVersion], ...]
    amounts: tuple[Ints, ...]  # of each draft, in minor units
    total: Ints
    memory: Memory
    remarks: tuple[tuple[Remark, ...], ...] = ()

    def bills(self) -> Iterator[Rated]:
        """The bill of each account, as `rate` would give it."""
        quantities = [_each(draft.quantity, self.size) for draft, _ in self.drafts]
        rates = [_each(draft.rate, self.size) for draft, _ in self.drafts]
        amounts = [some.tolist() for some in self.amounts]
        kept = {key: _each(number, self.size) for key, number in self.memory.items()}
        for n, total in enumerate(self.total.tolist()):
            carry = carry_of({key: some[n] for key, some in kept.items()}) if kept else ()
            lines = tuple(self._lines(n, quantities, rates, amounts))
            yield Rated(self.currency, lines, total, carry)

    def _lines(
        self,
        n: int,
        quantities: list[list[Decimal]],
        rates: list[list[Decimal]],
        amounts: list[list[int]],
    ) -> Iterator[Line]:
        remarks = self.remarks[n] if self.remarks else ()
        for at, (draft, version) in enumerate(self.drafts):
            quantity, amount = quantities[at][n], amounts[at][n]
            if amount or (quantity and draft.kind not in ("minimum", "rounding")):
                yield Line(
                    draft.code,
                    draft.kind,
                    draft.period,
                    draft.tier,
                    quantity,
                    draft.unit,
                    rates[at][n],
                    amount,
                    draft.since,
                    draft.until,
                    version.tariff,
                    version.version,
                    draft.title,
                    is_estimated(draft, remarks),
                    place_of(draft, remarks),
                )


def rate_columns(
    versions: Sequence[TariffVersion],
    population: Population,
    period: Period,
    memory: Mapping[Any, Number] | None = None,
) -> RatedColumns:
    """Price the usage of a population; raises what `rate` raises."""
    with localcontext(CONTEXT):
        kept: Memory = dict(memory or {})
        meters = Meters(
            population.usage, _number, runs=population.runs, digits=population.digits
        )
        calculated = calculate(versions, meters, population.usage, period, kept)
        return _columns(calculated, population, versions, kept)


def _columns(
    calculation: Calculation,
    population: Population,
    versions: Sequence[TariffVersion],
    memory: Memory,
) -> RatedColumns:
    size = population.size
    first = calculation.drafts[0][1] if calculation.drafts else versions[0]
    document, digits = first.document, first.digits
    amounts = tuple(_minor(draft.amount, digits, size) for draft, _ in calculation.drafts)
    total = fitting(np.zeros(size, np.int64), 1)
    if amounts:
        total = np.sum([fitting(some, len(amounts)) for some in amounts], axis=0)
    drafts, remarks = calculation.drafts, population.remarks
    return RatedColumns(document.currency, size, drafts, amounts, total, memory, remarks)


def rate_all(
    versions: Sequence[TariffVersion],
    usages: Sequence[Usage],
    period: Period,
    carries: Sequence[Carry] | None = None,
) -> list[Rated]:
    """The bills of many accounts, in order: what `rate` gives for each, and much faster."""
    carried = carries or [()] * len(usages)
    forms: dict[Any, list[int]] = defaultdict(list)
    for n, (usage, carry) in enumerate(zip(usages, carried, strict=True)):
        forms[_form(usage, carry)].append(n)
    bills: list[Rated | None] = [None] * len(usages)
    for members in forms.values():
        if len(members) < FEW:
            some: Iterable[Rated] = (
                rate(versions, usages[n], period, carried[n]) for n in members
            )
        else:
            population = together([usages[n] for n in members])
            memory = _remembered([carried[n] for n in members])
            some = rate_columns(versions, population, period, memory).bills()
        for n, bill in zip(members, some, strict=True):
            bills[n] = bill
    return [bill for bill in bills if bill is not None]


def together(usages: Sequence[Usage]) -> Population:
    """One population of usages that have the same form."""
    first = usages[0]
    days = max([(one.until - one.since).days for one in first.registers], default=1)
    factor = 2 * days * 10**FINEST * len(first.registers)  # shares of days, sums of registers
    return Population(
        len(usages),
        replace(
            first,
            series=(),
            registers=tuple(
                replace(
                    one,
                    wh=_stack((usage.registers[n].wh for usage in usages), factor),
                    facts=(),
                )
                for n, one in enumerate(first.registers)
            ),
            demands=tuple(
                replace(one, w=_stack(usage.demands[n].w for usage in usages), facts=())
                for n, one in enumerate(first.demands)
            ),
            held=tuple(
                replace(one, w=_stack(usage.held[n].w for usage in usages), facts=())
                for n, one in enumerate(first.held)
            ),
            contract_w=_agreed([usage.contract_w for usage in usages]),
            capacity_va=_agreed([usage.capacity_va for usage in usages]),
            remarks=(),
        ),
        tuple(_run(usages, n) for n in range(len(first.series))),
        max((one.digits for one in first.series), default=0),
        tuple(usage.remarks for usage in usages),
    )


def _form(usage: Usage, carry: Carry) -> Any:
    """What must be equal for two accounts to stand in one group."""
    return (
        usage.zone,
        usage.exempt,
        usage.persons,
        usage.power_factor,
        usage.contract_w is None,
        usage.capacity_va is None,
        tuple((s.channel, s.start, s.minutes, len(s.wh), s.digits) for s in usage.series),
        tuple((r.channel, r.label, r.since, r.until) for r in usage.registers),
        tuple((d.label, d.since, d.until, d.unit, d.line) for d in usage.demands),
        tuple((h.what, h.since, h.until, h.label, h.line) for h in usage.held),
        tuple((k.what, k.code, k.period, k.since) for k in carry),
    )


def _remembered(carries: Sequence[Carry]) -> Memory:
    memory: Memory = {}
    for n, kept in enumerate(carries[0]):
        exact = [carry[n].quantity for carry in carries]
        digits = max(-int(one.as_tuple().exponent) for one in exact)
        whole = [int(one.scaleb(max(digits, 0))) for one in exact]
        key = (kept.what, kept.code, kept.period, kept.since)
        memory[key] = Column(_stack(whole), 10 ** max(digits, 0))
    return memory


def _run(usages: Sequence[Usage], n: int) -> Run:
    one = usages[0].series[n]
    fine = max(each.digits for each in usages[0].series)
    wh = summable([usage.series[n].wh for usage in usages], 10 ** (fine - one.digits))
    return Run(one.channel, one.start, one.minutes, wh)


def _stack(integers: Any, factor: int = 1) -> Any:
    return fitting(integers_of(list(integers)), factor)


def _agreed(integers: Sequence[int | None]) -> Any:
    return None if integers[0] is None else _stack(integers)


def _number(integers: Any, digits: int) -> Number:
    if isinstance(integers, np.ndarray):
        return Column(integers, 10**digits)
    return plain(integers, digits)


def _minor(amount: Number, digits: int, size: int) -> Ints:
    if isinstance(amount, Column):
        return np.broadcast_to(amount.integers(digits), (size,))
    return integers_of([int(amount.scaleb(digits))] * size)


def _each(number: Number, size: int) -> list[Decimal]:
    if isinstance(number, Column):
        return [printed(one) for one in number.decimals()]
    return [printed(number)] * size
