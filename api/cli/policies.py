"""policies list, policies start: what follows from what, and what came of it."""

from __future__ import annotations

import typer

from api.cli.kit import DataOption, JsonOption, answer, plain, say, system
from api.local_day import clock
from api.reacting import Giver, day_clock, runner
from replay.policies.days import begin_days, last_day

app = typer.Typer(no_args_is_help=True, help="What follows from what: list, start.")


@app.command("list")
def listed(data: DataOption = None, as_json: JsonOption = False) -> None:
    """Show how far each policy is, and which of its commands were refused."""
    with system(data) as it:
        reacts = runner(it)
        waits = reacts.waits()
        standing, refused = reacts.standing()
    if as_json:
        answer({"waits": waits, "policies": plain(standing), "refused": plain(refused)})
        return
    if waits:
        say(
            "This folder was copied or restored: policies wait for `wattledger policies start`."
        )
    for each in standing:
        told = f"stopped at {each.stopped}" if each.stopped else "answers"
        say(f"{each.policy}: since {each.since}, at {each.position}, {told}")
    for no in refused:
        say(
            f"{no.policy} at {no.position}: {no.command} was refused, {no.refused} {no.details}"
        )
    if not standing:
        say("No policy was started yet.")


@app.command()
def start(data: DataOption = None, as_json: JsonOption = False) -> None:
    """Let policies answer in this folder, also those that stopped, and begin missed days."""
    with system(data) as it:
        reacts = runner(it)
        reacts.start()
        today = day_clock(it, clock).today()
        begun = (
            []
            if today is None
            else begin_days(last_day(it.url), Giver(it), today, missed_most=None)
        )
    if as_json:
        answer({"days_begun": [str(day) for day in begun]})
    else:
        say(f"Policies answer here. Days begun: {len(begun)}.")
