"""demo: a utility to look at, and a story to watch."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated

import typer

from api.auth import mint, secret_of
from api.cli.kit import (
    DataOption,
    JsonOption,
    Misused,
    answer,
    data_option,
    err,
    plain,
    program,
    progress,
    say,
    system,
)
from api.cli.kit import settings as settings_of
from api.demo import town as demo_town
from api.demo.cast import SUPERVISOR
from api.demo.doors import InProcess, Person
from api.demo.http import OverHttp
from api.demo.meters import Report, samples
from api.demo.story import REPLAY, Chapter, Story
from api.system import System, caught_up
from projections.catalogue import PROJECTIONS
from replay.billing.verify import verify as verified

demo = typer.Typer(no_args_is_help=True, help="A utility to look at, and a story to watch.")


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
    told = f"{founded.commands} commands, {founded.facts} new facts, {founded.head} in all"
    say(f"{founded.payments} payments; {told}.")
    for line in founded.said:
        say(line)
    for report in founded.meters:
        show_meter(report)


@demo.command()
def meters(
    folder: Annotated[
        Path | None, typer.Argument(help="Where their files are; else in the wheel.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Read the files of the real meters, and say what was found in them and decided."""
    reports = [sample.report for sample in samples(folder)]
    if as_json:
        answer([report.plain() for report in reports])
    for report in () if as_json else reports:
        show_meter(report)
    if not reports:
        err.print("There are no meter files there.", markup=False)
        raise typer.Exit(1)


@demo.command()
def story(
    url: Annotated[str | None, typer.Option(help="A server to ask over HTTP.")] = None,
    token: Annotated[
        list[str] | None,
        typer.Option(help="For --url: of an admin; again: of a second one, who approves."),
    ] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Watch three bills being corrected, from a meter on the wall to the books."""
    tell = _aside if as_json else _tell
    replay = REPLAY.replace("wattledger", program()) + data_option(settings_of(data_dir=data))
    tag = secrets.token_hex(3)
    if url is None:
        with system(data) as it:
            told = Story(InProcess(it), tag, tell, replay)
            figures, agrees = told.run(), _verified(it)
    else:
        told = Story(OverHttp(url, _tokens(token or [], data)), tag, tell, replay)
        figures, agrees = told.run(), None
    if as_json:
        answer({**plain(figures), "verified": agrees, "chapters": plain(told.chapters)})
    else:
        say(f"   {VERIFIED[agrees]}")
    raise typer.Exit(1 if agrees is False else 0)


VERIFIED = {
    True: "Verified: all of history folded again, every bill calculated, the books agree.",
    False: "Verified: it does not agree; ask `wattledger verify` what is wrong.",
    None: "Where the data folder is, `wattledger verify` folds everything again.",
}


def _verified(it: System) -> bool:
    with progress() as tell:
        return verified(it.history, it.tables, PROJECTIONS, tell).agrees


def _tokens(given: list[str], data: Path | None) -> Callable[[Person], str]:
    """The tokens of people: given, else signed with the secret in the data folder."""
    if len(given) == 1:
        raise Misused("--token is wanted twice: nobody may approve a tariff of their own draft")
    if given:
        return lambda person: given[1] if person == SUPERVISOR else given[0]
    secret = secret_of(settings_of(data_dir=data))
    hour = timedelta(hours=1)
    return cache(lambda person: mint(secret, person.name, person.role, hour))


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
