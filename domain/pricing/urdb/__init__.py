"""
URDB records (version 8 of the U.S. Utility Rate Database) as tariff documents.

Where a record leaves open what engines disagree about, the choice is written into the document:
blocks with time-of-use are one ladder shared pro rata (where the limits of the periods differ,
a ladder for each), $/month is for a calendar month, a ratchet looks at as many months before
the bill as `lookbackrange` says, and the bill is the exact sum rounded half up to the cent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from pydantic import ValidationError

from domain.pricing.calendars import Calendar
from domain.pricing.charges import (
    Charge,
    Credit,
    Demand,
    Energy,
    Export,
    Fixed,
    Minimum,
    Net,
    Ratchet,
    Surplus,
)
from domain.pricing.charges.energy import Allowance
from domain.pricing.tariff import Rounding, TariffDocument
from domain.pricing.urdb.fields import (
    MONTHS,
    Record,
    UrdbRecordWrong,
    check_fields,
    number_of,
    per_of,
)
from domain.pricing.urdb.structures import (
    limits_of,
    rates_of,
    schedules_of,
    seasons_of,
    structure_of,
)

__all__ = ["UrdbRecordWrong", "is_urdb", "translated"]

ALLOWANCES: dict[str, Allowance] = {
    "kwh": "month",
    "kwh/kw": "kw",
    "kwh daily": "day",
    "kwh/kw daily": "kw-day",
}


def is_urdb(record: object) -> bool:
    """Whether a JSON value looks like a URDB record, not like a document of ours."""
    return isinstance(record, Mapping) and any(
        key.lower() in ("energyratestructure", "flatdemandstructure", "demandratestructure")
        for key in record
    )


def translated(given: Record) -> TariffDocument:
    """
    The document for a URDB record whose numbers are Decimal or int.

    Raises UrdbRecordWrong naming the field and the rule.
    """
    record = {key.lower(): said for key, said in given.items() if said is not None}
    check_fields(record)
    try:
        return TariffDocument(
            name=str(record.get("name") or record.get("label") or "URDB record"),
            currency="USD",
            calendar=Calendar(seasons=tuple(seasons_of(record))),
            schedules=tuple(schedules_of(record)),
            charges=tuple(_charges(record)),
            rounding=Rounding(per="document"),
            source=str(record.get("source") or record.get("uri") or ""),
        )
    except ValidationError as wrong:
        first = wrong.errors()[0]
        raise UrdbRecordWrong(
            ".".join(map(str, first["loc"])) or "record", first["msg"]
        ) from None


def _charges(record: Record) -> Iterator[Charge]:
    if record.get("fixedchargefirstmeter"):
        price = number_of(record["fixedchargefirstmeter"], "fixedchargefirstmeter")
        yield Fixed(code="fixed", price=price, per=per_of(record, "fixedchargeunits"))
    if record.get("fixedmonthlycharge"):
        price = number_of(record["fixedmonthlycharge"], "fixedmonthlycharge")
        yield Fixed(code="fixed-monthly", price=price)
    rule = str(record.get("dgrules") or "Net Metering")
    if record.get("energyratestructure"):
        yield from _energy(record, rule)
    yield from _demands(record)
    if rule == "Net Metering $":
        both = ("energy", "export")
        yield Credit(code="credit", of=both, against=both, settles=12)
    if rule == "Net Billing Carryover":
        yield Credit(code="credit", of=("export",), against=("energy",), settles=12)
    yield from _minimum(record)  # of the bill: of what is left after credits


# Energy


def _energy(record: Record, rule: str) -> Iterator[Charge]:
    name = "energyratestructure"
    structure = structure_of(record, name)
    schedule = "energy" if len(structure) > 1 else None
    seasons: list[Any] = [season.name for season in seasons_of(record)]
    yield Energy(
        code="energy",
        schedule=schedule,
        rates=tuple(
            rate
            for season in seasons or [None]
            for rate in rates_of(structure, name, schedule, season)
        ),
        blocks_per=_allowance(structure),
        pooling="each-period" if limits_of(record) is None else "pro-rata",
        net=_net(rule),
        minutes=_window(record),
        longer_intervals="taken",
    )
    over: dict[str, Literal["interval", "hour", "month"] | None] = {
        "Net Metering $": "month",
        "Net Billing": "interval",
        "Net Billing Instantaneous": "interval",
        "Net Billing Carryover": "interval",
        "Net Billing Hourly": "hour",
        "Buy All Sell All": None,
    }
    if rule in over:
        sells = [[{"rate": tiers[0].get("sell", 0)}] for tiers in structure]
        yield Export(
            code="export",
            schedule=schedule,
            rates=tuple(rates_of(sells, name, schedule)),
            over=over[rule],
        )
    if rule == "Net Metering" and record.get("x_yearend_sell_rate"):
        price = number_of(record["x_yearend_sell_rate"], "x_yearend_sell_rate")
        yield Surplus(code="surplus", price=price, settles=12)


def _net(rule: str) -> Net | None:
    match rule:
        case "Net Metering":
            return Net(over="month", surplus="kept", settles=12)
        case "Net Metering $":
            return Net(over="month", surplus="left")
        case "Net Billing" | "Net Billing Instantaneous" | "Net Billing Carryover":
            return Net(over="interval")
        case "Net Billing Hourly":
            return Net(over="hour")
        case "Buy All Sell All":
            return None
        case _:
            raise UrdbRecordWrong("dgrules", f"{rule!r} is not a rule that is known")


def _allowance(structure: Sequence[Sequence[Record]]) -> Allowance:
    units = {
        str(tier.get("unit") or "kWh").lower()
        for tiers in structure
        if len(tiers) > 1
        for tier in tiers
    }
    for unit in units:
        if unit not in ALLOWANCES:
            raise UrdbRecordWrong("energyratestructure", f"{unit!r} is not a unit of blocks")
    if len(units) > 1:
        raise UrdbRecordWrong("energyratestructure", "all blocks are in one unit")
    return ALLOWANCES[units.pop()] if units else "month"


# Demand


def _demands(record: Record) -> Iterator[Charge]:
    ratchet = _ratchet(record)
    more: dict[str, Any] = {
        "ratchet": ratchet,
        "minutes": _window(record),
        "longer_intervals": "taken",
    }
    if record.get("demandratestructure"):
        name = "demandratestructure"
        structure = structure_of(record, name)
        schedule = "demand" if len(structure) > 1 else None
        yield Demand(
            code="demand",
            schedule=schedule,
            rates=tuple(rates_of(structure, name, schedule)),
            unit=_demand_unit(record, "demandrateunit"),
            **more,
        )
    if record.get("flatdemandstructure"):
        name = "flatdemandstructure"
        structure = structure_of(record, name)
        schedule = "flat-demand" if len(structure) > 1 else None
        yield Demand(
            code="flat-demand",
            schedule=schedule,
            rates=tuple(rates_of(structure, name, schedule)),
            unit=_demand_unit(record, "flatdemandunit"),
            **more,
        )


def _window(record: Record) -> int | None:
    """Minutes of the demand window."""
    minutes = number_of(record.get("demandwindow") or 0, "demandwindow")
    if not minutes:
        return None
    if minutes != int(minutes) or not 1 <= minutes <= 1440:
        raise UrdbRecordWrong("demandwindow", f"{minutes} is not a number of minutes of a day")
    return int(minutes)


def _demand_unit(record: Record, name: str) -> Literal["kW", "kVA"]:
    unit = str(record.get(name) or "kW")
    if unit == "kW":
        return "kW"
    if unit == "kVA":
        return "kVA"
    raise UrdbRecordWrong(name, f"demand in {unit!r} is not translated")


def _ratchet(record: Record) -> Ratchet | None:
    share = number_of(record.get("lookbackpercent") or 0, "lookbackpercent")
    if not share:
        return None
    if not 0 < share <= 1:
        raise UrdbRecordWrong("lookbackpercent", "a share between 0 and 1 is meant")
    asked = record.get("lookbackmonths") or [1] * 12
    if not isinstance(asked, list) or len(asked) != 12:
        raise UrdbRecordWrong("lookbackmonths", "there are 12 months")
    return Ratchet(
        share=share,
        months=_lookback(record),
        of_months=tuple(month for month in MONTHS if asked[month - 1]) if 0 in asked else (),
    )


def _lookback(record: Record) -> int:
    months = number_of(record.get("lookbackrange") or 11, "lookbackrange")
    if months != int(months) or not 1 <= months <= 60:
        raise UrdbRecordWrong("lookbackrange", f"{months} is not a number of months, 1 to 60")
    return int(months)


def _minimum(record: Record) -> Iterator[Charge]:
    if record.get("minmonthlycharge"):
        price = number_of(record["minmonthlycharge"], "minmonthlycharge")
        yield Minimum(code="minimum-monthly", price=price)
    if record.get("annualmincharge"):
        price = number_of(record["annualmincharge"], "annualmincharge")
        yield Minimum(code="minimum-annual", price=price, per="year", settles=12)
    if record.get("mincharge"):
        price = number_of(record["mincharge"], "mincharge")
        per = per_of(record, "minchargeunits")
        if per == "year":
            yield Minimum(code="minimum", price=price, per="year", settles=12)
        else:
            yield Minimum(code="minimum", price=price, per=per)
