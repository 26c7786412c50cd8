"""Why a bill cannot be calculated."""

from __future__ import annotations

from domain.kit import Refused
from domain.organisation.utility import UtilityNotEstablished


class EmptyPeriod(Refused):
    """A billing period ends after it begins."""


class PeriodTooLong(Refused):
    """A bill is for thirteen months at most."""


class NothingSupplied(Refused):
    """The account takes supply at no service point in this period."""


class PeriodNotMeasured(Refused):
    """Some of the period has neither readings nor interval values."""


class TariffNotInForce(Refused):
    """No version of the tariff is in force on some day of the period."""


class WrongCurrency(Refused):
    """The tariff is in another currency than the books."""


class NotRecalculated(Refused):
    """It stands by an earlier edition of the rating rules, and is not calculated again."""


NOT_CALCULATED: tuple[type[Refused], ...] = (
    EmptyPeriod,
    NotRecalculated,
    NothingSupplied,
    PeriodNotMeasured,
    PeriodTooLong,
    TariffNotInForce,
    UtilityNotEstablished,
    WrongCurrency,
)
"""What a decision that needs a calculated bill may be refused for, beside its own rules."""
