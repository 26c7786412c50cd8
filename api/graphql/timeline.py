"""All that happened to a thing and to what belongs to it, in one list."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated

import strawberry

from api.graphql.errors import Problem
from api.graphql.facts import Fact, page_of
from api.graphql.pages import After, Asked, Before, Connection, First, Last, Reverse
from api.graphql.roots import root
from api.graphql.view import View, decoded
from domain.kit import Stream
from projections.billing import bills
from projections.customers import accounts
from projections.kit.table import Where
from projections.metering import installations
from projections.network import supplies
from projections.receivables import payments

STREAMS_MOST = 2_000


def _customer(view: View, number: str) -> Iterator[str]:
    yield f"customer-{number}"
    for one in view.find(accounts, Where("customer", "=", number)):
        yield from _account(view, one.account)


def _account(view: View, number: str) -> Iterator[str]:
    yield f"account-{number}"
    mine = Where("account", "=", number)
    yield from (f"bill-{one.bill}" for one in view.find(bills, mine))
    yield from (f"payment-{one.payment}" for one in view.find(payments, mine))
    for point in dict.fromkeys(one.point for one in view.find(supplies, mine)):
        yield f"point-{point}"


def _point(view: View, number: str) -> Iterator[str]:
    yield f"point-{number}"
    found = view.find(installations, Where("point", "=", number))
    yield from (f"meter-{meter}" for meter in dict.fromkeys(one.meter for one in found))


def _bill(view: View, number: str) -> Iterator[str]:
    yield f"bill-{number}"
    bill = view.get(bills, number)
    if bill is not None:
        yield f"account-{bill.account}"


def _alone(kind: str) -> Callable[[View, str], Iterator[str]]:
    def streams(view: View, number: str) -> Iterator[str]:  # noqa: ARG001
        yield f"{kind}-{number}"

    return streams


STREAMS: dict[str, Callable[[View, str], Iterator[str]]] = {
    "Customer": _customer,
    "Account": _account,
    "Point": _point,
    "Bill": _bill,
    "Meter": _alone("meter"),
    "Tariff": _alone("tariff"),
    "Payment": _alone("payment"),
}
"""By type, the histories that its timeline is made of."""


@root(cost=50)
def timeline(
    view: View,
    node: Annotated[
        strawberry.ID,
        strawberry.argument(
            description="Of a customer, account, point, meter, bill, tariff or payment."
        ),
    ],
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    reverse: Reverse = False,
) -> Connection[Fact]:
    """
    All that happened to a thing and what belongs to it, in the order recorded.

    Of a customer their accounts; of an account its bills, payments and the points it is
    supplied at; of a point the meters installed there; of a bill the movements of its account.
    Interval days have histories of their own: see `history`.
    """
    kind, key = _named(node)
    every = dict.fromkeys(map(Stream, STREAMS[kind](view, key)))
    streams = [stream for stream in every if view.sight.stream(stream)]
    if len(streams) > STREAMS_MOST:
        told = f"More than {STREAMS_MOST} things belong to it; ask for the timeline of one."
        raise Problem("BAD_REQUEST", told)
    found = view.system.history.of_each(streams, until=view.position)
    facts = [fact for each in found.values() for fact in each if view.dated(fact)]
    facts.sort(key=lambda fact: fact.position)
    return page_of(view, facts, Asked(first, after, last, before, reverse))


def _named(node: str) -> tuple[str, str]:
    """The type and the number that an id names.  Raises Problem."""
    try:
        kind, key, *_ = decoded(node)
        (number,) = key
        if kind in STREAMS and isinstance(number, str):
            return kind, number
    except (ValueError, TypeError):
        pass
    raise Problem("BAD_ID", "This is not the id of anything that has a timeline.")
