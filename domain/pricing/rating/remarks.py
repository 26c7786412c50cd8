"""What a line says of its quantity: whether it is estimated, and its place on the statement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import get_args

from domain.pricing.charges import UnroundedLine
from domain.pricing.usage import Place, Remark

PLACES: tuple[Place, ...] = get_args(Place)
ENERGY = ("kWh", "kvarh")


def is_estimated(line: UnroundedLine, remarks: Sequence[Remark]) -> bool:
    """Whether what was measured for the line is an estimate, in whole or in part."""
    return bool(remarks) and any(each.what == "estimated" for each in _of(line, remarks))


def place_of(line: UnroundedLine, remarks: Sequence[Remark]) -> Place | None:
    """Where a line of energy stands; None for what is not energy."""
    if line.unit not in ENERGY or not line.rests:
        return None
    if not remarks:
        return "read"
    said = {remark.what for remark in _of(line, remarks)}
    return next((place for place in reversed(PLACES) if place in said), "read")


def _of(line: UnroundedLine, remarks: Sequence[Remark]) -> Iterator[Remark]:
    """The remarks on what the line rests on, for its days."""
    for remark in remarks:
        for channel, days in line.rests:
            if (
                remark.channel == channel
                and remark.since < days.until
                and days.since < remark.until
                and days.since < line.until
                and line.since < days.until
            ):
                yield remark
                break
