"""The catalogue: importing it declares every event, command and decision there is."""

from __future__ import annotations

from domain import (
    accounts,
    billing,
    customers,
    intervals,
    meters,
    payments,
    points,
    tariffs,
    utility,
)
from domain.kit import COMMANDS, DECISIONS, EVENTS, KINDS

__all__ = ["COMMANDS", "DECISIONS", "EVENTS", "KINDS", "NOUNS"]

NOUNS = (
    utility,
    customers,
    accounts,
    tariffs,
    points,
    meters,
    intervals,
    billing,
    payments,
)
"""A module for each noun of the trade, in the order in which a utility comes to need them."""


def check() -> None:
    """Every command is decided, every event belongs to a kind; raises TypeError if not."""
    undecided = [name for name, asked in COMMANDS.items() if asked not in DECISIONS]
    kinds = {kind.name for kind in KINDS.values()}
    homeless = [name for name in EVENTS if name.partition(".")[0] not in kinds]
    if undecided or homeless:
        raise TypeError(
            f"commands without a decision: {undecided}; homeless events: {homeless}"
        )


check()
