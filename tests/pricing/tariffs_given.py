"""Tariffs and usage of every kind, made up for property tests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, get_args

from hypothesis import strategies as st
from pydantic import TypeAdapter

from domain.pricing.charges.kit import Per
from domain.pricing.rating import Demanded, Held, Registered, Series, Usage
from domain.pricing.tariff import TariffDocument, TariffVersion
from domain.values import Mode, Period, midnight

DOCUMENT = TypeAdapter(TariffDocument)
ZONES = (
    "UTC",
    "Europe/London",
    "Asia/Shanghai",
    "America/Chicago",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
)
PERIODS = ("day", "night")
SCHEDULE = {
    "name": "tou",
    "otherwise": "day",
    "windows": [
        {"period": "night", "until": "06:00"},
        {"period": "night", "since": "22:30", "days": ["weekend"]},
    ],
}
SEASONS = [
    {"name": "cold", "since": "10-27", "until": "03-30"},
    {"name": "warm", "since": "03-30", "until": "10-27"},
]


@dataclass(frozen=True)
class Asked:
    """What `rate` is asked: versions, accounts of one form, and two periods in a row."""

    versions: tuple[TariffVersion, ...]
    before: tuple[Usage, ...]
    now: tuple[Usage, ...]
    first: Period
    then: Period


def prices(low: str = "0", high: str = "2") -> st.SearchStrategy[str]:
    return st.decimals(low, high, places=5).map(str)


@st.composite
def ladders(draw: st.DrawFn, top: int = 40) -> dict[str, Any]:
    if draw(st.booleans()):
        return {"price": draw(prices())}
    limits = sorted(draw(st.sets(st.integers(1, top), min_size=1, max_size=2)))
    blocks = [{"upto": str(limit), "price": draw(prices())} for limit in limits]
    return {"blocks": [*blocks, {"price": draw(prices())}]}


@st.composite
def rates(draw: st.DrawFn, by_period: bool, one_price: bool = False) -> list[dict[str, Any]]:
    made = ladders() if not one_price else prices().map(lambda price: {"price": price})
    seasons: list[Any] = ["cold", "warm"] if draw(st.booleans()) else [None]
    periods: list[Any] = list(PERIODS) if by_period else [None]
    found = [({"season": s, "period": p}, draw(made)) for s in seasons for p in periods]
    return [{k: v for k, v in at.items() if v} | ladder for at, ladder in found]


@st.composite
def by_use(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Ladders of which use chooses one, each with its blocks, in one rate for all hours."""
    ends = sorted(draw(st.sets(st.integers(0, 60), min_size=1, max_size=2)))
    return [
        {
            "by_use": [
                draw(ladders()) | ({} if end is None else {"upto": str(end)})
                for end in (*ends, None)
            ]
        }
    ]


@st.composite
def by_usage(draw: st.DrawFn) -> dict[str, Any]:
    """A fixed charge by usage band."""
    ends = sorted(draw(st.sets(st.integers(0, 60), min_size=1, max_size=3)))
    bands: list[dict[str, Any]] = [{"upto": str(end), "price": draw(prices())} for end in ends]
    return {
        "kind": "fixed-by-usage",
        "code": "band",
        "bands": [*bands, {"price": draw(prices())}],
        "by": draw(st.sampled_from(["use", "demand", "capacity", "contract"])),
        "bands_per": draw(st.sampled_from(get_args(Per))),
        "per": draw(st.sampled_from(get_args(Per))),
    }


@st.composite
def energies(draw: st.DrawFn, registers: bool) -> dict[str, Any]:
    by_period = draw(st.booleans())
    per = st.sampled_from([*get_args(Per), "year-to-date", "season-to-date"])
    pooling = ["each-period", "pro-rata"]
    if not registers:
        pooling.append("in-time-order")
        per = per | st.sampled_from(["kw", "kw-day"])
    said: dict[str, Any] = {
        "kind": "energy",
        "code": "energy",
        "rates": draw(rates(by_period)),
        "blocks_per": draw(per),
        "pooling": draw(st.sampled_from(pooling)),
    }
    said["steps"] = draw(st.sampled_from(["bands", "increments"]))
    said["year_begins"] = draw(st.sampled_from(["01-01", "02-29", "03-30"]))
    if by_period:
        said["schedule"] = "tou"
    elif "to-date" not in said["blocks_per"] and said["pooling"] != "in-time-order":
        said["rates"] = draw(by_use() | st.just(said["rates"]))
    if draw(st.booleans()):
        said["household"] = {"persons": 5, "extra": "7"}
    if not registers and said["pooling"] != "in-time-order":
        said["net"] = draw(
            st.sampled_from(
                [
                    None,
                    {"over": "interval"},
                    {"over": "hour"},
                    {"over": "month"},
                    {"over": "month", "surplus": "priced"},
                ]
            )
        )
    return said


