"""Small charts as SVG, made here: no script, no style of their own, a title on each mark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from markupsafe import Markup

from api.console.templating import day, energy

WIDTH, HEIGHT, FOOT = 640, 150, 18
LABEL = 20  # half the width of a label


def bars(bills: Sequence[Mapping[str, Any]]) -> Markup:
    """What bills stand at, the oldest on the left."""
    rows = [
        (
            float(one["currentTotal"]["amount"]),
            "{}: {amount} {currency}".format(one["number"], **one["currentTotal"]),
            one["since"][:7],
            "corrected" if one["corrections"] else "bar",
        )
        for one in reversed(bills)
    ]
    return _columns(rows, "What the bills stand at")


def curve(days: Iterable[Mapping[str, Any]]) -> Markup:
    """Energy by day, the oldest on the left; estimated days and days with gaps are marked."""
    rows = [
        (
            float(one["total"]),
            f"{day(one['day'])}: {energy(one['total'])}{_doubt(one)}",
            one["day"][5:],
            "doubt" if _doubt(one) else "bar",
        )
        for one in reversed([one for one in days if one["channel"] == "IMPORT"])
    ]
    return _columns(rows, "Energy by day")


def _doubt(one: Mapping[str, Any]) -> str:
    told = "" if one["quality"] == "ACTUAL" else f", {one['quality'].lower()}"
    return told + (f", {one['missing']} values missing" if one["missing"] else "")


def _columns(rows: Sequence[tuple[float, str, str, str]], told: str) -> Markup:
    if len(rows) < 2:
        return Markup("")
    high = max(max(value for value, *_ in rows), 0.0)
    low = min(min(value for value, *_ in rows), 0.0)
    scale = (HEIGHT - FOOT - 4) / ((high - low) or 1.0)
    zero = 4 + high * scale
    step = WIDTH / len(rows)
    marks = [
        Markup(
            '<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}">'
            "<title>{}</title></rect>"
        ).format(
            kind,
            n * step + step * 0.12,
            zero - max(value, 0) * scale,
            step * 0.76,
            max(abs(value) * scale, 0.5),
            text,
        )
        for n, (value, text, _, kind) in enumerate(rows)
    ]
    every = max(1, -(-len(rows) // 8))
    labels = [
        Markup('<text x="{:.1f}" y="{}">{}</text>').format(
            n * step + step / 2, HEIGHT - 4, name
        )
        for n, (_, _, name, _) in enumerate(rows)
        if n % every == 0
    ]
    line = Markup('<line class="axis" x1="0" x2="{}" y1="{:.1f}" y2="{:.1f}"/>').format(
        WIDTH, zero, zero
    )
    return Markup(
        '<figure class="chart"><svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}</svg>'
        "<figcaption>{}</figcaption></figure>"
    ).format(
        WIDTH, HEIGHT, told, Markup("").join(marks), line, Markup("").join(labels), told
    )  # fmt: skip


def slider(movements: Sequence[Mapping[str, Any]], given: Mapping[str, Any]) -> Markup:
    """A slider over the moments at which something moved: the page as it was known then."""
    places = [[one["position"], one["on"]] for one in reversed(movements)]
    known = str(given.get("known_at") or "")
    now = len(places)
    at = next((n for n, (p, _) in enumerate(places) if str(p) == known), now)
    return Markup(
        '<p class="slider"><label for="time">As it was known after each movement</label>'
        '<input id="time" type="range" min="0" max="{}" value="{}" data-moments="{}">'
        '<output for="time">{}</output></p>'
    ).format(now, at, orjson.dumps(places).decode(), "now" if at == now else places[at][1])
