"""Why a bill is what it is, in words: its lines as they stand, its notes, what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from api.cli.kit import money, plain, say
from api.system import System
from domain.pricing.rating import Why, explain
from projections.billing import Bill, Correction
from replay.billing.office import period_of

CHANNELS = {"energy": "import", "export": "export", "reactive": "reactive"}
"""Kind of a charge -> what its registers count."""


def reasons(it: System, row: Bill, line: str | None) -> Iterator[tuple[dict[str, Any], Why]]:
    """Each line of a bill as it stands, with what was measured for it, and why it is so."""
    for rating in it.billing.calculator.ratings(
        row.account, period_of(row), row.newest.position
    ):
        trees = explain(rating.versions, rating.usage, rating.period, rating.carry)
        for each, tree in zip(rating.rated().lines, trees, strict=True):
            if line in (None, each.code):
                among = [
                    one
                    for one in rating.counted
                    if one.channel == CHANNELS.get(each.kind)
                    and one.since < each.until
                    and each.since < one.until
                ]
                yield {"point": rating.point, **plain(each), "measured": plain(among)}, tree


def history_of(row: Bill, notes: Sequence[Correction]) -> None:
    """Say what a bill was issued at, and each note since with its causes."""
    say(f"Bill {row.bill}, issued at {money(row.issued, row.currency)}")
    for note in sorted(notes, key=lambda note: (note.cancels, note.basis.position)):
        did = "cancelled" if note.cancels else "corrected"
        say(f"  {did} by {note.note}: {money(note.total, row.currency)}")
        for cause in note.causes:
            say(f"    because of {cause.name}, {cause.fact}, at position {cause.position}")
    stands = money(row.issued + row.corrected, row.currency)
    ends = "before it was cancelled " if row.cancelled else ""
    say(f"It stands at {stands}; {ends}calculated at position {row.newest.position}")


def counted_so(one: Mapping[str, Any]) -> str:
    """What a register counted: (400 - 100) kWh x 1 / (1 + 0.06) = 283.019 kWh."""
    low, high, wh = (Decimal(one[name]) / 1000 for name in ("low", "high", "wh"))
    found = f"({high} - {low}) kWh × {one['multiplier']} ÷ (1 + {one['error']}) = {wh} kWh"
    said = ", estimated" if one["estimated"] else ""
    spell = f"{one['since']} to {one['until']}"
    return f"{one['meter']} {one['register']} from {spell}: {found}{said} {one['facts']}"
