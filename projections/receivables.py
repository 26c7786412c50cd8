"""Payments."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated

from domain.kit import Fact
from domain.receivables.payment import (
    Method,
    PaymentCorrected,
    PaymentReceived,
    PaymentRestored,
    PaymentReversed,
)
from projections.customers import accounts
from projections.kit.declaration import Back, Called, FactRef, Link, Minor
from projections.kit.table import Projection, Table

METHODS = {
    "cash": "In notes and coins, at the counter.",
    "card": "By card.",
    "cheque": "By cheque.",
    "transfer": "By bank transfer.",
    "direct-debit": "Collected from the customer's bank.",
    "agent": "Through an agent who collects for the utility.",
}


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that came in, and now and then went back."""

    payment: Annotated[str, "The reference of the payer or the bank."]
    account: str
    on: Annotated[date, "The day it was received.", Called("received_on")]
    amount: Annotated[Minor, "How much."]
    currency: str
    method: Annotated[Method, "How it was paid.", METHODS]
    reversed: Annotated[
        date | None,
        "The day it was taken back; null if it held. `asOf`: null before that day.",
        Called("reversed_on"),
    ]
    fact: Annotated[FactRef, "The fact that recorded it."]


def _payments(table: Table[str, Payment], fact: Fact) -> None:
    match fact.event:
        case PaymentReceived() as e:
            table[fact.key] = Payment(
                fact.key, e.account, e.on, e.amount, e.currency, e.method, None, fact.ref
            )
        case PaymentReversed() as e:
            table[fact.key] = replace(table[fact.key], reversed=e.on)
        case PaymentRestored():
            table[fact.key] = replace(table[fact.key], reversed=None)
        case PaymentCorrected() as e:
            table[fact.key] = replace(
                table[fact.key],
                account=e.account,
                amount=e.amount,
                method=e.method,
                on=e.received,
            )


payments = Projection(
    name="payments",
    version=2,
    row=Payment,
    key=("payment",),
    events=(PaymentReceived, PaymentReversed, PaymentCorrected, PaymentRestored),
    keys=lambda fact: (fact.key,),
    project=_payments,
    indexes=(("account", "on"),),
    since="on",
    filters=("account", "on", "method"),
    orders=(("account", "on"),),
    links=(
        Link(
            "account",
            accounts,
            "For which account.",
            Back("payments", "The payments that came in for it, by day.", ("on",)),
        ),
    ),
)
