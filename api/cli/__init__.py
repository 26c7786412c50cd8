"""
The command line of Wattledger: the books of an electric utility as a history of facts.

Exit code 0: done; 1: refused, or it could not be done; 2: misused.  What is asked for goes to
standard output, with --json as one JSON document; progress and trouble go to standard error,
trouble in one sentence.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, NamedTuple, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group


class Place(NamedTuple):
    """Where a command is, so that only who gives it loads its module."""

    module: str  # in api.cli
    name: str  # of its function, or of the Typer with the commands below it
    says: str  # the beginning of its help


PLACES = {
    "serve": Place("serving", "serve", "Serve HTTP, GraphQL and the feeds"),
    "follow": Place("serving", "follow", "Keep the tables up with history"),
    "demo": Place("demo", "demo", "A utility to look at, and a story to watch."),
    "import": Place("data", "imported", "Take in readings and interval days from CSV."),
    "bill": Place("billing", "app", "Issue, correct and explain bills."),
    "rate": Place("pricing", "rate_command", "Price usage under a tariff"),
    "replay": Place("past", "replay", "Show a stream"),
    "verify": Place("past", "verify", "Fold everything again and compare"),
    "rebuild": Place("past", "rebuild", "Rebuild tables from history"),
    "resume": Place("past", "resume", "Try again what could not be folded"),
    "checkpoint": Place("proofs", "checkpoint", "Sign what was recorded"),
    "prove": Place("proofs", "prove", "Print a proof that a fact is in history"),
    "export": Place("archive", "export", "Write history into a folder, sealed"),
    "restore": Place("archive", "restore", "Put an archive into an empty utility"),
    "sweep": Place("archive", "sweep", "Take what was erased off the disk as well"),
    "policies": Place("policies", "app", "What follows from what: list, start."),
    "token": Place("token", "token", "Issue a token that names a person and a duty."),
    "doctor": Place("doctor", "doctor", "Show the settings"),
}
"""The commands, in the order in which somebody meets them."""

PLAIN: dict[str, Any] = {"pretty_exceptions_enable": False, "rich_markup_mode": None}


class Commands(TyperGroup):
    """The commands by what is said of them; one is loaded when it is given."""

    def __init__(self, **told: Any) -> None:
        listed = {name: TyperCommand(name, help=place.says) for name, place in PLACES.items()}
        super().__init__(**{**told, "commands": listed})

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command that was given, ready to run."""
        name, listed, rest = super().resolve_command(ctx, args)
        return name, listed if name is None else loaded(name), rest


def loaded(name: str) -> Any:
    """A command, with all that it needs."""
    place = PLACES[name]
    found = getattr(import_module(f"{__name__}.{place.module}"), place.name)
    alone = typer.Typer(**PLAIN)
    if isinstance(found, typer.Typer):
        alone.add_typer(found, name=name)
    else:
        alone.command(name)(found)
    return get_group(alone).commands[name]


app = typer.Typer(
    name="wattledger",
    cls=Commands,
    help=__doc__.partition("\n\n")[0].strip() if __doc__ else None,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    **PLAIN,
)
app.callback()(lambda: None)


def main() -> NoReturn:
    """Run the command that was given."""
    try:
        app()
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except Exception as wrong:
        from api.cli import kit, trouble

        kit.complain(trouble.sentence(wrong) or trouble.defect(wrong))
        sys.exit(trouble.code(wrong))
    sys.exit(0)
