"""Payments."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from domain.kit import Fact
from domain.receivables.payment import PaymentReceived, PaymentReversed
from projections.kit.table import Projection, Table


@dataclass(frozen=True, slots=True)
class Payment:
    """One row a payment, with the open items it settled; minor units."""

    payment: str
    account: str
    on: date
    amount: int
    currency: str
    method: str
    reversed: date | None
    fact: str


def _payments(table: Table[str, Payment], fact: Fact) -> None:
    match fact.event:
        case PaymentReceived() as e:
            table[fact.key] = Payment(
                fact.key, e.account, e.on, e.amount, e.currency, e.method, None, fact.ref
            )
        case PaymentReversed() as e:
            table[fact.key] = replace(table[fact.key], reversed=e.on)


payments = Projection(
    name="payments",
    version=1,
    row=Payment,
    key=("payment",),
    events=(PaymentReceived, PaymentReversed),
    keys=lambda fact: (fact.key,),
    project=_payments,
    indexes=(("account", "on"),),
)
