"""serve, follow: the service itself."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from typing import Annotated

import typer

from api.auth import mint, secret_of
from api.cli.kit import (
    DataOption,
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

MOVES_IN = "The data folder is empty: a demo utility moves in."
GOES_ON = "The demo utility was not quite there when it was stopped: it goes on moving in."
DEMO_ACCOUNT = town.home_key(20)


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
    say(f"Console   {url}/")
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
