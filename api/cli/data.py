"""demo and import: filling a utility, with an example or with files of your own."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

import typer

from api.cli.kit import DataOption, JsonOption, answer, err, plain, progress, say, system
from api.demo import town as demo_town
from api.demo.doors import InProcess
from api.demo.meters import Report
from api.demo.story import Chapter, Story
from api.system import caught_up
from projections.catalogue import PROJECTIONS
from replay.verify import verify as verified

demo = typer.Typer(no_args_is_help=True, help="A utility to look at, and a story to watch.")
imported = typer.Typer(
    no_args_is_help=True, help="Take in readings and interval days from CSV."
)


@demo.command()
def town(
    accounts: Annotated[
        int, typer.Option(min=0, max=5000, help="How many synthetic households.")
    ] = demo_town.ACCOUNTS,
    months: Annotated[int, typer.Option(min=1, max=12, help="Months of bills.")] = 12,
    meters: Annotated[
        Path | None, typer.Option(help="A folder with the files of the real meters.")
    ] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Found a town: real meters, published tariffs, synthetic households, a year of bills."""
    with system(data) as it, progress() as tell:
        founded = demo_town.found(
            it, count=accounts, months=months, meters=meters, progress=tell
        )
        caught_up(it.history, it.tables, 60.0)
    if as_json:
        answer({**plain(founded), "meters": [report.plain() for report in founded.meters]})
        return
    say(f"{founded.utility}: {founded.accounts} accounts, {founded.bills} bills,")
    say(f"{founded.payments} payments; {founded.commands} commands made {founded.head} facts.")
    for line in founded.said:
        say(line)
    for report in founded.meters:
        show_meter(report)


@demo.command()
def story(
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Watch three bills being corrected, from a meter on the wall to the books."""
    with system(data) as it:
        told = Story(InProcess(it), secrets.token_hex(3), _aside if as_json else _tell)
        figures = told.run()
        with progress() as tell:
            report = verified(it.history, it.tables, PROJECTIONS, tell)
    if as_json:
        answer({**plain(figures), "verified": report.agrees, "chapters": plain(told.chapters)})
    elif report.agrees:
        say(f"   Verified: all of history folded again, up to {report.position}, agrees.")
    else:
        say("   Verified: it does not agree; ask `wattledger verify` what is wrong.")
    raise typer.Exit(0 if report.agrees else 1)


def _tell(chapter: Chapter, sentence: str) -> None:
    if sentence:
        say(f"   {sentence}")
    else:
        say()
        say(f"{chapter.number}. {chapter.title}", style="bold")


def _aside(chapter: Chapter, sentence: str) -> None:
    if not sentence:
        err.print(f"{chapter.number}. {chapter.title}", markup=False)


def show_meter(report: Report) -> None:
    """What was found in the file of a real meter."""
    say()
    say(f"{report.file}: {report.rows} rows, every {report.minutes} minutes,")
    say(
        f"  {report.first:%Y-%m-%d %H:%M} to {report.last:%Y-%m-%d %H:%M} UTC, {report.kwh} kWh"
    )
    say(f"  dates: {report.dates}")
    say(f"  clock: {report.clock}")
    say(f"  stamps that come twice: {report.duplicates}, in conflict: {report.conflicting}")
    for name, gaps in (("missing", report.gaps), ("all zero", report.zeros)):
        for gap in gaps:
            since, until = f"{gap.since:%Y-%m-%d %H:%M}", f"{gap.until:%Y-%m-%d %H:%M}"
            say(f"  {name}: {gap.intervals} intervals, {since} to {until}")
    estimated = ", ".join(map(str, report.estimated_days)) or "none"
    say(f"  days complete: {report.complete_days}; estimated: {estimated}")
    if report.omitted_days:
        say(f"  days left out: {', '.join(map(str, report.omitted_days))}")
