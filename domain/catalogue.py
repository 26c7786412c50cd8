"""The catalogue: importing it declares every event, command and decision there is."""

from __future__ import annotations

from types import ModuleType

from domain import policies
from domain.billing import batch, bill, cancelling, chain, correcting
from domain.customers import account, customer, holding
from domain.kit import COMMANDS, DECISIONS, EVENTS, KINDS, POLICIES, loops
from domain.metering import meter
from domain.network import point, terms
from domain.organisation import (
    attempts,
    day,
    duties,
    founding,
    person,
    rules,
    unit,
    utility,
)
from domain.pricing import tariff
from domain.readings import imports, intervals
from domain.receivables import correcting as payments
from domain.receivables import goodwill, payment

__all__ = ["COMMANDS", "CONTEXTS", "DECISIONS", "EVENTS", "KINDS", "POLICIES"]

del policies  # imported so that its policies are declared

CONTEXTS: dict[str, tuple[ModuleType, ...]] = {
    "organisation": (
        utility,
        rules,
        day,
        attempts,
        unit,
        person,
        duties,
        founding,
    ),
    "customers": (customer, account, holding),
    "pricing": (tariff,),
    "network": (point, terms),
    "metering": (meter,),
    "readings": (intervals, imports),
    "billing": (bill, correcting, cancelling, chain, batch),
    "receivables": (payment, payments, goodwill),
}
"""The nouns of each context, in the order in which a utility comes to need them."""


def check() -> None:
    """
    Every command is decided, every event belongs to a kind, no policies set each other off.

    Raises TypeError if not.
    """
    undecided = [name for name, asked in COMMANDS.items() if asked not in DECISIONS]
    kinds = {kind.name for kind in KINDS.values()}
    homeless = [name for name in EVENTS if name.partition(".")[0] not in kinds]
    if undecided or homeless:
        raise TypeError(
            f"commands without a decision: {undecided}; homeless events: {homeless}"
        )
    if circles := loops(POLICIES.values()):
        told = "; ".join(" → ".join((*circle, circle[0])) for circle in circles)
        raise TypeError(f"policies set each other off without end: {told}")


check()
