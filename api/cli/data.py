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
from api.reacting import runner
from api.system import caught_up
from domain.organisation.utility import UtilityNotEstablished
from domain.readings.imports import WithdrawImport, imports
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


@imported.command()
def withdraw(
    correlation: Annotated[str, typer.Argument(help="What an import told as its own.")],
    reason: Annotated[str, typer.Argument(help="Why.")],
    person: Annotated[
        str | None, typer.Option("--as", help="Who takes it back: not who imported it.")
    ] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take back all readings and interval days of one import, by a second person."""
    me = myself("metering")
    context = replace(me, by=person or me.by)
    with system(data) as it:
        policies = runner(it)
        policies.catch_up_unless_served()  # or a policy that was never started begins behind it
        asked = WithdrawImport(correlation=correlation, reason=reason)
        answered = it.dispatch(asked, context)
        policies.catch_up_unless_served()  # unless a server does
        told = set(answered.positions)
        refused = [no for no in policies.standing()[1] if no.position in told]
        parts = [fact.event for fact in it.history.of(imports.stream(correlation))]
    taken = sum(len(part.readings) + len(part.days) for part in parts if told)
    left = [ref for part in parts for ref in part.left if told]
    if as_json:
        answer({"taken_back": taken - len(refused), "refused": plain(refused), "left": left})
    else:
        for no in refused:
            complain(f"{no.body}: {no.refused} {no.details}")
        say(f"{taken - len(refused)} taken back; {len(refused)} could not be;")
        say(f"{len(left)} were put right or withdrawn before, or followed from others.")
    raise typer.Exit(1 if refused else 0)


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
        if report.accepted:
            say(f"All of it is taken back by: import withdraw {report.correlation} REASON")
    raise typer.Exit(0 if report.clean else 1)
