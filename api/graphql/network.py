"""What prices a supply."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import strawberry

from api.graphql.models import computed
from api.graphql.view import View
from projections.network import Supply, supplies


@strawberry.type(description="A tariff that prices a supply from a day on, until the next one.")
class TariffSpell:
    since: date = strawberry.field(description="The first day it prices.")
    tariff: strawberry.ID = strawberry.field(description="The tariff: ask `tariff(number:)`.")
    fact: strawberry.ID = strawberry.field(description="The fact that says so.")


@computed(supplies)
def tariffs(view: View, rows: Sequence[Supply]) -> list[list[TariffSpell]]:  # noqa: ARG001
    """What prices it, by day."""
    return [
        [
            TariffSpell(
                since=one.since, tariff=strawberry.ID(one.tariff), fact=strawberry.ID(one.fact)
            )
            for one in row.tariffs
        ]
        for row in rows
    ]
