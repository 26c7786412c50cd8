"""
Charges: everything that a tariff can charge for, a file a kind.

A new kind is one new file beside its neighbours and one line in `Charge` below; documents,
their schema, rating, explanations and the columns of many accounts take it from there.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

from domain.charges.energy import Energy
from domain.charges.fixed import Fixed
from domain.charges.kit import Draft, Measured, Part
from domain.charges.minimum import Minimum
from domain.charges.percentage import Percentage
from domain.charges.rates import Block, Rate
from domain.charges.rider import Rider

Charge: TypeAlias = Annotated[
    Fixed | Energy | Rider | Minimum | Percentage,
    Field(discriminator="kind"),
]

__all__ = [
    "Block",
    "Charge",
    "Draft",
    "Energy",
    "Fixed",
    "Measured",
    "Minimum",
    "Part",
    "Percentage",
    "Rate",
    "Rider",
]
