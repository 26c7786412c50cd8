"""The catalogue: every projection there is."""

from __future__ import annotations

from typing import Any

from projections.bills import bills, corrections, payments, settlements
from projections.books import journal, trial_balance
from projections.kit import Projection
from projections.people import accounts, customers, movements
from projections.places import installations, points, settings, supplies
from projections.prices import tariff_versions, tariffs
from projections.usage import interval_days, meter_errors, readings

PROJECTIONS: tuple[Projection[Any], ...] = (
    settings,
    customers,
    accounts,
    movements,
    points,
    supplies,
    installations,
    readings,
    meter_errors,
    interval_days,
    tariffs,
    tariff_versions,
    bills,
    corrections,
    payments,
    settlements,
    journal,
    trial_balance,
)
