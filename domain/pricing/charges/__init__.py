"""
Charges: everything that a tariff can charge for, a file a kind.

A new kind is one new file beside its neighbours and one line in `Charge` below; documents,
their schema, rating, explanations and the columns of many accounts take it from there.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias, get_args

from pydantic import Field

from domain.pricing.charges.capacity import Capacity
from domain.pricing.charges.contract import Contract, ExcessStep
from domain.pricing.charges.credit import Credit
from domain.pricing.charges.demand import Demand, LoadDiscount, Ratchet
from domain.pricing.charges.energy import Energy, Household
from domain.pricing.charges.export import Export, Surplus
from domain.pricing.charges.fixed import Fixed
from domain.pricing.charges.fixed_by_usage import FixedByUsage
from domain.pricing.charges.kit import BillSegment, UnroundedLine
from domain.pricing.charges.minimum import Minimum
from domain.pricing.charges.net import Net
from domain.pricing.charges.percentage import Percentage
from domain.pricing.charges.power_factor import PowerFactor, Slope
from domain.pricing.charges.rates import Block, Rate, UseLadder
from domain.pricing.charges.reactive import Reactive
from domain.pricing.charges.rider import Rider
from domain.pricing.charges.usage import Measured

Charge: TypeAlias = Annotated[
    Fixed
    | FixedByUsage
    | Energy
    | Demand
    | Capacity
    | Reactive
    | PowerFactor
    | Rider
    | Export
    | Surplus
    | Minimum
    | Percentage
    | Credit,
    Field(discriminator="kind"),
]

LEDGER_CLASSES: dict[str, str] = {
    charge.__dataclass_fields__["kind"].default: charge.ledger_class
    for charge in get_args(get_args(Charge)[0])
}
"""Kind of charge -> the ledger class that its lines are posted to, as each charge says."""

__all__ = [
    "LEDGER_CLASSES",
    "BillSegment",
    "Block",
    "Capacity",
    "Charge",
    "Contract",
    "Credit",
    "Demand",
    "Energy",
    "ExcessStep",
    "Export",
    "Fixed",
    "FixedByUsage",
    "Household",
    "LoadDiscount",
    "Measured",
    "Minimum",
    "Net",
    "Percentage",
    "PowerFactor",
    "Ratchet",
    "Rate",
    "Reactive",
    "Rider",
    "Slope",
    "Surplus",
    "UnroundedLine",
    "UseLadder",
]
