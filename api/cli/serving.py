"""serve, follow, token, doctor: what an operator of the service needs."""

from __future__ import annotations

import importlib.metadata
import platform
import threading
from contextlib import suppress
from datetime import date, timedelta
from typing import Annotated, Any

import psycopg
import typer

from api.auth import LIFETIME_MOST, mint, secret_of
from api.cli.kit import (
    DataOption,
    JsonOption,
    Misused,
    answer,
    brought_up,
    data_option,
    err,
    program,
    progress,
    say,
    settings,
    system,
)
from api.demo import town
from api.settings import Settings
from api.system import System
from domain.billing.bill import bill_key
from domain.kit import Stream
from projections.kit.versions import TableGrowing

MOVES_IN = "The data folder is empty: a demo utility moves in."
GOES_ON = "The demo utility was not quite there when it was stopped: it goes on moving in."
DEMO_ACCOUNT = town.home_key(20)
PACKAGES = (
    "wattledger",
    "eventsourcing",
    "fastapi",
    "strawberry-graphql",
    "psycopg",
    "pydantic",
)


def serve(
    data: DataOption = None,
    host: Annotated[str | None, typer.Option(help="The address to serve on.")] = None,
    port: Annotated[int | None, typer.Option(help="The port to serve on.")] = None,
    no_demo: Annotated[
        bool, typer.Option("--no-demo", help="Leave an empty data folder empty.")
    ] = False,
    accounts: Annotated[
        int, typer.Option(min=0, max=5000, help="Synthetic households of the demo.")
    ] = town.ACCOUNTS,
) -> None:
    """Serve HTTP, GraphQL and the feeds; an empty data folder is filled with a demo first."""
    from api.serve import run  # the web is only loaded by who serves

    chosen = settings(data_dir=data, host=host, port=port, demo=False if no_demo else None)

    def first(it: System) -> None:
        if it.recovered:
            err.print(it.recovered, style="yellow", markup=False)
        secret_of(chosen)  # before the demo: who cannot sign tokens is told at once
        if chosen.demo and town.wanted(it):
            brought_up(it)
            fill(it, accounts)
        welcome(chosen, it)

    run(chosen, first)


def fill(it: System, accounts: int) -> None:
    """Found the demo town, with progress, or go on where it was broken off."""
    new = it.history.head() == 0
    err.print(MOVES_IN if new else GOES_ON, markup=False)
    with progress() as tell:
        founded = town.found(it, count=accounts, progress=tell)
    for line in founded.said:
        err.print(line, style="yellow", markup=False)
    for report in founded.meters:
        err.print(f"  {report.brief}", markup=False)
    told = f"{founded.accounts} accounts, {founded.bills} bills, {founded.head} facts."
    err.print(told, markup=False)


def welcome(chosen: Settings, it: System) -> None:
    """The first screen: where to go, a token to go with, three commands to try."""
    url = f"http://{chosen.host}:{chosen.port}"
    token = mint(secret_of(chosen), "newcomer", "admin", timedelta(days=1))
    say()
    say(f"GraphQL   {url}/graphql")
    say(f"Commands  {url}/docs")
    say(f"Feed      {url}/feed")
    say()
    say("A token for a day, with every right:")
    say(token)
    say()
    account = DEMO_ACCOUNT
    happened = it.history.of(Stream(f"account-{account}"))
    if not happened:
        return
    typed, option = program(), data_option(chosen)
    query = QUERY.replace("BILL", bill_key(account, date(town.YEAR, 3, 1)))
    say("Three commands to try: why a bill is what it is; an account as it was known; a story.")
    say(f"  curl -s {url}/graphql -H 'Authorization: Bearer {token}' \\")
    say("    -H 'Content-Type: application/json' \\")
    say(f"    -d '{query}'")
    half = happened[len(happened) // 2].position
    say(f"  {typed} replay account-{account} --known-at {half}{option}")
    say(f"  {typed} demo story{option}")
    say()


QUERY = (
    r'{"query": "{ bill(number: \"BILL\") { currentTotal { amount currency }'
    r' lines { code period quantity amount { amount } why { text } } } }"}'
)


def follow(data: DataOption = None) -> None:
    """Keep the tables up with history, for a database whose servers do not; Ctrl-C stops it."""
    with system(data, "rebuilt") as it:
        err.print(
            f"Following, from position {it.tables.position}. Ctrl-C stops it.", markup=False
        )
        pause = threading.Event()
        while any(each.name == "follower" for each in threading.enumerate()):
            pause.wait(1)
    raise typer.Exit(1)  # it has told why


def token(
    person: Annotated[str, typer.Argument(help="Who it names.")],
    role: Annotated[str, typer.Argument(help="The duty: admin, clerk, billing, auditor, …")],
    days: Annotated[
        float, typer.Option(min=0.001, max=LIFETIME_MOST.days, help="How long it is good.")
    ] = 0.5,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Mint a token that names a person and a role."""
    try:
        made = mint(secret_of(settings(data_dir=data)), person, role, timedelta(days=days))
    except ValueError as wrong:
        raise Misused(str(wrong)) from wrong
    if as_json:
        answer({"person": person, "role": role, "days": days, "token": made})
    else:
        say(made)


def doctor(data: DataOption = None, as_json: JsonOption = False) -> None:
    """Show the settings (secrets masked), versions, and how the database and its tables are."""
    chosen = settings(data_dir=data)
    with system(chosen.data_dir, "none") as it:
        found = {"settings": _settings(chosen), "versions": _versions(), "database": _state(it)}
    if as_json:
        answer(found)
        return
    for part, named in found.items():
        say(part, style="bold")
        for name, value in named.items():
            say(f"  {name:20} {value}")


def _settings(chosen: Settings) -> dict[str, Any]:
    return {
        f"WATTLEDGER_{name.upper()}": str(value)
        for name, value in chosen.model_dump(mode="python").items()
    }


def _versions() -> dict[str, Any]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def _tables(it: System) -> str | dict[str, Any]:
    """Whether the tables are those of this program; which are not, and how far a rebuild is."""
    found = it.tables.refresh()
    if not found.outdated and not found.others:
        return "up to date"
    progress = it.tables.progress
    done = "not begun; `serve` does it"
    if progress is not None:
        done = f"{progress.position} of {progress.goal} facts"
    return {
        "to rebuild": {name: found.changed.get(name, "new") for name in sorted(found.outdated)},
        "to drop": sorted(found.others),
        "rebuild": done,
    }


def _state(it: System) -> dict[str, Any]:
    with psycopg.connect(it.url) as db:
        version, size = db.execute(
            "select current_setting('server_version'), pg_database_size(current_database())"
        ).fetchone() or ("", 0)
    head = it.history.head()
    with suppress(TableGrowing):
        it.tables.wait_for(head, 2.0)  # whoever follows has a moment to come up
    parked = it.follower.parked()
    return {
        "postgres": version,
        "whose": "ours" if it.settings.database_url is None else "given",
        "size": f"{size / 2**20:.1f} MiB",
        "head": head,
        "folded to": it.tables.position,
        "lag": head - it.tables.position,
        "tables": _tables(it),
        "parked streams": sorted({f"{one.stream} ({one.projection})" for one in parked}),
        "recovered": it.recovered or "nothing to recover",
    }