@st.composite
def contracts(draw: st.DrawFn) -> dict[str, Any]:
    said: dict[str, Any] = {
        "floor": draw(st.sampled_from(["0", "0.4"])),
        "band": draw(st.sampled_from(["1", "1.05"])),
        "beyond": draw(st.sampled_from(["contract", "band"])),
        "floor_by": draw(st.sampled_from(["bill", "days"])),
        "below": draw(st.sampled_from(["contract", "measured", "nothing"])),
        "excess_from": draw(st.sampled_from(["band", "contract"])),
    }
    if said["below"] == "measured":
        said["least"] = draw(st.sampled_from(["0", "0.85"]))
    if draw(st.booleans()):
        said["steps"] = [{"upto": "1.1", "factor": "1.5"}, {"factor": "3"}]
    return said


@st.composite
def demands(draw: st.DrawFn, registers: bool) -> dict[str, Any]:
    by_period = draw(st.booleans()) and not registers
    said: dict[str, Any] = {
        "kind": "demand",
        "code": "demand",
        "rates": draw(rates(by_period)),
        "unit": "kW" if registers else draw(st.sampled_from(["kW", "kVA"])),
        "per": draw(st.sampled_from(get_args(Per))),
        "unused": draw(st.sampled_from(["1", "0.5", "0"])),
    }
    if by_period:
        said["schedule"] = "tou"
    if draw(st.booleans()):
        said["step"] = "0.5"
    match draw(st.sampled_from(["", "ratchet", "contract", "discount", "each day"])):
        case "ratchet":
            said["ratchet"] = {
                "share": draw(prices("0.1", "1")),
                "own": draw(st.booleans()),
                "over": draw(st.sampled_from(["period", "all"])),
            }
        case "contract":
            said["contract"] = draw(contracts())
        case "each day" if not registers:
            said |= {"each": "day", "per": "day"}
        case "discount":
            said["discount"] = {"from_kwh_per_kva": "2", "factor": "0.9"}
    return said


@st.composite
def others(draw: st.DrawFn, registers: bool) -> list[dict[str, Any]]:
    price = draw(prices())
    slopes = [
        {"since": "0.9", "until": "0.95", "percent": "-0.15"},
        {"since": "0.6", "until": "0.9", "percent": "0.5"},
        {"since": "0", "until": "0.6", "percent": "2"},
    ]
    every: list[dict[str, Any]] = [
        {
            "kind": "capacity",
            "code": "capacity",
            "rates": draw(rates(False)),
            "per": draw(st.sampled_from(get_args(Per))),
            "unused": draw(st.sampled_from(["1", "0.5"])),
        },
        draw(by_usage()),
        {
            "kind": "capacity",
            "code": "agreed",
            "rates": draw(rates(True)),
            "of": "contract",
            "schedule": "tou",
        },
        {"kind": "reactive", "code": "kvarh", "price": price, "free": "0.3"},
        {"kind": "power-factor", "code": "pf", "standard": "0.9", "slopes": slopes},
        {"kind": "rider", "code": "fund", "price": draw(prices("-0.1", "0.1"))},
        {"kind": "export", "code": "export", "rates": draw(rates(False))},
        {"kind": "surplus", "code": "surplus", "price": price, "settles": 3},
        {"kind": "minimum", "code": "minimum", "price": draw(prices("0", "90"))},
    ]
    if registers:
        every = [one for one in every if one["kind"] not in ("export", "surplus")]
    chosen = draw(st.sets(st.integers(0, len(every) - 1), max_size=4))
    taxes: list[Any] = [
        {"kind": "tax", "code": "levy", "rate": draw(prices("0", "0.3"))},
        {"kind": "tax", "code": "vat", "rate": draw(prices("0", "0.3")), "but": ["levy"]},
        {"kind": "credit", "code": "credit", "settles": 12},
    ]
    return [*(every[n] for n in sorted(chosen)), *taxes[: draw(st.integers(0, 3))]]


