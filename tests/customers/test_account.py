"""Customers and accounts, and the money that moves on them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from domain.books.entry import Entry, Posting, Source
from domain.customers.account import (
    ALLOCATION_POLICY,
    AccountAlreadyOpen,
    AccountCredited,
    AccountDebited,
    AccountOpened,
    AccountUnknown,
    Allocation,
    Item,
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
from domain.editions import EDITION
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
from tests.story import Story

JAN, FEB, MAR = (date(2026, month, 1) for month in (1, 2, 3))
established = UtilityEstablished(
    name="Wattle", currency="GBP", zone="UTC", due_days=14, minor_digits=2, edition=EDITION
)
registered = CustomerRegistered(name="Ada", contact=None)
opened = AccountOpened(customer="C1", on=JAN)


def charged(bill: str, amount: int, due: date = MAR, held: int = 0) -> AccountDebited:
    """A bill of a period, of which credit held met a part."""
    met = (part(bill, held, due),) if held else ()
    return AccountDebited(
        source=Source(kind="bill", reference=bill),
        amount=amount,
        currency="GBP",
        on=FEB,
        policy=ALLOCATION_POLICY,
        items=(Item(item=bill, kind="energy", amount=amount, due=due),),
        allocations=met,
        held=-held,
    )


def part(item: str, amount: int, due: date = MAR, kind: str = "energy") -> Allocation:
    return Allocation(item=item, amount=amount, kind=kind, due=due)


def pay(amount: int, payment: str = "T1") -> ReceivePayment:
    return ReceivePayment(payment=payment, account="A1", amount=amount, method="cash", on=MAR)


def entry(kind: str, **money: int) -> Entry:
    """The entry of a payment or a return on 1 March; b1000=700 debits the bank."""
    return Entry(
        on=MAR,
        month="2026-03",
        about=MAR,
        source=Source(kind=kind, reference="T1"),
        document="T1",
        currency="GBP",
        postings=tuple(Posting(code=code[1:], amount=a) for code, a in sorted(money.items())),
        account="A1",
        reverses="T1" if kind == "return" else "",
    )


def credited(
    amount: int, held: int, *parts: Allocation, entry: Entry | None = None
) -> AccountCredited:
    return AccountCredited(
        source=Source(kind="payment", reference="T1"),
        amount=amount,
        currency="GBP",
        on=MAR,
        policy=ALLOCATION_POLICY,
        held=held,
        allocations=parts,
        entry=entry,
    )


def received(held: int, *parts: Allocation) -> PaymentReceived:
    return PaymentReceived(
        account="A1",
        amount=700,
        currency="GBP",
        method="cash",
        on=MAR,
        allocations=parts,
        held=held,
    )


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


def test_a_payment_settles_what_was_due_first_and_says_so(story: Story) -> None:
    story.given(established, opened, charged("B2", 300, MAR), charged("B1", 500, FEB))
    story.when(pay(700))
    parts = (part("B1", 500, FEB), part("B2", 200, MAR))
    posted = entry("payment", b1000=700, b1200=-700)
    story.then(received(0, *parts), credited(700, 0, *parts, entry=posted))


def test_what_is_overpaid_is_held_as_credit(story: Story) -> None:
    story.given(established, opened, charged("B1", 500))
    story.when(pay(700))
    posted = entry("payment", b1000=700, b1200=-500, b2100=-200)
    story.then(
        received(200, part("B1", 500)), credited(700, 200, part("B1", 500), entry=posted)
    )


def test_a_payment_may_come_before_any_bill(story: Story) -> None:
    story.given(established, opened)
    story.when(pay(700))
    posted = entry("payment", b1000=700, b2100=-700)
    story.then(received(700), credited(700, 700, entry=posted))


def test_a_payment_is_received_once_and_for_an_account_we_have(story: Story) -> None:
    story.given(established)
    story.when(pay(700))
    story.refused(AccountUnknown)
    story.given(opened, received(700))
    story.refused(PaymentAlreadyReceived, payment="T1")


def returned(held: int, *items: Item, entry: Entry) -> AccountDebited:
    return AccountDebited(
        source=Source(kind="return", reference="T1"),
        amount=700,
        currency="GBP",
        on=MAR,
        policy=ALLOCATION_POLICY,
        items=items,
        held=held,
        entry=entry,
    )


BOUNCED = ReversePayment(payment="T1", account="A1", reason="bounced", on=MAR)
back = PaymentReversed(account="A1", amount=700, currency="GBP", reason="bounced", on=MAR)


def test_a_payment_that_did_not_hold_reopens_what_it_settled_as_it_was(story: Story) -> None:
    story.given(established, opened, charged("B1", 500, FEB))
    story.given(received(200, part("B1", 500, FEB)), credited(700, 200, part("B1", 500, FEB)))
    story.when(BOUNCED)
    again = Item(item="B1", kind="energy", amount=500, due=FEB)
    posted = entry("return", b1000=-700, b1200=500, b2100=200)
    story.then(back, returned(-200, again, entry=posted))
    story.given(back, returned(-200, again, entry=posted))
    story.refused(PaymentAlreadyReversed)


def test_credit_that_was_spent_since_is_owed_as_an_item_of_its_own(story: Story) -> None:
    story.given(established, opened, received(700), credited(700, 700))
    story.given(charged("B1", 500, held=500))
    story.when(BOUNCED)
    own = Item(item="T1", kind="other", amount=500, due=MAR)
    posted = entry("return", b1000=-700, b1200=500, b2100=200)
    story.then(back, returned(-200, own, entry=posted))


def test_what_is_reopened_meets_credit_that_is_left(story: Story) -> None:
    """Credit of another payment is never held beside an open item."""
    story.given(established, opened, charged("B1", 700))
    story.given(received(0, part("B1", 700)), credited(700, 0, part("B1", 700)))
    story.given(replace(credited(300, 300), source=Source(kind="payment", reference="T2")))
    story.when(BOUNCED)
    debited = story._decided()[1]
    assert isinstance(debited, AccountDebited)
    assert (debited.allocations, debited.held) == ((part("B1", 300),), -300)


def test_only_a_payment_of_the_account_is_reversed_and_not_before_it_came(story: Story) -> None:
    story.given(established, opened)
    story.when(BOUNCED)
    story.refused(PaymentUnknown)
    story.given(received(700), credited(700, 700))
    story.when(replace(BOUNCED, on=FEB))
    story.refused(ReversedBeforeReceived, received=MAR)


def test_each_event_moves_the_balance_by_its_own_amount() -> None:
    account = accounts.fold(
        [
            opened,
            charged("B1", 500),
            credited(700, 200, part("B1", 500)),
            charged("B2", 300, held=200),
        ]
    )
    assert account.balance == 500 - 700 + 300
    assert dict(account.owed) == {"B2": 100}
    assert account.held == 0
