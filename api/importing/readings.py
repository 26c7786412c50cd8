"""Readings of registers, in kWh as shown: `meter,on,register,reading[,source]`."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from api.dispatch import Dispatch, RequestContext
from api.importing.lines import Columns, Report, Row, Unit, Wrong, day, lines, number, text
from api.importing.taking import Progress, Taking
from domain.metering.meter import ReadMeter, Source

COLUMNS = Columns(("meter", "on", "register", "reading"), ("source",))
SOURCES = ("reader", "remote", "customer", "estimate")


def readings(
    path: Path,
    dispatch: Dispatch,
    context: RequestContext,
    progress: Progress = lambda *_: None,
) -> Report:
    """
    Take in a file; a reading is all registers of a meter on a day.

    Raises NotOurFile, and what the database raises.
    """
    report = Report(path.name, context.correlation)
    units: dict[tuple[str, str], Unit] = {}
    for at, row in lines(path, COLUMNS, report):
        unit = units.setdefault((row["meter"], row["on"]), Unit((row["meter"], row["on"])))
        unit.lines.append((at, row))
        try:
            _checked(row)
        except Wrong as wrong:
            unit.broken = True
            report.reject(at, wrong.column, wrong.rule, str(wrong))
    Taking(dispatch, context, report, progress).take(units.values(), _command, alone=1)
    return report


def _checked(row: Row) -> None:
    text(row, "meter")
    text(row, "register")
    day(row, "on")
    number(row, "reading")
    if row.get("source") and row["source"] not in SOURCES:
        told = f"{row['source']!r} is none of {', '.join(SOURCES)}"
        raise Wrong("source", "no-such-source", told)


def _command(unit: Unit) -> ReadMeter:
    readings = {row["register"]: number(row, "reading") for _, row in unit.lines}
    for _, row in unit.lines:
        if readings[row["register"]] != number(row, "reading"):
            told = f"register {row['register']} is there twice, with two readings"
            raise Wrong("register", "register-twice", told)
    _, first = unit.lines[0]
    sources = {row.get("source") or "reader" for _, row in unit.lines}
    if len(sources) > 1:
        raise Wrong("source", "two-sources", "one reading has two sources")
    return ReadMeter(
        meter=first["meter"],
        readings=readings,
        on=day(first, "on"),
        source=cast("Source", sources.pop()),
    )
