"""Mended rating rules: old bills stand, what the new rules make of them has a cause."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from domain.billing.bill import IssueBill
from domain.billing.correcting import CorrectBill
from domain.billing.refusals import NotRecalculated
from domain.editions import EDITION, EDITIONS, changes
from domain.metering.meter import ReportMeterError
from domain.organisation import utility
from domain.organisation.rules import AdoptRules, RulesAdopted
from domain.organisation.utility import UtilityEstablished, UtilityNotEstablished
from domain.pricing.rating import Rated, rate
from domain.values import Period
from projections.billing import bills
from replay.billing import calculation
from tests.billing.test_correction import APR, FEB, LATER, MAY, three_bills
from tests.story import Story
from tests.world import NEW_YEAR, World, read, town

EARLIER = EDITION - 1


@contextmanager
def earlier_release() -> Iterator[None]:
    """A release that rated a standing charge of 40 too little in months of 31 days."""

    def old(versions: Sequence[Any], usage: Any, period: Period, carry: Any = ()) -> Rated:
        rated = rate(versions, usage, period, carry)
        if (period.until - period.since).days != 31:
            return rated
        standing, *others = rated.lines
        standing = replace(standing, amount=standing.amount - 40)
        return replace(rated, lines=(standing, *others), total=rated.total - 40)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(calculation, "rate", old)
        patched.setattr(calculation, "EDITION", EARLIER)
        patched.setattr(utility, "EDITION", EARLIER)
        yield


@pytest.fixture
def upgraded() -> World:
    """Bills of January, February and March, and then this release."""
    with earlier_release():
        return three_bills()


def test_an_adopted_edition_moves_the_bills_that_it_moves_and_no_other(upgraded: World) -> None:
    issued = [upgraded.stands(f"A1-2026-0{n}") for n in (1, 2, 3)]
    (adopted,) = upgraded.ask(AdoptRules())
    assert adopted.event == RulesAdopted(edition=EDITION, what=changes(EARLIER))

    touched = upgraded.billing.touched([adopted])
    assert {each.bill.bill: each.difference for each in touched} == {
        "A1-2026-01": 40,
        "A1-2026-03": 40,
    }
    for month, moved in ((1, 40), (2, 0), (3, 40)):
        bill = f"A1-2026-0{month}"
        happened = upgraded.correct("A1", bill, on=LATER)
        assert len(happened) == (2 if moved else 0)
        assert upgraded.stands(bill) == issued[month - 1] + moved
        if moved:
            note = happened[0].event
            assert note.total == moved
            assert [line.line.code for line in note.lines] == ["standing"]
            assert [(c.fact, c.name) for c in note.causes] == [(adopted.ref, "rules.adopted")]
            assert note.basis.edition == EDITION
        assert upgraded.correct("A1", bill, on=LATER) == []


def test_the_edition_is_a_cause_beside_a_late_fact_only_where_both_move(
    upgraded: World,
) -> None:
    upgraded.ask(AdoptRules())
    tested = ReportMeterError(
        meter="M1", error=Decimal("0.06"), since=FEB.replace(day=10), reference="test 7"
    )
    upgraded.ask(tested)
    causes = {}
    for month in (1, 2, 3):
        note = upgraded.correct("A1", f"A1-2026-0{month}", on=LATER)[0].event
        causes[month] = [cause.name for cause in note.causes]
    assert causes == {
        1: ["rules.adopted"],
        2: ["meter.found-inaccurate"],
        3: ["rules.adopted", "meter.found-inaccurate"],
    }


def test_until_it_is_adopted_nothing_is_calculated_by_it(upgraded: World) -> None:
    for asked in (
        CorrectBill(account="A1", bill="A1-2026-01", on=LATER),
        IssueBill(account="A1", since=APR, until=MAY, on=LATER),
    ):
        with pytest.raises(NotRecalculated) as caught:
            upgraded.ask(asked)
        assert caught.value.details == {"edition": EARLIER, "today": EDITION}


def test_a_moment_before_it_was_adopted_is_not_calculated_by_it(upgraded: World) -> None:
    upgraded.ask(AdoptRules())
    calculate = upgraded.billing.calculator.calculate
    row = upgraded.tables.get(bills, "A1-2026-01")
    assert row is not None
    january = Period(since=row.since, until=row.until)
    with pytest.raises(NotRecalculated):
        calculate("A1", january, row.basis.position)
    assert row.basis.edition == EARLIER
    assert calculate("A1", january, len(upgraded.facts)).basis.edition == EDITION


def test_a_bill_says_by_which_edition_it_was_calculated() -> None:
    world = town()
    read(world, FEB, 400)
    issued = world.ask(IssueBill(account="A1", since=NEW_YEAR, until=FEB, on=FEB))[0].event
    assert issued.basis.edition == EDITION


def founded(edition: int) -> UtilityEstablished:
    return UtilityEstablished(
        name="Wattle", currency="GBP", zone="UTC", due_days=14, minor_digits=2, edition=edition
    )


@pytest.fixture
def story() -> Story:
    return Story()


def test_an_edition_is_adopted_with_all_that_it_changed(story: Story) -> None:
    story.given(founded(1))
    story.when(AdoptRules())
    story.then(RulesAdopted(edition=EDITION, what=changes(1)))


def test_an_edition_is_adopted_once(story: Story) -> None:
    story.given(founded(1), RulesAdopted(edition=EDITION, what=("all",)))
    story.when(AdoptRules())
    story.quiet()


def test_a_new_utility_begins_with_todays_edition(story: Story) -> None:
    story.given(founded(EDITION))
    story.when(AdoptRules())
    story.quiet()


def test_no_edition_is_adopted_before_there_is_a_utility(story: Story) -> None:
    story.when(AdoptRules())
    story.refused(UtilityNotEstablished)


def test_editions_follow_each_other_and_each_says_what_it_changed() -> None:
    assert list(EDITIONS) == list(range(1, EDITION + 1))
    assert all(what for what in EDITIONS.values())
    assert changes(EDITION) == ()
    assert changes(0) == tuple(what for edition in EDITIONS.values() for what in edition)
