"""Facts themselves: the history of one thing, and one fact by its name."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import date, datetime
from typing import Annotated, Any

import strawberry
from pydantic import TypeAdapter
from strawberry.scalars import JSON

from api.graphql.errors import Problem
from api.graphql.paging import After, Connection, Edge, First, Page, PageInfo, Reverse
from api.graphql.scalars import Position
from api.graphql.view import Info, KnownAt, MinPosition, on
from domain import kit
from domain.catalogue import EVENTS


@strawberry.type(description="Something that happened, in the envelope in which it is kept.")
class Fact:
    id: strawberry.ID = strawberry.field(
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


SHAPES: dict[type, TypeAdapter[Any]] = {event: TypeAdapter(event) for event in EVENTS.values()}


def fact_of(fact: kit.Fact) -> Fact:
    """A fact as the schema says it."""
    return Fact(
        id=strawberry.ID(fact.ref),
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
        data=JSON(SHAPES[type(fact.event)].dump_python(fact.event, mode="json")),
    )


def _cursor(fact: kit.Fact) -> str:
    return urlsafe_b64encode(f"fact-{fact.position}".encode()).decode().rstrip("=")


def _behind(after: str | None) -> int | None:
    if after is None:
        return None
    try:
        name, _, position = urlsafe_b64decode(after + "=" * (-len(after) % 4)).partition(b"-")
        if name != b"fact":
            raise ValueError(name)
        return int(position)
    except ValueError:
        raise Problem("BAD_CURSOR", "`after` is not a cursor of a history.") from None


DAY = on("Facts about that day or an earlier one; those about no day are always shown.")


@strawberry.type
class FactsQuery:
    @strawberry.field(
        description="What happened to one thing, in the order recorded: meter-M000120,"
        " account-000120, point-P000120, bill-000120-2026-03, intervals-P000120-2026-03,"
        " tariff-HOME, customer-C000120, payment-R1, utility-settings."
    )
    def history(
        self,
        info: Info,
        stream: Annotated[
            str, strawberry.argument(description="The kind of the thing, a dash, its number.")
        ],
        first: First = 20,
        after: After = None,
        reverse: Reverse = False,
        as_of: Annotated[date | None, DAY] = None,
        known_at: KnownAt = None,
        min_position: MinPosition = None,
    ) -> Connection[Fact]:
        view = info.context.view(as_of, known_at, min_position)
        page, behind = Page(first, after, reverse), _behind(after)
        facts = view.history(stream)
        found = [f for f in facts if as_of is None or (kit.day_of(f.event) or as_of) <= as_of]
        if reverse:
            found.reverse()
        if behind is not None:
            sign = -1 if reverse else 1
            found = [f for f in found if sign * f.position > sign * behind]
        edges = [Edge(cursor=_cursor(f), node=fact_of(f)) for f in found[: page.first]]
        info_ = PageInfo(
            has_next_page=len(found) > page.first,
            has_previous_page=after is not None,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        )
        return Connection(edges=edges, nodes=[edge.node for edge in edges], page_info=info_)

    @strawberry.field(description="One fact by its name; refused if there is none.")
    def fact(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="meter-M000120@3.")],
        as_of: Annotated[date | None, DAY] = None,
        known_at: KnownAt = None,
        min_position: MinPosition = None,
    ) -> Fact | None:
        view = info.context.view(as_of, known_at, min_position)
        found = view.fact(id)
        day = kit.day_of(found.event)
        return None if as_of and day and day > as_of else fact_of(found)
