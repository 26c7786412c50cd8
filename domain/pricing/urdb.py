"""
URDB records (version 8 of the U.S. Utility Rate Database) as tariff documents.

Where a record leaves open what engines disagree about, the choice is written into the document:
blocks with time-of-use are one ladder shared pro rata (where the limits of the periods differ,
a ladder for each), $/month is for a calendar month, a ratchet looks at as many months before
the bill as `lookbackrange` says, and the bill is the exact sum rounded half up to the cent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any, Literal

from pydantic import ValidationError

from domain.kit import Refused
from domain.pricing.calendars import Schedule, Window
from domain.pricing.charges import (
    Block,
    Charge,
    Credit,
    Demand,
    Energy,
    Export,
    Fixed,
    Minimum,
    Net,
    Ratchet,
    Rate,
    Surplus,
)
from domain.pricing.charges.energy import Allowance
from domain.pricing.tariff import Rounding, TariffDocument

ALLOWANCES: dict[str, Allowance] = {
    "kwh": "month",
    "kwh/kw": "kw",
    "kwh daily": "day",
    "kwh/kw daily": "kw-day",
}
PER: dict[str, Literal["day", "month", "year"]] = {
    "$/day": "day",
    "$/month": "month",
    "$/year": "year",
}
UNTRANSLATED = (
    "coincidentratestructure",
    "demandreactivepowercharge",
    "fueladjustmentsmonthly",
)
MONTHS = tuple(range(1, 13))
PLACES = Decimal("1e-12")  # of a price; records print binary fractions in full
Record = Mapping[str, Any]


class UrdbRecordWrong(Refused):
    """The URDB record cannot be read as a tariff."""

    def __init__(self, place: str, rule: str) -> None:
        super().__init__(place=place, rule=rule)

    def __str__(self) -> str:
        return f"{self.details['place']}: {self.details['rule']}"


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
    for key in UNTRANSLATED:
        if any(number for number in _numbers(record.get(key))):
            raise UrdbRecordWrong(key, "this charge is not translated")
    try:
        return TariffDocument(
            name=str(record.get("name") or record.get("label") or "URDB record"),
            currency="USD",
            schedules=tuple(_schedules(record)),
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
        price = _number(record["fixedchargefirstmeter"], "fixedchargefirstmeter")
        yield Fixed(code="fixed", price=price, per=_per(record, "fixedchargeunits"))
    rule = str(record.get("dgrules") or "Net Metering")
    if record.get("energyratestructure"):
        yield from _energy(record, rule)
    yield from _demands(record)
    yield from _minimum(record)
    if rule == "Net Metering $":
        both = ("energy", "export")
        yield Credit(code="credit", of=both, against=both, settles=12)
    if rule == "Net Billing Carryover":
        yield Credit(code="credit", of=("export",), against=("energy",), settles=12)


# Energy


def _energy(record: Record, rule: str) -> Iterator[Charge]:
    name = "energyratestructure"
    structure = _structure(record, name)
    schedule = "energy" if len(structure) > 1 else None
    yield Energy(
        code="energy",
        schedule=schedule,
        rates=tuple(_rates(structure, name, schedule)),
        blocks_per=_allowance(structure),
        pooling="pro-rata" if _one_ladder(structure) else "each-period",
        net=_net(rule),
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
            rates=tuple(_rates(sells, name, schedule)),
            over=over[rule],
        )
    if rule == "Net Metering" and record.get("x_yearend_sell_rate"):
        price = _number(record["x_yearend_sell_rate"], "x_yearend_sell_rate")
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


def _one_ladder(structure: Sequence[Sequence[Record]]) -> bool:
    """Whether all periods that have blocks have the same limits: one ladder is meant."""
    limits = {tuple(tier.get("max") for tier in tiers[:-1]) for tiers in structure}
    return len(limits - {()}) <= 1


# Demand


def _demands(record: Record) -> Iterator[Charge]:
    ratchet = _ratchet(record)
    minutes = record.get("demandwindow")
    more: dict[str, Any] = {
        "ratchet": ratchet,
        "minutes": int(minutes) if minutes else None,
        "longer_intervals": "taken",
    }
    if record.get("demandratestructure"):
        name = "demandratestructure"
        structure = _structure(record, name)
        schedule = "demand" if len(structure) > 1 else None
        yield Demand(
            code="demand",
            schedule=schedule,
            rates=tuple(_rates(structure, name, schedule)),
            unit=_demand_unit(record, "demandrateunit"),
            **more,
        )
    if record.get("flatdemandstructure"):
        name = "flatdemandstructure"
        structure = _structure(record, name)
        schedule = "flat-demand" if len(structure) > 1 else None
        yield Demand(
            code="flat-demand",
            schedule=schedule,
            rates=tuple(_rates(structure, name, schedule)),
            unit=_demand_unit(record, "flatdemandunit"),
            **more,
        )


def _demand_unit(record: Record, name: str) -> Literal["kW", "kVA"]:
    unit = str(record.get(name) or "kW")
    if unit == "kW":
        return "kW"
    if unit == "kVA":
        return "kVA"
    raise UrdbRecordWrong(name, f"demand in {unit!r} is not translated")


def _ratchet(record: Record) -> Ratchet | None:
    share = _number(record.get("lookbackpercent") or 0, "lookbackpercent")
    if not share:
        return None
    if not 0 < share <= 1:
        raise UrdbRecordWrong("lookbackpercent", "a share between 0 and 1 is meant")
    asked = record.get("lookbackmonths") or [1] * 12
    if len(asked) != 12:
        raise UrdbRecordWrong("lookbackmonths", "there are 12 months")
    return Ratchet(
        share=share,
        months=int(record.get("lookbackrange") or 11),
        of_months=tuple(month for month in MONTHS if asked[month - 1]) if 0 in asked else (),
    )


def _minimum(record: Record) -> Iterator[Charge]:
    if record.get("mincharge"):
        price = _number(record["mincharge"], "mincharge")
        per = _per(record, "minchargeunits")
        if per == "year":
            yield Minimum(code="minimum", price=price, per="year", settles=12)
        else:
            yield Minimum(code="minimum", price=price, per=per)


# Structures and schedules


def _structure(record: Record, name: str) -> list[list[Record]]:
    said = record[name]
    if not isinstance(said, list) or not all(
        isinstance(tiers, list) and tiers for tiers in said
    ):
        raise UrdbRecordWrong(name, "a list of periods, each a list of one block or more")
    for p, tiers in enumerate(said):
        for t, tier in enumerate(tiers):
            if not isinstance(tier, Mapping):
                raise UrdbRecordWrong(f"{name}[{p}][{t}]", "a block is an object")
    return said


def _rates(
    structure: Sequence[Sequence[Record]], name: str, schedule: str | None
) -> Iterator[Rate]:
    for p, tiers in enumerate(structure):
        period = str(p) if schedule else None
        yield Rate(period=period, blocks=tuple(_blocks(tiers, f"{name}[{p}]")))


def _blocks(tiers: Sequence[Record], place: str) -> Iterator[Block]:
    reached = Decimal(0)
    for t, tier in enumerate(tiers):
        price = sum(
            (_number(tier.get(key) or 0, f"{place}[{t}].{key}") for key in ("rate", "adj")),
            start=Decimal(0),
        )
        if t == len(tiers) - 1:
            yield Block(price=price)
            return
        if tier.get("max") is None:
            raise UrdbRecordWrong(f"{place}[{t}].max", "only the last block has no end")
        upto = _number(tier["max"], f"{place}[{t}].max")
        if upto <= reached:
            raise UrdbRecordWrong(f"{place}[{t}].max", "blocks rise")
        yield Block(price=price, upto=upto)
        reached = upto


def _schedules(record: Record) -> Iterator[Schedule]:
    for name in ("energy", "demand"):
        periods = len(record.get(f"{name}ratestructure") or ())
        if periods > 1:
            yield Schedule(name=name, windows=tuple(_windows(record, name, periods)))
    flat = record.get("flatdemandstructure") or ()
    if len(flat) > 1:
        months = record.get("flatdemandmonths")
        if not isinstance(months, list) or len(months) != 12:
            raise UrdbRecordWrong("flatdemandmonths", "a list of 12 periods")
        yield Schedule(name="flat-demand", windows=tuple(_by_month(months, len(flat))))


def _by_month(months: Sequence[Any], periods: int) -> Iterator[Window]:
    for period in sorted(set(_periods(months, periods, "flatdemandmonths"))):
        mine = tuple(month for month in MONTHS if months[month - 1] == period)
        yield Window(period=str(period), months=mine)


@dataclass(frozen=True, slots=True)
class _Stretch:
    period: int
    since: int
    until: int


def _windows(record: Record, name: str, periods: int) -> Iterator[Window]:
    """Hours of equal period as one window, months with the same hours together."""
    for days in ("weekday", "weekend"):
        key = f"{name}{days}schedule"
        table = record.get(key)
        if not isinstance(table, list) or len(table) != 12:
            raise UrdbRecordWrong(key, "a list of 12 months")
        found: dict[_Stretch, list[int]] = {}
        for month, hours in enumerate(table, 1):
            place = f"{key}[{month - 1}]"
            if not isinstance(hours, list) or len(hours) != 24:
                raise UrdbRecordWrong(place, "a list of 24 hours")
            for stretch in _stretches(_periods(hours, periods, place)):
                found.setdefault(stretch, []).append(month)
        for stretch, months in found.items():
            yield Window(
                period=str(stretch.period),
                since=f"{stretch.since:02}:00",
                until=f"{stretch.until:02}:00",
                days=("weekday",) if days == "weekday" else ("weekend",),
                months=tuple(months) if len(months) < 12 else (),
            )


def _stretches(hours: Sequence[int]) -> Iterator[_Stretch]:
    at = 0
    for period, run in groupby(hours):
        length = len(list(run))
        yield _Stretch(period, at, at + length)
        at += length


def _periods(said: Sequence[Any], periods: int, place: str) -> list[int]:
    for n, period in enumerate(said):
        if not isinstance(period, int) or not 0 <= period < periods:
            rule = f"{period} is not one of the {periods} periods, which count from 0"
            raise UrdbRecordWrong(f"{place}[{n}]", rule)
    return list(said)


# Numbers


def _per(record: Record, name: str) -> Literal["day", "month", "year"]:
    unit = str(record.get(name) or "$/month")
    if unit not in PER:
        raise UrdbRecordWrong(name, f"{unit!r} is not one of {', '.join(PER)}")
    return PER[unit]


def _number(said: Any, place: str) -> Decimal:
    if isinstance(said, bool) or not isinstance(said, int | Decimal):
        raise UrdbRecordWrong(place, f"{said!r} is not a number")
    number = Decimal(said)
    if not number.is_finite():
        raise UrdbRecordWrong(place, f"{said} is not a number")
    exponent = number.as_tuple().exponent
    return number.quantize(PLACES) if isinstance(exponent, int) and exponent < -12 else number


def _numbers(said: Any) -> Iterator[Any]:
    if isinstance(said, int | Decimal):
        yield said
    elif isinstance(said, Mapping):
        yield said.get("rate")
    elif isinstance(said, list):
        for one in said:
            yield from _numbers(one)
