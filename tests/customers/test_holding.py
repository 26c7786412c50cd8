"""Accounts: given to the right customer, opened in error, closed; two customers who are one."""

from __future__ import annotations

from datetime import date

import pytest

from domain.customers.account import (
    AccountClosed,
    AccountCorrected,
    AccountIsClosed,
    AccountOpened,
    AccountOpeningWithdrawn,
    AccountReopened,
    AccountUnknown,
    OpenAccount,
)
from domain.customers.customer import (
    ChangeContact,
    CustomerContactChanged,
    CustomerErased,
    CustomerIsAnother,
    CustomerRegistered,
    CustomerUnknown,
    PersonErased,
    RegisterCustomer,
)
from domain.customers.holding import (
    AccountInUse,
    AccountNotClosed,
    AccountsDiffer,
    BalanceOpen,
    CloseAccount,
    CorrectAccount,
    CustomerNotMerged,
    Held,
    MergeCustomers,
    ReopenAccount,
    SameCustomer,
    Supplies,
    Taken,
    TooManyAccounts,
    WithdrawAccount,
    WithdrawMerger,
)
from domain.kit import BeforeItBegan, InTheFuture, SamePerson
from domain.network.point import SupplyPoint, VacatePoint
from domain.receivables.payment import ReceivePayment
from projections.customers import accounts, customers
from tests.story import Story
from tests.world import NEW_YEAR, World, town

JAN, FEB, MAR = (date(2026, month, 1) for month in (1, 2, 3))
registered = CustomerRegistered(name="Ada", contact="ada@example.org")
opened = AccountOpened(customer="C1", on=JAN)


@pytest.fixture
def story() -> Story:
    story = Story()
    story.calculated(Supplies())
    return story


def test_an_account_is_given_to_the_right_customer_by_a_second_person(story: Story) -> None:
    asked = CorrectAccount(account="A1", customer="C2", reason="the neighbour")
    story.when(asked)
    story.refused(AccountUnknown, account="A1")
    story.given_by("bea", opened)
    story.refused(CustomerUnknown, customer="C2")
    story.given(registered)
    done = AccountCorrected(customer="C2", was="C1", on=JAN, reason="the neighbour")
    story.then(done)
    story.by("bea")
    story.refused(SamePerson)
    story.by("ann")
    story.given(done)
    story.quiet()
    story.given(CustomerErased(reason="asked", on=FEB))
    story.refused(PersonErased)


def test_an_account_was_opened_before_it_took_supply(story: Story) -> None:
    story.given(registered, opened)
    story.calculated(Supplies((Taken("P1", FEB, None),)))
    story.when(CorrectAccount(account="A1", customer="C1", on=MAR, reason="later"))
    story.refused(AccountInUse, points=["P1"])
    story.when(CorrectAccount(account="A1", customer="C1", on=FEB, reason="later"))
    story.then(AccountCorrected(customer="C1", was="C1", on=FEB, reason="later"))


def test_an_account_opened_in_error_is_withdrawn_and_may_be_opened_again(story: Story) -> None:
    story.given(registered)
    story.given_by("bea", opened)
    story.when(WithdrawAccount(account="A1", reason="opened twice"))
    gone = AccountOpeningWithdrawn(customer="C1", on=JAN, reason="opened twice")
    story.then(gone)
    story.by("bea")
    story.refused(SamePerson)
    story.by("ann")
    story.calculated(Supplies((Taken("P1", JAN, None),)))
    story.refused(AccountInUse, points=["P1"], money=False)
    story.given(gone)
    story.refused(AccountUnknown)
    story.when(OpenAccount(account="A1", customer="C1", on=FEB))
    story.then(AccountOpened(customer="C1", on=FEB))


def test_a_contact_is_put_right_or_taken_away(story: Story) -> None:
    asked = ChangeContact(customer="C1", contact="ada@example.com")
    story.when(asked)
    story.refused(CustomerUnknown)
    story.given(registered)
    changed = CustomerContactChanged(contact="ada@example.com", was="ada@example.org")
    story.then(changed)
    story.given(changed)
    story.quiet()
    story.when(ChangeContact(customer="C1"))
    story.then(CustomerContactChanged(contact=None, was="ada@example.com"))
    story.given(CustomerErased(reason="asked", on=FEB))
    story.refused(PersonErased)


def test_an_account_is_closed_when_nothing_lasts_and_nothing_is_owed(story: Story) -> None:
    asked = CloseAccount(account="A1", on=FEB)
    story.when(asked)
    story.refused(AccountUnknown)
    story.given(opened)
    story.calculated(Supplies((Taken("P1", JAN, None), Taken("P2", JAN, FEB))))
    story.refused(AccountInUse, points=["P1"])
    story.calculated(Supplies((Taken("P2", JAN, FEB),)))
    closed = AccountClosed(on=FEB)
    story.then(closed)
    story.given_by("bea", closed)
    story.quiet()
    story.when(CloseAccount(account="A1", on=MAR))
    story.refused(AccountIsClosed, on=FEB)
    story.when(ReopenAccount(account="A1", reason="called off"))
    story.then(AccountReopened(on=FEB, reason="called off"))
    story.by("bea")
    story.refused(SamePerson)


