"""
What was agreed for a supply in a period: capacity, contract demand, persons, exemptions.

Capacity and contract demand count by days, so that a charge for them follows a change within
the period.  The power factor that was told, the persons of the household and the exemptions
are those of the last day that terms cover in the period: they hold for a bill as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from domain.pricing.usage import Agreed, Held, Usage
from domain.values import Period
from projections.kit.table import Tables, Where
from projections.network import Supply, Terms, terms


def with_terms(
    tables: Tables, supply: Supply, part: Period, usage: Usage, known_at: int
) -> tuple[Usage, tuple[str, ...]]:
    """Usage of a part of a supply with what was agreed for it, and the facts that say so."""
    spells = list(_in_force(tables, supply, part, known_at))
    if not spells:
        return usage, ()
    last = spells[-1][1]
    held = (*_held("capacity", spells), *_held("contract", spells))
    agreed = replace(
        usage,
        held=held,
        power_factor=last.power_factor,
        persons=last.persons,
        exempt=frozenset(last.exempt),
    )
    return agreed, tuple(row.fact for _, row in spells)


def _in_force(
    tables: Tables, supply: Supply, part: Period, known_at: int
) -> Iterator[tuple[Period, Terms]]:
    rows = tables.find(
        terms,
        Where("point", "=", supply.point),
        Where("supplied", "=", supply.since),
        Where("since", "<", part.until),
        order=("since",),
        known_at=known_at,
    )
    for n, row in enumerate(rows):
        until = rows[n + 1].since if n + 1 < len(rows) else None
        stretch = part.meet(row.since, until)
        if stretch is not None:
            yield stretch, row


def _held(what: Agreed, spells: list[tuple[Period, Terms]]) -> Iterator[Held]:
    for stretch, row in spells:
        amount = row.capacity_va if what == "capacity" else row.contract_w
        if amount is not None:
            yield Held(what, stretch.since, stretch.until, amount, (row.fact,))
        for one in row.contract_by_period if what == "contract" else ():
            days = stretch.since, stretch.until
            yield Held(what, *days, one.w, (row.fact,), label=one.period)
