"""Templates, and how what GraphQL answers is written for people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from domain.catalogue import EVENTS

FOLDER = Path(__file__).parent / "templates"
PLACES = {
    "account": "/accounts/",
    "bill": "/bills/",
    "customer": "/customers/",
    "meter": "/meters/",
    "point": "/points/",
    "payment": "/payments/",
    "tariff": "/tariffs/",
}
"""Where the page of a thing is, by the kind of its history."""


def money(given: Mapping[str, Any] | None) -> Markup:
    """An amount of money, with groups of thousands and its currency."""
    if given is None:
        return Markup("–")
    text = str(given["amount"])
    sign, digits = ("−", text[1:]) if text.startswith("-") else ("", text)
    whole, dot, cents = digits.partition(".")
    told = f"{sign}{int(whole):,}{dot}{cents}"
    kind = "money negative" if sign else "money"
    return Markup('<span class="{}">{}&nbsp;<small>{}</small></span>').format(
        kind, told, given["currency"]
    )


def day(given: str | None) -> str:
    """A business day: 1 Mar 2026."""
    if not given:
        return "–"
    at = date.fromisoformat(given)
    return f"{at.day} {at:%b} {at.year:04}"


def period(since: str, until: str | None) -> str:
    """A period by its first and its last day, as people say it: 1 – 31 Mar 2026."""
    first = date.fromisoformat(since)
    if until is None:
        return f"from {day(since)}"
    last = date.fromisoformat(until) - timedelta(days=1)
    if last <= first:
        return day(since)
    begins = f"{first.day}"
    if (first.year, first.month) != (last.year, last.month):
        begins += f" {first:%b}"
    if first.year != last.year:
        begins += f" {first.year:04}"
    return f"{begins} – {day(last.isoformat())}"


def moment(given: str | None) -> str:
    """When something was recorded, in UTC: 1 Mar 2026 12:30:05."""
    if not given:
        return "–"
    at = datetime.fromisoformat(given)
    return f"{at.day} {at:%b} {at.year:04} {at:%H:%M:%S}"


def energy(given: str | int | None) -> str:
    """Watt-hours as kilowatt-hours: 1,234.5 kWh."""
    return "–" if given is None else f"{int(given) / 1000:,.1f} kWh"


def happening(name: str) -> str:
    """What happened, for people: meter.read -> Meter read."""
    return name.replace(".", " ").replace("-", " ").capitalize()


def told(name: str) -> str:
    """The sentence of an event."""
    event = EVENTS.get(name)
    return " ".join((event.__doc__ or "").split()) if event else ""


def place(stream: str) -> str | None:
    """The page of a thing, by its history: meter-M1 -> /meters/M1."""
    kind, _, key = stream.partition("-")
    if kind == "intervals":
        return PLACES["point"] + quote(key[: -len("-2026-01")], safe="")
    return PLACES[kind] + quote(key, safe="") if kind in PLACES else None


def linked(reference: str) -> Markup:
    """A fact, linked to its page."""
    return Markup('<a href="/facts/{}">{}</a>').format(quote(reference, safe="@"), reference)


def said(value: Any) -> Markup:
    """A value of a fact: short text as it is, what has parts as a list of them."""
    match value:
        case None:
            return Markup("–")
        case bool():
            return Markup("yes" if value else "no")
        case dict():
            rows = [
                Markup("<dt>{}</dt><dd>{}</dd>").format(k, said(v)) for k, v in value.items()
            ]
            return Markup('<dl class="parts">{}</dl>').format(Markup("").join(rows))
        case list() if value and isinstance(value[0], dict):
            items = [Markup("<li>{}</li>").format(said(each)) for each in value]
            return Markup("<ol>{}</ol>").format(Markup("").join(items))
        case list():
            return escape(" ".join("–" if each is None else str(each) for each in value))
        case _:
            return escape(str(value))


def address(path: str, given: Mapping[str, Any]) -> str:
    """A path with what is asked there; what is empty is left out."""
    asked = {name: value for name, value in given.items() if value not in (None, "")}
    return f"{path}?{urlencode(asked)}" if asked else path


def without(given: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """What is asked, but for some of it."""
    return {name: value for name, value in given.items() if name not in names}


def environment() -> Environment:
    """The templates; whatever is written into a page is escaped."""
    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "money": money,
        "day": day,
        "period": period,
        "moment": moment,
        "energy": energy,
        "happening": happening,
        "told": told,
        "fact": linked,
        "said": said,
        "segment": lambda text: quote(str(text), safe=""),
    }
    made.globals |= {"place": place, "address": address, "without": without}
    return made
