"""The utility, its service points, who takes supply there, and what is installed there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Annotated, Any

import strawberry

from api.graphql import customers as people
from api.graphql import metering as usage
from api.graphql.across import AnAccount
from api.graphql.paging import (
    After,
    Connection,
    First,
    Order,
    Page,
    Reverse,
    linked,
    listed,
    nested,
    page_of,
)
from api.graphql.scalars import Position
from api.graphql.view import BatchLoader, Info, KnownAt, MinPosition, View, equal, on
from projections import metering as installed
from projections import network as rows
from projections.customers import accounts

POINTS = Order(rows.points)
SUPPLIES = Order(rows.supplies)
INSTALLED = Order(installed.installations, ("since",))
INSTALLATIONS = Order(installed.installations)


@strawberry.type(description="The utility whose books these are.")
class Utility:
    name: str = strawberry.field(description="Its name, as on the bill.")
    currency: str = strawberry.field(description="The currency of its books, ISO 4217.")
    zone: str = strawberry.field(description="The time zone of its days, IANA: Europe/London.")
    due_days: int = strawberry.field(description="How many days after issue a bill is due.")
    position: Position = strawberry.field(
        description="The position of history that this query is answered from: give it as"
        " `knownAt` to see the same again."
    )


@strawberry.type(description="A service point: where the network ends and a customer begins.")
class Point:
    id: strawberry.ID = strawberry.field(description="Its number: P000120.")
    address: str = strawberry.field(description="Where it is.")
    energised: date = strawberry.field(description="The day it was energised.")
    group: strawberry.Private[BatchLoader[rows.Point]]

    @strawberry.field(
        description="Who took supply here, by day. `asOf`: the supply that covers that day."
    )
    def supplies(self) -> list[Supply]:
        view = self.group.view
        return listed(
            self.group,
            self.id,
            SUPPLIES,
            supplies_of,
            "point",
            view.dated("since"),
            keep=lasting(view),
        )

    @strawberry.field(
        description="The meters that were installed here, by day. `asOf`: the one of that day."
    )
    def installations(self) -> list[Installation]:
        return installed_at(self.group, self.id, "point")

    @strawberry.field(
        description="What the registers of its meters showed, by day. `asOf`: on or before it."
    )
    def readings(
        self, first: First = 20, after: After = None, reverse: Reverse = False
    ) -> Connection[usage.Reading]:
        page, read = Page(first, after, reverse), self.group.view.dated("on")
        return nested(self.group, self.id, usage.READ, page, usage.readings_of, "point", read)

    @strawberry.field(
        description="What was counted in each interval of each local day, by channel and day."
        " `asOf`: days on or before it."
    )
    def interval_days(
        self,
        since: usage.Since = None,
        until: usage.Until = None,
        channel: usage.ChannelIs = None,
        first: First = 20,
        after: After = None,
        reverse: Reverse = False,
    ) -> Connection[usage.IntervalDay]:
        where = (*usage.within("day", since, until, channel), *self.group.view.dated("day"))
        return nested(
            self.group,
            self.id,
            usage.DAYS,
            Page(first, after, reverse),
            usage.days_of,
            "point",
            where,
        )


@strawberry.type(description="A tariff that prices a supply from a day on, until the next one.")
class TariffSpell:
    since: date = strawberry.field(description="The first day it prices.")
    tariff: strawberry.ID = strawberry.field(description="The tariff: ask `tariff(id:)`.")
    fact: strawberry.ID = strawberry.field(description="The fact that says so.")


@strawberry.type(description="A time in which an account takes supply at a point.")
class Supply:
    since: date = strawberry.field(description="The first day.")
    until: date | None = strawberry.field(
        description="The first day after it; null while it lasts."
    )
    tariffs: list[TariffSpell] = strawberry.field(description="What prices it, by day.")
    ended: strawberry.ID | None = strawberry.field(
        description="The fact that ended it; null while it lasts."
    )
    row: strawberry.Private[rows.Supply]
    group: strawberry.Private[BatchLoader[rows.Supply]]

    @strawberry.field(description="Where.")
    def point(self) -> Point | None:
        return linked(self.group, "point", self.row.point, rows.points, points_of)

    @strawberry.field(description="Whose.")
    def account(self) -> AnAccount | None:
        key = self.row.account
        return linked(self.group, "account", key, accounts, people.accounts_of)


@strawberry.type(description="One counter of a meter.")
class Register:
    code: str = strawberry.field(description="Its OBIS code (IEC 62056-61): 1.8.0.")
    channel: str = strawberry.field(description="What it counts: import, export, reactive.")
    label: str | None = strawberry.field(
        description="The time-of-use period it counts; null: all hours."
    )
    digits: int = strawberry.field(description="Its digits before the decimal point.")
    decimals: int = strawberry.field(description="Its digits behind the decimal point.")


@strawberry.type(description="A time in which a meter is installed at a point.")
class Installation:
    since: date = strawberry.field(description="The first day, from its start.")
    until: date | None = strawberry.field(
        description="The first day after it; null while it lasts."
    )
    multiplier: int = strawberry.field(
        description="By what its counts are multiplied (current and voltage transformers)."
    )
    registers: list[Register] = strawberry.field(description="Its counters.")
    fact: strawberry.ID = strawberry.field(description="The newest fact that says so.")
    row: strawberry.Private[installed.Installation]
    group: strawberry.Private[BatchLoader[installed.Installation]]

    @strawberry.field(description="The meter.")
    def meter(self) -> Meter:
        return Meter(id=strawberry.ID(self.row.meter), group=self.group)

    @strawberry.field(description="Where it is installed.")
    def point(self) -> Point | None:
        return linked(self.group, "point", self.row.point, rows.points, points_of)


@strawberry.type(description="An instrument that counts, wherever it is installed.")
class Meter:
    id: strawberry.ID = strawberry.field(description="Its number: M000120.")
    group: strawberry.Private[BatchLoader[installed.Installation]]

    @strawberry.field(
        description="Where it was installed, by day. `asOf`: where it is on that day."
    )
    def installations(self) -> list[Installation]:
        return installed_at(self.group, self.id, "meter")

    @strawberry.field(description="What its registers showed, by day. `asOf`: on or before it.")
    def readings(
        self, first: First = 20, after: After = None, reverse: Reverse = False
    ) -> Connection[usage.Reading]:
        page, read = Page(first, after, reverse), self.group.view.dated("on")
        return nested(
            self.group, self.id, usage.OF_METER, page, usage.readings_of, "meter", read
        )

    @strawberry.field(
        description="By how much it was found to count wrong, in the order recorded. `asOf`:"
        " errors that began on or before it."
    )
    def errors(self) -> list[usage.MeterError]:
        since = self.group.view.dated("since")
        return listed(self.group, self.id, usage.ERRORS, usage.errors_of, "meter", since)


def lasting(view: View) -> Callable[[rows.Supply | installed.Installation], bool]:
    """Whether something is still there on the day asked about; a table cannot tell."""
    day = view.as_of
    return lambda row: day is None or row.until is None or day < row.until


def installed_at(group: BatchLoader[Any], key: str, by: str) -> list[Installation]:
    """The installations at a point, or of a meter."""
    view = group.view
    where, keep = view.dated("since"), lasting(view)
    return listed(group, key, INSTALLED, installations_of, by, where, keep=keep)


def points_of(view: View, found: Sequence[rows.Point]) -> list[Point]:
    """Rows as points."""
    group = BatchLoader(view, found)
    return [
        Point(id=strawberry.ID(r.point), address=r.address, energised=r.energised, group=group)
        for r in found
    ]


def supplies_of(view: View, found: Sequence[rows.Supply]) -> list[Supply]:
    """Rows as supplies."""
    group = BatchLoader(view, found)
    return [
        Supply(
            since=r.since,
            until=r.until,
            tariffs=[
                TariffSpell(
                    since=t.since, tariff=strawberry.ID(t.tariff), fact=strawberry.ID(t.fact)
                )
                for t in r.tariffs
            ],
            ended=strawberry.ID(r.ended) if r.ended else None,
            row=r,
            group=group,
        )
        for r in found
    ]


def installations_of(view: View, found: Sequence[installed.Installation]) -> list[Installation]:
    """Rows as installations."""
    group = BatchLoader(view, found)
    return [
        Installation(
            since=r.since,
            until=r.until,
            multiplier=r.multiplier,
            registers=[
                Register(
                    code=one.code,
                    channel=one.channel,
                    label=one.label,
                    digits=one.digits,
                    decimals=one.decimals,
                )
                for one in r.registers
            ],
            fact=strawberry.ID(r.fact),
            row=r,
            group=group,
        )
        for r in found
    ]


def meters_of(view: View, found: Sequence[installed.Installation]) -> list[Meter]:
    """The meters of installations, as many."""
    group = BatchLoader(view, found)
    return [Meter(id=strawberry.ID(r.meter), group=group) for r in found]


COVERS = on("An installation is shown when it covers that day.")
ENERGISED = on("A point is there from the day it was energised.")
UNDATED = on("It filters no setting, for settings have no day; what is nested obeys it.")


@strawberry.type
class PlacesQuery:
    @strawberry.field(description="The settings of the utility; null until it is established.")
    def utility(
        self,
        info: Info,
        as_of: Annotated[date | None, UNDATED] = None,
        known_at: KnownAt = None,
        min_position: MinPosition = None,
    ) -> Utility | None:
        view = info.context.view(as_of, known_at, min_position)
        if (row := view.settings) is None:
            return None
        return Utility(
            name=row.name,
            currency=row.currency,
            zone=row.zone,
            due_days=row.due_days,
            position=Position(view.position),
        )

    @strawberry.field(description="One service point by number; null if none is energised.")
    def point(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The number: P000120.")],
        as_of: Annotated[date | None, ENERGISED] = None,
        known_at: KnownAt = None,
        min_position: MinPosition = None,
    ) -> Point | None:
        view = info.context.view(as_of, known_at, min_position)
        row = view.get(rows.points, id)
        there = row is not None and (as_of is None or row.energised <= as_of)
        return points_of(view, [row])[0] if row and there else None

    @strawberry.field(description="Service points, by number.")
    def points(
        self,
        info: Info,
        first: First = 20,
        after: After = None,
        reverse: Reverse = False,
        as_of: Annotated[date | None, ENERGISED] = None,
        known_at: KnownAt = None,
        min_position: MinPosition = None,
    ) -> Connection[Point]:
        view = info.context.view(as_of, known_at, min_position)
        page, energised = Page(first, after, reverse), view.dated("energised")
        return page_of(view, POINTS, page, points_of, energised)

    @strawberry.field(description="One meter by number; null if it was never installed.")
    def meter(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The number: M000120.")],
        as_of: Annotated[
            date | None, on("A meter is there from the day it was first installed.")
        ] = None,
        known_at: KnownAt = None,
        min_position: MinPosition = None,
    ) -> Meter | None:
        view = info.context.view(as_of, known_at, min_position)
        where = [*equal("meter", id), *view.dated("since")]
        found = view.find(installed.installations, *where, limit=1)
        return meters_of(view, found)[0] if found else None

    @strawberry.field(description="Where meters are, and were, installed, by meter and day.")
    def installations(
        self,
        info: Info,
        meter: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only those of a meter.")
        ] = None,
        point: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only those at a point.")
        ] = None,
        first: First = 20,
        after: After = None,
        reverse: Reverse = False,
        as_of: Annotated[date | None, COVERS] = None,
        known_at: KnownAt = None,
        min_position: MinPosition = None,
    ) -> Connection[Installation]:
        view = info.context.view(as_of, known_at, min_position)
        where = [*view.dated("since"), *equal("meter", meter), *equal("point", point)]
        page = Page(first, after, reverse)
        return page_of(view, INSTALLATIONS, page, installations_of, where, keep=lasting(view))
