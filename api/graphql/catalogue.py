"""Every read model that is shown."""

from __future__ import annotations

from api.graphql.models import Model
from projections.billing import bills, corrections
from projections.books import journal
from projections.customers import accounts, customers, movements, settlements
from projections.metering import installations, meter_errors, readings
from projections.network import points, supplies
from projections.organisation import (
    attempts,
    duties_held,
    duties_versions,
    org_units,
    people,
)
from projections.pricing import tariff_versions, tariffs
from projections.readings import interval_days
from projections.receivables import payments

MODELS = {
    projection: Model(projection)
    for projection in (
        org_units,
        people,
        duties_held,
        duties_versions,
        attempts,
        customers,
        accounts,
        movements,
        settlements,
        tariffs,
        tariff_versions,
        points,
        supplies,
        installations,
        readings,
        meter_errors,
        interval_days,
        bills,
        corrections,
        payments,
        journal,
    )
}
