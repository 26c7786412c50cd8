"""Customers and accounts, and the money that moves on them."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from domain.customers.account import (
    ALLOCATION_POLICY,
    AccountAlreadyOpen,
    AccountCharged,
    AccountCredited,
    AccountOpened,
    AccountPaymentReturned,
    AccountUnknown,
    Allocation,
    OpenAccount,
    accounts,
)
from domain.customers.customer import (
    CustomerAlreadyRegistered,
    CustomerErased,
    CustomerRegistered,
    CustomerRenamed,
    CustomerUnknown,
    ErasePerson,
    PersonErased,
    RegisterCustomer,
    RenameCustomer,
)
from domain.organisation.utility import (
    EstablishUtility,
    SetTerms,
    UtilityAlreadyEstablished,
    UtilityEstablished,
    UtilityNotEstablished,
    UtilityTermsSet,
)
from domain.receivables.payment import (
    PaymentAlreadyReceived,
    PaymentAlreadyReversed,
    PaymentReceived,
    PaymentReversed,
    PaymentUnknown,
    ReceivePayment,
    ReversedBeforeReceived,
    ReversePayment,
)
from domain.values import Period
from tests.story import Story

JAN, FEB, MAR = (date(2026, month, 1) for month in (1, 2, 3))
established = UtilityEstablished(name="Wattle", currency="GBP", zone="UTC", due_days=14)
registered = CustomerRegistered(name="Ada", contact=None)
opened = AccountOpened(customer="C1", on=JAN)


def charged(bill: str, amount: int, **more: Any) -> AccountCharged:
    period = Period(since=JAN, until=FEB)
    return AccountCharged(
        bill=bill, period=period, amount=amount, currency="GBP", on=FEB, due=MAR, **more
    )


def part(item: str, amount: int) -> Allocation:
    return Allocation(item=item, amount=amount)


def pay(amount: int, payment: str = "T1") -> ReceivePayment:
    return ReceivePayment(payment=payment, account="A1", amount=amount, method="cash", on=MAR)


def credited(amount: int, to_advance: int, *parts: Allocation) -> AccountCredited:
    return AccountCredited(
        payment="T1",
        amount=amount,
        currency="GBP",
        on=MAR,
        policy=ALLOCATION_POLICY,
        to_advance=to_advance,
        allocations=parts,
    )


received = PaymentReceived(account="A1", amount=700, currency="GBP", method="cash", on=MAR)


@pytest.fixture
def story() -> Story:
    return Story()


def test_the_utility_is_established_once(story: Story) -> None:
    story.when(EstablishUtility(name="Wattle", currency="GBP", zone="UTC"))
    story.then(established)
    story.given(established)
    story.refused(UtilityAlreadyEstablished)


def test_terms_change_when_they_differ(story: Story) -> None:
    story.when(SetTerms(name="Wattle", due_days=21))
    story.refused(UtilityNotEstablished)
    story.given(established)
    story.then(UtilityTermsSet(name="Wattle", due_days=21))
    story.when(SetTerms(name="Wattle", due_days=14))
    story.quiet()


def test_a_customer_is_registered_and_renamed(story: Story) -> None:
    story.when(RenameCustomer(customer="C1", name="Ada L."))
    story.refused(CustomerUnknown, customer="C1")
    story.when(RegisterCustomer(customer="C1", name="Ada"))
    story.then(registered)
    story.given(registered)
    story.refused(CustomerAlreadyRegistered)
    story.when(RenameCustomer(customer="C1", name="Ada L."))
    story.then(CustomerRenamed(name="Ada L.", was="Ada"))
    story.when(RenameCustomer(customer="C1", name="Ada"))
    story.quiet()


def test_an_erased_person_stays_erased(story: Story) -> None:
    erase = ErasePerson(customer="C1", reason="asked for it", on=FEB)
    story.when(erase)
    story.refused(CustomerUnknown, customer="C1")
    story.given(registered)
    story.then(CustomerErased(reason="asked for it", on=FEB))
    story.given(CustomerErased(reason="asked for it", on=FEB))
    story.quiet()
    story.when(RenameCustomer(customer="C1", name="Ada L."))
    story.refused(PersonErased, customer="C1")
    story.when(RegisterCustomer(customer="C1", name="Ada"))
    story.refused(CustomerAlreadyRegistered)
    story.when(OpenAccount(account="A1", customer="C1", on=MAR))
    story.refused(PersonErased, customer="C1")


def test_an_account_belongs_to_a_customer_we_know(story: Story) -> None:
    story.when(OpenAccount(account="A1", customer="C1", on=JAN))
    story.refused(CustomerUnknown)
    story.given(registered)
    story.then(opened)
    story.given(opened)
    story.refused(AccountAlreadyOpen, account="A1", customer="C1")


def test_a_payment_settles_the_oldest_item_first_and_says_so(story: Story) -> None:
    story.given(established, opened, charged("B1", 500), charged("B2", 300))
    story.when(pay(700))
    story.then(received, credited(700, 0, part("B1", 500), part("B2", 200)))


def test_what_is_overpaid_is_held_in_advance(story: Story) -> None:
    story.given(established, opened, charged("B1", 500))
    story.when(pay(700))
    story.then(received, credited(700, 200, part("B1", 500)))


def test_a_payment_may_come_before_any_bill(story: Story) -> None:
    story.given(established, opened)
    story.when(pay(700))
    story.then(received, credited(700, 700))


def test_a_payment_is_received_once_and_for_an_account_we_have(story: Story) -> None:
    story.given(established)
    story.when(pay(700))
    story.refused(AccountUnknown)
    story.given(opened, received)
    story.refused(PaymentAlreadyReceived, payment="T1")


def test_a_payment_that_did_not_hold_reopens_what_it_settled(story: Story) -> None:
    story.given(established, opened, charged("B1", 500))
    story.given(received, credited(700, 200, part("B1", 500)))
    story.when(ReversePayment(payment="T1", account="A1", reason="bounced", on=MAR))
    back = PaymentReversed(account="A1", amount=700, currency="GBP", reason="bounced", on=MAR)
    returned = AccountPaymentReturned(
        payment="T1",
        amount=700,
        currency="GBP",
        on=MAR,
        from_advance=200,
        allocations=(part("B1", 500),),
    )
    story.then(back, returned)
    story.given(back, returned)
    story.refused(PaymentAlreadyReversed)


def test_advance_that_was_spent_since_is_owed_as_an_item_of_its_own(story: Story) -> None:
    story.given(established, opened, received, credited(700, 700))
    story.given(charged("B1", 500, from_advance=500))
    story.when(ReversePayment(payment="T1", account="A1", reason="bounced", on=MAR))
    returned = story._decided()[1]
    assert isinstance(returned, AccountPaymentReturned)
    assert returned.from_advance == 200
    assert returned.allocations == (part("T1", 500),)


def test_only_a_payment_of_the_account_is_reversed_and_not_before_it_came(story: Story) -> None:
    story.given(established, opened)
    story.when(ReversePayment(payment="T1", account="A1", reason="bounced", on=MAR))
    story.refused(PaymentUnknown)
    story.given(received, credited(700, 700))
    story.when(ReversePayment(payment="T1", account="A1", reason="bounced", on=FEB))
    story.refused(ReversedBeforeReceived, received=MAR)


def test_each_event_moves_the_balance_by_its_own_amount() -> None:
    account = accounts.fold(
        [
            opened,
            charged("B1", 500),
            credited(700, 200, part("B1", 500)),
            charged("B2", 300, from_advance=200),
        ]
    )
    assert account.balance == 500 - 700 + 300
    assert dict(account.owed) == {"B2": 100}
    assert account.advance == 0
