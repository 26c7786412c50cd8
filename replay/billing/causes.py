"""
Causes: which later facts moved a bill, found by leaving them out.

A cause is a fact after the basis such that the lines of the bill change when it, and every
later fact that names it, are left out.  Where no single one changes anything (two facts that
say the same), the least set about the same thing is told together.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from domain.billing.bill import Cause
from domain.billing.lines import BillLine, differ
from domain.kit import Fact
from projections.billing import Bill
from replay.billing.leaving import Leaving, lines_of
from replay.billing.naming import names

FEW = 200  # combinations of one size that are tried one by one


def causes(of: Leaving, bill: Bill, stood: tuple[BillLine, ...]) -> tuple[Cause, ...]:
    """
    The facts after its newest basis that make a bill other than it stood.

    None where it comes to what it stood.
    """
    lines = lines_of(of.now(bill))
    if lines is not None and not differ(lines, stood):
        return ()
    later = [
        fact
        for fact in of.facts
        if fact.position > bill.newest.position and names(fact.event).any
    ]
    later.sort(key=lambda fact: fact.position)
    found = _moved_by(of, bill, later, stood)
    return tuple(
        Cause(fact=fact.ref, name=fact.name, position=fact.position)
        for fact in later
        if fact.ref in found
    )


def _moved_by(
    of: Leaving, bill: Bill, later: Sequence[Fact], stood: tuple[BillLine, ...]
) -> set[str]:
    """Of the facts, each whose absence changes the bill; else the least sets that do."""
    alone = {fact.ref for fact in later if of.changes(bill, [fact.ref])}
    left = of.lines(bill, alone)
    if alone and left is not None and not differ(left, stood):
        return alone  # they are all that moved it
    about: dict[str, list[str]] = {}
    for fact in later:
        if fact.ref not in alone:
            about.setdefault(fact.stream, []).append(fact.ref)
    together = {ref for refs in about.values() for ref in _least(of, bill, refs)}
    if not alone and not together:
        together.update(_least(of, bill, [fact.ref for fact in later]))
    return alone | together


def _least(of: Leaving, bill: Bill, refs: Sequence[str]) -> Sequence[str]:
    """The least of these facts that change the bill together; none if all do not."""
    if len(refs) < 2 or not of.changes(bill, refs):
        return ()
    for size in range(2, len(refs)):
        few = [some for some, _ in zip(combinations(refs, size), range(FEW + 1), strict=False)]
        if len(few) > FEW:
            return _irreducible(of, bill, refs)
        if found := next((some for some in few if of.changes(bill, some)), None):
            return found
    return refs


def _irreducible(of: Leaving, bill: Bill, refs: Sequence[str]) -> Sequence[str]:
    """A set of which none can be spared."""
    kept = list(refs)
    for ref in refs:
        if of.changes(bill, fewer := [each for each in kept if each != ref]):
            kept = fewer
    return kept
