"""
Rules: by which edition of the rating rules the utility calculates its bills.

    ── adopt-rules ──▶ adopted ── adopt-rules ──▶ adopted ──▶ …

A utility begins with the edition of the release that founded it (`utility.established`).  The
first start of a release with mended rules adopts its edition: that is a fact, so that what the
new rules make of an old bill has a cause.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from domain.editions import EDITION, changes
from domain.kit import Kind, command, decision, event
from domain.organisation.utility import Utility, UtilityNotEstablished

# What can happen


@event("rules.adopted")
class RulesAdopted:
    edition: int
    what: tuple[str, ...]  # what it changed, and those that were passed over with it


# What it then is


@dataclass(frozen=True, slots=True)
class Rules:
    """The edition adopted last; 0 where none was since the founding."""

    edition: int = 0


def evolve(rules: Rules, happened: RulesAdopted) -> Rules:
    """It calculates by another edition."""
    del rules
    return Rules(happened.edition)


RATING = "rating"

rules: Kind[Rules, RulesAdopted] = Kind("rules", Rules(), evolve, only=RATING)


# What can be asked


@command("adopt-rules", door=False)
class AdoptRules:
    """Calculate by this release's edition from now on; its first start asks it."""


# What we answer


@decision(refuses=(UtilityNotEstablished,))
def adopt(asked: AdoptRules, rules: Rules, utility: Utility) -> Iterator[RulesAdopted]:
    """Quiet when that is the edition already."""
    del asked
    if not utility.currency:
        raise UtilityNotEstablished
    since = max(rules.edition, utility.edition)
    if since < EDITION:
        yield RulesAdopted(edition=EDITION, what=changes(since))
