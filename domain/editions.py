"""
Editions of the rating rules: which there were, and what each changed in the amount of a bill.

A rule of rating that is mended so that some bill would come to another amount begins an
edition here, in the same commit.  A bill says in its basis by which edition it was calculated;
one of an earlier edition stands as it was issued and is not calculated again.
"""

from __future__ import annotations

EDITIONS: dict[int, tuple[str, ...]] = {
    1: ("as first released",),
    2: (
        "a year is settled in the bill that has its last day, on whatever day bills begin:"
        " surplus, credit, kept kWh and the minimum of a year",
        "a ratchet takes each earlier bill to be of the month in which its fifteenth day lies",
        "hours and demand windows are those of the clock on the wall, in every zone",
        "highest demand and power factor are of the whole bill, also where a version begins"
        " within it",
        "a ladder in time order is filled with what is left after netting; one of increments is"
        " paid as one of bands would be",
        "a ladder of season-to-date begins anew with each season, and without seasons with the"
        " year",
        "blocks price what is exported, surplus, capacity and contract demand as well",
        "blocks of kWh per kW count by the highest demand of the window that the charge names",
        "a rounding step of nothing rounds nothing",
    ),
    3: (
        "what a division leaves beyond fifty digits is rounded off before an amount is: three"
        " thirds of a price cut off after the cent are the price",
    ),
}

EDITION = max(EDITIONS)
"""The edition by which bills are calculated today."""


def changes(since: int) -> tuple[str, ...]:
    """What was changed after an edition, up to today's."""
    later = sorted(edition for edition in EDITIONS if edition > since)
    return tuple(what for edition in later for what in EDITIONS[edition])
