"""demo and import: filling a utility, with an example or with files of your own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli.kit import DataOption, JsonOption, answer, plain, progress, say, system
from api.demo import town as demo_town
from api.demo.meters import Report
from api.system import caught_up

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
