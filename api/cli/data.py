"""import: filling a utility with files of your own."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from api import importing
from api.cli.kit import (
    DataOption,
    JsonOption,
    Misused,
    answer,
    complain,
    myself,
    plain,
    progress,
    say,
    system,
)
from api.dispatch import RequestContext
from api.importing.intervals import GRIDS
from api.system import caught_up
from domain.organisation.utility import UtilityNotEstablished
from projections.organisation import settings

TOLD_MOST = 100  # rejects shown of one file

imported = typer.Typer(
    no_args_is_help=True, help="Take in readings and interval days from CSV."
)

FileArgument: TypeAlias = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="A CSV file.")
]


@imported.command()
def readings(file: FileArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Take in readings: meter,on,register,reading[,source], in kWh as shown."""
    with system(data) as it, progress() as tell:
        report = importing.readings(file, it.dispatch, _importer(file), tell)
    _report(report, as_json)


@imported.command()
def intervals(
    file: FileArgument,
    minutes: Annotated[
        int | None, typer.Option(help="How long an interval is; found in the file if not said.")
    ] = None,
    gaps: Annotated[
        bool, typer.Option("--gaps", help="Record missing intervals as missing.")
    ] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take in interval values: point,start,kwh[,channel][,quality], whole local days."""
    if minutes is not None and minutes not in GRIDS:
        raise Misused(f"--minutes is one of {', '.join(map(str, GRIDS))}")
    with system(data) as it, progress() as tell:
        caught_up(it.history, it.tables)
        here = it.tables.get(settings, "settings")
        if here is None:
            raise UtilityNotEstablished
        report = importing.intervals(
            file,
            it.dispatch,
            _importer(file),
            here.zone,
            minutes=minutes,
            gaps=gaps,
            progress=tell,
        )
    _report(report, as_json)


def _importer(file: Path) -> RequestContext:
    """Who asks; what a file led to is found by the digest of its bytes."""
    return replace(
        myself("reader"), correlation=f"file-{sha256(file.read_bytes()).hexdigest()[:32]}"
    )


def _report(report: importing.Report, as_json: bool) -> None:
    if as_json:
        answer(plain(report))
    else:
        for reject in report.rejects[:TOLD_MOST]:
            column = f", {reject.column}" if reject.column else ""
            told = f"line {reject.line}{column}: {reject.rule}: {reject.message}"
            complain(f"{report.file}: {told}")
        if len(report.rejects) > TOLD_MOST:
            complain(f"… and {len(report.rejects) - TOLD_MOST} more; --json tells all.")
        where = f", positions {report.first} to {report.last}" if report.accepted else ""
        say(f"{report.lines} lines: {report.accepted} accepted{where};")
        say(f"{report.repeated} on record already; {report.rejected} rejected.")
    raise typer.Exit(0 if report.clean else 1)