@pytest.mark.parametrize(
    ("on", "rule"), [(date(2025, 12, 31), BeforeItBegan), (date(9999, 12, 31), InTheFuture)]
)
def test_an_account_is_closed_after_it_was_opened_and_by_today(
    story: Story, on: date, rule: type[BeforeItBegan | InTheFuture]
) -> None:
    story.given(opened)
    story.when(CloseAccount(account="A1", on=on))
    story.refused(rule)


def test_what_is_open_is_not_reopened(story: Story) -> None:
    story.given(opened)
    story.when(ReopenAccount(account="A1", reason="called off"))
    story.refused(AccountNotClosed)


def test_more_accounts_than_one_command_moves_are_refused(story: Story) -> None:
    story.given(registered)
    story.calculated(Held(tuple(f"A{n}" for n in range(501))))
    story.when(MergeCustomers(customer="C1", into="C2", reason="one"))
    story.refused(TooManyAccounts, accounts=501)


# With the tables that say what stands on an account


def held_by(world: World) -> dict[str, str]:
    return {row.account: row.customer for row in world.tables.find(accounts)}


@pytest.fixture
def twice() -> World:
    """Ada is C1 with A1, and again C2 with A2 and A3."""
    world = town()
    world.ask(RegisterCustomer(customer="C2", name="Ada B."))
    for account in ("A2", "A3"):
        world.ask(OpenAccount(account=account, customer="C2", on=NEW_YEAR))
    return world


def test_two_customers_who_are_one_and_are_not_after_all(twice: World) -> None:
    asked = MergeCustomers(customer="C2", into="C1", reason="registered twice")
    with pytest.raises(SamePerson):
        twice.ask(asked)
    twice.ask(asked, by="bea")
    assert held_by(twice) == {"A1": "C1", "A2": "C1", "A3": "C1"}
    row = twice.tables.get(customers, "C2")
    assert row is not None
    assert (row.name, row.merged_into) == ("Ada B.", "C1")
    for late in (asked, OpenAccount(account="A4", customer="C2", on=NEW_YEAR)):
        with pytest.raises(CustomerIsAnother):
            twice.ask(late, by="cid")
    # One of them was given to somebody else meanwhile: it stays there.
    twice.ask(RegisterCustomer(customer="C3", name="Eve"))
    twice.ask(CorrectAccount(account="A3", customer="C3", reason="Eve's"), by="cid")
    apart = WithdrawMerger(customer="C2", reason="mother and daughter")
    with pytest.raises(SamePerson):
        twice.ask(apart, by="bea")
    twice.ask(apart)
    assert held_by(twice) == {"A1": "C1", "A2": "C2", "A3": "C3"}
    with pytest.raises(CustomerNotMerged):
        twice.ask(apart)
    twice.ask(asked, by="bea")  # and restored
    assert held_by(twice) == {"A1": "C1", "A2": "C1", "A3": "C3"}


def test_a_customer_without_accounts_is_merged_too(twice: World) -> None:
    twice.ask(RegisterCustomer(customer="C3", name="Ada"))
    twice.ask(MergeCustomers(customer="C3", into="C1", reason="one"), by="bea")
    twice.ask(WithdrawMerger(customer="C3", reason="two"))
    row = twice.tables.get(customers, "C3")
    assert row is not None
    assert row.merged_into is None


def test_all_accounts_go_over_and_to_somebody_else(twice: World) -> None:
    some = MergeCustomers(customer="C2", into="C1", reason="one", accounts=("A2",))
    with pytest.raises(AccountsDiffer) as refused:
        twice.ask(some, by="bea")
    assert refused.value.details == {"held": ["A2", "A3"]}
    with pytest.raises(SameCustomer):
        twice.ask(MergeCustomers(customer="C2", into="C2", reason="one"), by="bea")


def test_a_closed_account_takes_no_supply_and_one_that_moved_money_stays() -> None:
    world = town()
    with pytest.raises(AccountInUse):
        world.ask(CloseAccount(account="A1", on=FEB))
    world.ask(VacatePoint(point="P1", until=FEB))
    world.ask(ReceivePayment(payment="P-1", account="A1", amount=100, method="cash", on=JAN))
    with pytest.raises(BalanceOpen):
        world.ask(CloseAccount(account="A1", on=FEB))
    with pytest.raises(AccountInUse):
        world.ask(WithdrawAccount(account="A1", reason="twice"), by="bea")
    world.ask(OpenAccount(account="A2", customer="C1", on=JAN))
    world.ask(CloseAccount(account="A2", on=FEB))
    row = world.tables.get(accounts, "A2")
    assert row is not None
    assert row.closed == FEB
    supply = SupplyPoint(point="P1", account="A2", tariff="R1", since=MAR)
    with pytest.raises(AccountIsClosed):
        world.ask(supply)
    world.ask(ReopenAccount(account="A2", reason="called off"), by="bea")
    world.ask(supply)
    world.ask(OpenAccount(account="A3", customer="C1", on=MAR))
    world.ask(WithdrawAccount(account="A3", reason="twice"), by="bea")
    assert world.tables.get(accounts, "A3") is None
