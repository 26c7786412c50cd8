"""
Each mistake is made, found a year later and put right by a second person.

Then books, bills and tables are those of a utility that never made it.
"""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest

from domain.billing.bill import IssueBill
from domain.billing.correcting import CorrectBill
from domain.billing.refusals import NothingSupplied, PeriodNotMeasured
from domain.customers.account import OpenAccount
from domain.customers.customer import RegisterCustomer
from domain.network.point import (
    EnergisePoint,
    WithdrawSupply,
)
from projections import metering
from projections.billing import bills
from projections.customers import accounts, customers
from projections.metering import installations, meter_errors, readings
from projections.network import points, supplies, terms
from projections.readings import interval_days
from tests.billing.mistakes import APR, FEB, HALF, MAR, MISTAKES, MONTHS, Mistake, install, read
from tests.world import NEW_YEAR, World, publish, town

FOUND = date(2027, 5, 1)


def begun(mistake: Mistake) -> World:
    """Two customers, four points, a meter at two of them, two tariffs."""
    world = town()
    world.ask(RegisterCustomer(customer="C2", name="Bob"))
    world.ask(OpenAccount(account="A2", customer="C2", on=NEW_YEAR))
    for point in ("P2", "P3", "P4"):
        world.ask(EnergisePoint(point=point, address=f"{point} Mill Lane", on=NEW_YEAR))
    world.ask(install("M2", "P2"))
    publish(world, NEW_YEAR, HALF, tariff="R2")
    if not mistake.supplied:
        gone = WithdrawSupply(point="P1", account="A1", since=NEW_YEAR, reason="not yet")
        world.ask(gone, by="bea")
    for on, kwh in ((FEB, 400), (MAR, 700), (APR, 1000)) if mistake.read else ():
        world.ask(read("M1", on, kwh))
    return world


def bill_all(world: World) -> None:
    """Every month of every account that is not billed yet and took supply."""
    billed = {(row.account, row.since) for row in world.tables.find(bills)}
    for row in world.tables.find(accounts):
        for since, until in MONTHS:
            if (row.account, since) not in billed:
                try:
                    world.ask(
                        IssueBill(account=row.account, since=since, until=until, on=until)
                    )
                except (NothingSupplied, PeriodNotMeasured):
                    continue


def correct_all(world: World) -> None:
    for row in sorted(world.tables.find(bills), key=lambda row: (row.account, row.since)):
        world.ask(CorrectBill(account=row.account, bill=row.bill, on=FOUND))


def books(world: World) -> Counter[str]:
    """What each account of the chart comes to."""
    sums: Counter[str] = Counter()
    for fact in world.facts:
        entry = getattr(fact.event, "entry", None)
        for posting in entry.postings if entry is not None else ():
            sums[posting.code] += posting.amount
    return Counter({code: amount for code, amount in sums.items() if amount})


def seen(world: World) -> dict[str, object]:
    """What tables say, without the facts that say so."""
    find = world.tables.find
    return {
        "bills": {
            r.bill: r.issued + r.corrected for r in find(bills) if r.issued + r.corrected
        },
        "accounts": {
            r.account: (r.customer, r.opened, r.balance, r.closed) for r in find(accounts)
        },
        "customers": {r.customer: (r.name, r.contact, r.merged_into) for r in find(customers)},
        "points": {r.point: (r.address, r.energised) for r in find(points)},
        "supplies": {
            (r.point, r.since): (r.account, r.until, [(t.since, t.tariff) for t in r.tariffs])
            for r in find(supplies)
        },
        "terms": {(r.point, r.supplied, r.since) for r in find(terms)},
        "installations": {
            (r.meter, r.since): (r.point, r.until, r.multiplier) for r in find(installations)
        },
        "readings": {
            (r.meter, r.on, r.last): (r.point, r.counts, r.source) for r in find(readings)
        },
        "errors": {(r.meter, r.error, r.since) for r in metering.tested(find(meter_errors))},
        "interval days": {(r.point, r.day) for r in find(interval_days)},
    }


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_that_is_put_right_leaves_nothing_behind(mistake: Mistake) -> None:
    never, made = begun(mistake), begun(mistake)
    mistake.right(never)
    bill_all(never)

    mistake.wrong(made)
    bill_all(made)
    before = seen(made)
    mistake.put_right(made)
    correct_all(made)
    bill_all(made)

    assert before != seen(made)
    assert seen(made) == seen(never)
    assert books(made) == books(never)