@st.composite
def roundings(draw: st.DrawFn) -> dict[str, Any]:
    modes = st.sampled_from(get_args(Mode))
    steps = st.sampled_from([None, "0.01", "0.05", "1"])
    said: dict[str, Any] = {
        "per": draw(st.sampled_from(["line", "charge", "document"])),
        "mode": draw(modes),
        "step": draw(steps),
        "remainder": draw(st.sampled_from([None, "day", "standing"])),
    }
    if draw(st.booleans()):
        per = draw(st.sampled_from(["line", "charge"]))
        of = draw(st.sampled_from(["standing", "energy"]))
        said["charges"] = [{"of": [of], "per": per, "mode": draw(modes), "step": draw(steps)}]
    if said["per"] != "document" and draw(st.booleans()):
        said["bill"] = {"mode": draw(modes), "step": draw(steps) or "0.5"}
    return said


@st.composite
def documents(draw: st.DrawFn, registers: bool) -> TariffDocument:
    per = draw(st.sampled_from(get_args(Per)))
    charges: list[Any] = [
        {"kind": "fixed", "code": "standing", "price": draw(prices("0", "30")), "per": per},
        draw(energies(registers)),
    ]
    if draw(st.booleans()):
        charges.append(draw(demands(registers)))
    charges += draw(others(registers))
    rounding = draw(roundings())
    return DOCUMENT.validate_python(
        {
            "name": "made up",
            "source": "made up",
            "currency": "CNY",
            "charges": charges,
            "schedules": [SCHEDULE],
            "calendar": {"seasons": SEASONS, "holidays": []},
            "rounding": rounding,
        }
    )


@st.composite
def usages(draw: st.DrawFn, period: Period, zone: str, registers: bool) -> Usage:
    held = tuple(
        Held("capacity", since, until, draw(st.integers(1, 40_000)))
        for since, until in (
            (period.since, period.since + timedelta(days=1)),
            (period.since + timedelta(days=1), period.until),
        )
    )
    if period.since.month % 2:  # the form of usage is the same for all accounts
        contract = [
            Held(
                "contract", period.since, period.until, draw(st.integers(1, 30_000)), label=one
            )
            for one in PERIODS
        ]
        held += tuple(contract)
    agreed: dict[str, Any] = {"held": held, "contract_w": draw(st.integers(1, 30_000))}
    agreed["persons"] = 5 if period.since.day % 2 else 1
    if registers:
        labels = ("day", "night")
        read = [("import", label) for label in labels] + [("reactive", None)]
        return Usage(
            zone,
            registers=tuple(
                Registered(
                    channel,  # type: ignore[arg-type]
                    label,
                    period.since,
                    period.until,
                    draw(st.integers(0, 900_000)),
                )
                for channel, label in read
            ),
            demands=(Demanded(None, period.since, period.until, draw(st.integers(0, 90_000))),),
            **agreed,
        )
    return Usage(zone, series=flows(draw(st.integers(1, 10_000)), period, zone), **agreed)


def flows(seed: int, period: Period, zone: str) -> tuple[Series, ...]:
    """Half hours of import, export and reactive energy that look like chance."""
    start, end = midnight(period.since, zone), midnight(period.until, zone)
    count = (end - start) // timedelta(minutes=30)
    wh = [[(seed * (n + 3) * k) % 2_003 for n in range(count)] for k in (7, 11, 13)]
    return (
        Series("import", start, 30, tuple(wh[0])),
        Series("export", start, 30, tuple(one // 2 if one % 3 else 0 for one in wh[1])),
        Series("reactive", start, 30, tuple(one // 3 for one in wh[2])),
    )


@st.composite
def asked(draw: st.DrawFn, accounts: int = 1) -> Asked:
    """Anything that could be asked of `rate`, across new years, clock changes and versions."""
    registers = draw(st.booleans())
    zone = draw(st.sampled_from(ZONES))
    begin = draw(
        st.sampled_from(
            [
                date(2024, 2, 27),
                date(2024, 12, 29),
                date(2025, 3, 28),
                date(2025, 4, 3),
                date(2025, 10, 24),
            ]
        )
    )
    days = draw(st.tuples(st.integers(2, 4), st.integers(2, 5)))
    middle = begin + timedelta(days=days[0])
    first = Period(since=begin, until=middle)
    then = Period(since=middle, until=middle + timedelta(days=days[1]))
    dates = [date(2000, 1, 1)]
    if draw(st.booleans()):
        dates.append(middle + timedelta(days=1))
    versions = tuple(
        TariffVersion(tariff="t", version=n, since=since, document=draw(documents(registers)))
        for n, since in enumerate(dates, 1)
    )
    before, now = (
        tuple(draw(usages(period, zone, registers)) for _ in range(accounts))
        for period in (first, then)
    )
    return Asked(versions, before, now, first, then)
