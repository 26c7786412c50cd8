"""
A year of bills by NREL's engine (the wheel NREL-PySAM, BSD-3), to set ours beside.

Its year has 8,760 hours and begins on a Monday, so 2018 is such a year.  A ladder must have as
many blocks in every time-of-use period; it asks for the surplus of an hour as generation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

YEAR = 2018
OPEN_END = 1e38
NET_METERING, NET_METERING_MONEY, NET_BILLING = 0, 1, 2
RULES = {
    "Net Metering": NET_METERING,
    "Net Metering $": NET_METERING_MONEY,
    "Net Billing": NET_BILLING,
    "Net Billing Instantaneous": NET_BILLING,
    "Net Billing Hourly": NET_BILLING,
    "Buy All Sell All": NET_BILLING,
}
UNITS = {"kWh": 0, "kWh/kW": 1, "kWh daily": 2, "kWh/kW daily": 3}
EVERY_HOUR = [[1] * 24] * 12
Record = Mapping[str, Any]


def model(record: Record) -> Any:
    """The engine, set up for a URDB record."""
    from PySAM import Utilityrate5

    made = Utilityrate5.new()
    made.Lifetime.analysis_period = 1
    made.Lifetime.system_use_lifetime_output = 0
    made.Lifetime.inflation_rate = 0
    made.SystemOutput.degradation = [0]
    made.ElectricityRates.assign(_rates(record))
    return made


def bills(made: Any, kwh: Sequence[float]) -> list[dict[str, float]]:
    """For each month what is owed for energy, demand, the rest, and in all."""
    made.SystemOutput.gen = [max(-one, 0.0) for one in kwh]
    made.Load.load = [max(one, 0.0) for one in kwh]
    made.execute(0)
    out = made.Outputs
    return [
        {
            "energy": out.year1_monthly_ec_charge_with_system[month],
            "fixed": out.year1_monthly_fixed_with_system[month],
            "demand": out.year1_monthly_dc_fixed_with_system[month]
            + out.year1_monthly_dc_tou_with_system[month],
            "minimum": out.year1_monthly_minimum_with_system[month],
            "total": out.year1_monthly_utility_bill_w_sys[month],
        }
        for month in range(12)
    ]


def _rates(record: Record) -> dict[str, Any]:
    per_year = record.get("minchargeunits") == "$/year"
    least = record.get("mincharge") or 0
    return {
        "en_electricity_rates": 1,
        "rate_escalation": [0],
        "ur_en_ts_buy_rate": 0,
        "ur_en_ts_sell_rate": 0,
        "ur_metering_option": RULES[record.get("dgrules") or "Net Metering"],
        "ur_nm_yearend_sell_rate": record.get("x_yearend_sell_rate") or 0,
        "ur_nm_credit_month": 11,
        "ur_monthly_fixed_charge": record.get("fixedchargefirstmeter") or 0,
        "ur_monthly_min_charge": 0 if per_year else least,
        "ur_annual_min_charge": least if per_year else 0,
        "ur_ec_tou_mat": _energy(record["energyratestructure"]),
        "ur_ec_sched_weekday": _from_one(record["energyweekdayschedule"]),
        "ur_ec_sched_weekend": _from_one(record["energyweekendschedule"]),
        **_demand(record),
    }


def _energy(structure: Sequence[Sequence[Record]]) -> list[list[float]]:
    longest = max(structure, key=len)
    rows = []
    for period, blocks in enumerate(structure, 1):
        same = len(blocks) == 1
        for tier, shape in enumerate(longest):
            block = blocks[0] if same else blocks[tier]
            limit = OPEN_END if tier == len(longest) - 1 else shape["max"]
            price = block.get("rate", 0) + block.get("adj", 0)
            unit = UNITS[shape.get("unit") or "kWh"]
            rows.append([period, tier + 1, limit, unit, price, block.get("sell", 0)])
    return rows


def _demand(record: Record) -> dict[str, Any]:
    by_hour, flat = record.get("demandratestructure"), record.get("flatdemandstructure")
    if not by_hour and not flat:
        return {"ur_dc_enable": 0}
    hours = by_hour or [[{"rate": 0}]]
    months = record.get("flatdemandmonths") or [0] * 12
    schedule = {
        days: _from_one(record[f"demand{days}schedule"]) if by_hour else EVERY_HOUR
        for days in ("weekday", "weekend")
    }
    return {
        "ur_dc_enable": 1,
        "ur_dc_tou_mat": [
            [period, *row] for period, blocks in enumerate(hours, 1) for row in _blocks(blocks)
        ],
        "ur_dc_sched_weekday": schedule["weekday"],
        "ur_dc_sched_weekend": schedule["weekend"],
        "ur_dc_flat_mat": [
            [month, *row]
            for month in range(12)
            for row in _blocks(flat[months[month]] if flat else [{"rate": 0}])
        ],
        **_ratchet(record, len(hours)),
    }


def _blocks(blocks: Sequence[Record]) -> list[list[float]]:
    last = len(blocks) - 1
    return [
        [tier + 1, OPEN_END if tier == last else block["max"], block.get("rate", 0)]
        for tier, block in enumerate(blocks)
    ]


def _ratchet(record: Record, periods: int) -> dict[str, Any]:
    share = record.get("lookbackpercent") or 0
    if not share:
        return {"ur_enable_billing_demand": 0}
    return {
        "ur_enable_billing_demand": 1,
        "ur_billing_demand_lookback_period": record.get("lookbackrange") or 11,
        "ur_billing_demand_lookback_percentages": [[share * 100, 1] for _ in range(12)],
        "ur_billing_demand_minimum": 0,
        "ur_dc_billing_demand_periods": [[period + 1, 1] for period in range(periods)],
        "ur_yearzero_usage_peaks": [0] * 12,
    }


def _from_one(schedule: Sequence[Sequence[int]]) -> list[list[int]]:
    return [[period + 1 for period in hours] for hours in schedule]
