"""An account of many movements: what a state holds is what is open, not what is settled."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import date, timedelta

import pytest

from domain.books.entry import Source
from domain.customers.account import (
    ALLOCATION_POLICY,
    FIRST_POLICY,
    AccountCredited,
    AccountDebited,
    Allocation,
    Item,
    MoneyMoved,
    accounts,
)
from domain.values import Period

DAY = date(2000, 1, 1)
MOST = 10_000


def billed(n: int) -> AccountDebited:
    """A bill of one day."""
    since = DAY + timedelta(days=n)
    return AccountDebited(
        source=Source(kind="bill", reference=f"B{n}"),
        amount=100,
        currency="CNY",
        on=since,
        policy=ALLOCATION_POLICY,
        items=(Item(item=f"B{n}", kind="energy", amount=100, due=since),),
        period=Period(since=since, until=since + timedelta(days=1)),
    )


def paid(n: int, *bills: int, policy: str = ALLOCATION_POLICY) -> AccountCredited:
    """A payment of 100: for bills, or else held."""
    return AccountCredited(
        source=Source(kind="payment", reference=f"P{n}"),
        amount=100,
        currency="CNY",
        on=DAY,
        policy=policy,
        allocations=tuple(Allocation(item=f"B{b}", amount=100) for b in bills),
        held=0 if bills else 100,
    )


def returned(n: int, policy: str = ALLOCATION_POLICY) -> AccountDebited:
    """The payment of bill n went back on a day long after."""
    on = DAY + timedelta(days=20_000)
    return AccountDebited(
        source=Source(kind="return", reference=f"P{n}"),
        amount=100,
        currency="CNY",
        on=on,
        policy=policy,
        items=(Item(item=f"B{n}", kind="energy", amount=100, due=on),),
    )


def movements(policy: str) -> dict[str, list[MoneyMoved]]:
    """Ten thousand movements of each life that an account can have."""
    return {
        "paid": [e for n in range(MOST // 2) for e in (billed(n), paid(n, n, policy=policy))],
        "held": [paid(n, policy=policy) for n in range(MOST)],
        "returned": [
            e
            for n in range(MOST // 3)
            for e in (billed(n), paid(n, n, policy=policy), returned(n, policy))
        ],
        "never paid": [billed(n) for n in range(MOST)],
    }


def test_what_is_settled_leaves_nothing_behind() -> None:
    told = movements(ALLOCATION_POLICY)
    settled = accounts.fold(told["paid"])
    assert (len(settled.items), len(settled.payments), settled.balance) == (0, 0, 0)
    assert settled.billed == ((DAY, DAY + timedelta(days=MOST // 2)),)
    held = accounts.fold(told["held"])
    assert (len(held.items), len(held.payments), held.held) == (0, 0, 100 * MOST)


def test_what_is_open_is_held_by_item_and_an_older_state_does_not_notice() -> None:
    told = movements(ALLOCATION_POLICY)
    before = accounts.fold(told["never paid"][:-1])
    after = accounts.evolve(before, told["never paid"][-1])
    assert (len(before.items), len(after.items)) == (MOST - 1, MOST)
    assert len(accounts.fold(told["returned"]).items) == MOST // 3


@pytest.mark.parametrize("policy", [FIRST_POLICY, ALLOCATION_POLICY])
def test_what_a_return_reopens_is_due_as_it_was(policy: str) -> None:
    """The first release did not say the day in its event: there the account remembers it."""
    account = accounts.fold([billed(3), paid(3, 3, policy=policy), returned(3, policy)])
    [item] = account.items.values()
    stated = DAY + timedelta(days=20_000)
    assert item.due == (DAY + timedelta(days=3) if policy == FIRST_POLICY else stated)


def test_days_billed_are_spans_that_meet_as_one() -> None:
    account = accounts.fold([billed(n) for n in (5, 1, 3, 2, 9)])
    spans = [((s.since - DAY).days, (s.until - DAY).days) for s in account.billed]
    assert spans == [(1, 4), (5, 6), (9, 10)]


def timed(told: Iterable[MoneyMoved]) -> float:
    begun = time.process_time()
    accounts.fold(told)
    return time.process_time() - begun


if __name__ == "__main__":  # python -m tests.customers.test_account_linear
    for kept_policy in (ALLOCATION_POLICY, FIRST_POLICY):
        for name, each in movements(kept_policy).items():
            milliseconds = min(timed(each) for _ in range(3)) * 1000
            print(f"{kept_policy} {name}: {len(each)} movements, {milliseconds:.0f} ms")  # noqa: T201
