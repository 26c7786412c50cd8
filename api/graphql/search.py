"""Things by what people know of them: a part of a name, an address, a number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import strawberry

from api.graphql.catalogue import MODELS
from api.graphql.errors import Problem
from api.graphql.metering import meters_of
from api.graphql.roots import root
from api.graphql.view import Node, View
from projections.billing import bills
from projections.customers import accounts, customers
from projections.kit.columns import storable
from projections.kit.search import matches, wanted
from projections.kit.table import Projection, Where
from projections.metering import installations
from projections.network import points
from projections.receivables import payments

TEXT_MOST = 100  # characters of what is looked for
FOUND_MOST = 50
USUAL = 20
OVER = 4  # so many rows are read for one shown: grams alone find some that do not match
NAMED: dict[Projection[Any], tuple[str, ...]] = {
    customers: ("customer", "name", "contact"),
    points: ("point", "address"),
}
"""What is found by its words."""
NUMBERED: tuple[Projection[Any], ...] = (accounts, bills, payments)
"""What is found by the beginning of its number."""
LAST = "\U0010ffff"


@root(cost=20)
def search(
    view: View,
    text: Annotated[
        str,
        strawberry.argument(
            description="Parts of a name, contact or address, in any order, whatever their case"
            " and accents; or the beginning of the number of anything."
        ),
    ],
    first: Annotated[
        int, strawberry.argument(description="How many of each kind at most: up to 50.")
    ] = USUAL,
) -> list[Node]:
    """
    Customers, accounts, points, meters, bills and payments found by a text, the numbers first.

    Who is erased is not found.  At a moment of the past: by what was known then.
    """
    text = " ".join(text.split())
    if len(text) > TEXT_MOST or not 0 < first <= FOUND_MOST:
        told = f"Look for {TEXT_MOST} characters at most, and {FOUND_MOST} of each kind."
        raise Problem("BAD_REQUEST", told)
    if not text or not storable(text):
        return []
    return [*_by_number(view, text, first), *_by_words(view, text, first)]


def _by_number(view: View, text: str, first: int) -> Iterator[Node]:
    for projection in NUMBERED:
        found = view.find(
            projection, *_begins(projection.key[0], text), *view.there(projection), limit=first
        )
        yield from MODELS[projection].nodes(view, found)
    begun = view.there(installations)[:1]  # a meter is known from its first installation on
    named = (*_begins("meter", text), *begun)
    spells = view.find(installations, *named, limit=first * OVER)
    yield from meters_of(
        view, list(dict.fromkeys(one.meter for one in spells))[:first]
    ).values()


def _begins(column: str, text: str) -> tuple[Where, ...]:
    number = text.upper()
    return Where(column, ">=", number), Where(column, "<", number + LAST)


def _by_words(view: View, text: str, first: int) -> Iterator[Node]:
    sought = wanted(text)
    if not sought:
        return
    for projection, columns in NAMED.items():
        where = (Where("grams", "has", sought), *view.there(projection))
        if projection is customers:
            where = (*where, *view.sight.named())
        found = [
            row
            for row in view.find(projection, *where, limit=first * OVER)
            if matches(text, *(getattr(row, column) for column in columns))
        ]
        yield from MODELS[projection].nodes(view, found[:first])
