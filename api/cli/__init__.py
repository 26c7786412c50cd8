"""
The command line of Wattledger: the books of an electric utility as a history of facts.

Exit code 0: done; 1: refused, or it could not be done; 2: misused.  What is asked for goes to
standard output, with --json as one JSON document; progress and trouble go to standard error,
trouble in one sentence.
"""

from __future__ import annotations

import sys
from typing import NoReturn

import typer
from pydantic import ValidationError

from api.cli import archive, data, past, policies, proofs, serving
from api.cli import billing as bills
from api.cli import pricing as rating
from api.cli.kit import Misused, complain, defect, sentence

app = typer.Typer(
    name="wattledger",
    help=__doc__.partition("\n\n")[0].strip() if __doc__ else None,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command()(serving.serve)
app.command()(serving.follow)
app.add_typer(data.demo, name="demo")
app.add_typer(data.imported, name="import")
app.add_typer(bills.app, name="bill")
app.command("rate")(rating.rate_command)
app.command()(past.replay)
app.command()(past.verify)
app.command()(past.rebuild)
app.command()(past.resume)
app.command()(proofs.checkpoint)
app.command()(proofs.prove)
app.command()(archive.export)
app.command()(archive.restore)
app.command()(archive.sweep)
app.add_typer(policies.app, name="policies")
app.command()(serving.token)
app.command()(serving.doctor)


def main() -> NoReturn:
    """Run the command that was given."""
    try:
        app()
    except Misused as wrong:
        complain(str(wrong))
        sys.exit(2)
    except ValidationError as wrong:
        complain(sentence(wrong))
        sys.exit(2)
    except KeyboardInterrupt:
        complain("Stopped.")
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except Exception as wrong:
        complain(sentence(wrong) or defect(wrong))
        sys.exit(1)
    sys.exit(0)
