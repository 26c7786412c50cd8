"""Facts themselves: the history of one thing, and one fact by its name."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any

import strawberry
from pydantic import TypeAdapter
from strawberry.scalars import JSON

from api.graphql.errors import Problem
from api.graphql.pages import (
    After,
    Asked,
    Before,
    Connection,
    Edge,
    First,
    Last,
    Reverse,
    connection,
)
from api.graphql.roots import root
from api.graphql.scalars import Position
from api.graphql.view import Node, View
from domain import kit
from domain.catalogue import EVENTS


@strawberry.type(description="Something that happened, in the envelope in which it is kept.")
class Fact(Node):
    view: strawberry.Private[View]
    reference: strawberry.ID = strawberry.field(
        description="How other facts name it: its stream and its number there, meter-M1@3."
    )
    stream: str = strawberry.field(description="What it happened to: meter-M1.")
    version: int = strawberry.field(description="Its number in the stream: 1, 2, 3 …")
    position: Position = strawberry.field(description="Its place in all of history.")
    name: str = strawberry.field(description="What happened: meter.read.")
    at: datetime = strawberry.field(description="When it was recorded.")
    on: date | None = strawberry.field(
        description="The business day it is about, where it has one."
    )
    by: str = strawberry.field(description="Who asked for it.")
    duty: str = strawberry.field(description="In which duty.")
    org_unit: str = strawberry.field(description="For which unit of the organisation, if any.")
    terminal: str = strawberry.field(description="Where they worked, if they said so.")
    on_behalf_of: str = strawberry.field(description="For whom, if not for themselves.")
    command: str = strawberry.field(
        description="What was asked: `read-meter`; empty of facts of the first release."
    )
    reason: str = strawberry.field(description="Why, in their words, if they said so.")
    cause: str = strawberry.field(
        description="The id of the command; facts of one command have the same."
    )
    correlation: str = strawberry.field(
        description="What the command belonged to: a run, a case, a file; else the command."
    )
    data: JSON = strawberry.field(
        description="What it says. Amounts are minor units, energy is Wh, decimals are strings."
    )

    def identity(self) -> str:
        """Its opaque id."""
        return self.view.identity("Fact", [self.reference])


SHAPES: dict[type, TypeAdapter[Any]] = {event: TypeAdapter(event) for event in EVENTS.values()}


def fact_of(view: View, fact: kit.Fact) -> Fact:
    """A fact as the schema says it."""
    return Fact(
        view=view,
        reference=strawberry.ID(fact.ref),
        stream=fact.stream,
        version=fact.version,
        position=Position(fact.position),
        name=fact.name,
        at=fact.at,
        on=kit.day_of(fact.event),
        by=fact.by,
        duty=fact.duty,
        org_unit=fact.org_unit,
        terminal=fact.terminal,
        on_behalf_of=fact.on_behalf_of,
        command=fact.command,
        reason=fact.reason,
        cause=fact.cause,
        correlation=fact.correlation,
        data=JSON(view.sight.data(fact, _data(fact))),
    )


def _data(fact: kit.Fact) -> dict[str, Any]:
    told: dict[str, Any] = SHAPES[type(fact.event)].dump_python(fact.event, mode="json")
    return told


def _cursor(fact: kit.Fact) -> str:
    return urlsafe_b64encode(f"fact-{fact.position}".encode()).decode().rstrip("=")


def _behind(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    try:
        name, _, position = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).partition(b"-")
        if name != b"fact":
            raise ValueError(name)
        return int(position)
    except ValueError:
        raise Problem("BAD_CURSOR", "This is not a cursor of a history.") from None


@root()
def history(
    view: View,
    stream: Annotated[
        str, strawberry.argument(description="The kind of the thing, a dash, its number.")
    ],
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    reverse: Reverse = False,
) -> Connection[Fact]:
    """
    What happened to one thing, in the order recorded.

    The thing is named meter-M000120, account-000120, point-P000120, bill-000120-2026-03,
    intervals-P000120-2026-03, tariff-HOME, customer-C000120, payment-R1, utility-settings.
    `asOf`: facts about that day or an earlier one; those about no day are always shown.
    """
    every = [f for f in view.history(stream) if view.dated(f)]
    return page_of(view, every, Asked(first, after, last, before, reverse))


def page_of(view: View, every: list[kit.Fact], asked: Asked) -> Connection[Fact]:
    """A page of facts that stand in the order recorded."""
    behind = _behind(asked.cursor)
    turned = asked.reverse is not asked.back
    found = every[::-1] if turned else every
    if behind is not None:
        sign = -1 if turned else 1
        found = [f for f in found if sign * f.position > sign * behind]
    page = found[: asked.size][:: -1 if asked.back else 1]
    edges = [Edge(cursor=_cursor(f), node=fact_of(view, f)) for f in page]
    return connection(asked, edges, len(found) > asked.size, lambda: len(every))


@root()
def fact(
    view: View,
    reference: Annotated[strawberry.ID, strawberry.argument(description="meter-M000120@3.")],
) -> Fact | None:
    """One fact by its reference; refused if there is none."""
    return fact_by_key(view, [reference])


def fact_by_key(view: View, key: Sequence[Any]) -> Fact | None:
    """A fact by its reference, if it is about a day that has come.  Raises NoSuchFact."""
    (reference,) = key
    found = view.fact(str(reference))
    return fact_of(view, found) if view.dated(found) else None
