"""Rating: what usage costs under a tariff.  Pure functions; nothing here is an event."""

from domain.pricing.rating.arrays import Population, RatedColumns, rate_all, rate_columns
from domain.pricing.rating.compare import Rerated, Summary, compare, differences, summary
from domain.pricing.rating.lines import Line, Rated
from domain.pricing.rating.measured import (
    DemandNotByDay,
    ReadingMissing,
    UsageBelowZero,
    UsageMissing,
    UsageNotByPeriod,
    UsageTwice,
)
from domain.pricing.rating.rate import NoTariff, TwoCurrencies, rate
from domain.pricing.rating.runs import TooCoarse
from domain.pricing.rating.why import Why, evaluate, explain, text
from domain.pricing.usage import Carry, Demanded, Held, Kept, Registered, Series, Usage

__all__ = [
    "Carry",
    "DemandNotByDay",
    "Demanded",
    "Held",
    "Kept",
    "Line",
    "NoTariff",
    "Population",
    "Rated",
    "RatedColumns",
    "ReadingMissing",
    "Registered",
    "Rerated",
    "Series",
    "Summary",
    "TooCoarse",
    "TwoCurrencies",
    "Usage",
    "UsageBelowZero",
    "UsageMissing",
    "UsageNotByPeriod",
    "UsageTwice",
    "Why",
    "compare",
    "differences",
    "evaluate",
    "explain",
    "rate",
    "rate_all",
    "rate_columns",
    "summary",
    "text",
]
