"""
What every command needs: settings, the system, an answer, progress.

Every command loads this module, so it loads what is heavy (the database, the web, the trade)
in the function that needs it.
"""

from __future__ import annotations

import getpass
import json
import logging
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import typer
from rich.console import Console

if TYPE_CHECKING:
    from api.dispatch import RequestContext
    from api.settings import Settings
    from api.system import System

DataOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--data", help="The data folder.", envvar="WATTLEDGER_DATA_DIR"),
]
Tables: TypeAlias = Literal["ready", "rebuilt", "followed", "none"]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Answer with JSON.")]

out = Console(highlight=False, soft_wrap=True)
err = Console(highlight=False, soft_wrap=True, stderr=True)


class Misused(Exception):
    """The command was given wrongly; the message says what is wrong."""


# Settings and the system


def settings(**given: Any) -> Settings:
    """The environment, with what was given on the command line before it."""
    from api.settings import Settings

    return Settings(**{name: value for name, value in given.items() if value is not None})


@contextmanager
def system(data: Path | None, tables: Tables = "ready") -> Iterator[System]:
    """
    The utility in the data folder; says what its start had to put right.

    Tables are "ready": those of an earlier release are rebuilt first; "rebuilt" meanwhile; only
    "followed"; or there is "none" of them needed.
    """
    from api.system import opened

    chosen = settings(data_dir=data)
    level = logging.DEBUG if chosen.log == "debug" else logging.WARNING
    logging.basicConfig(level=level, format="%(levelname)s: %(message)s")
    upgrade = tables in {"ready", "rebuilt"}
    with opened(chosen, follow=tables != "none", upgrade=upgrade) as it:
        if it.recovered:
            err.print(it.recovered, style="yellow", markup=False)
        if tables == "ready":
            brought_up(it)
        yield it


def brought_up(it: System) -> None:
    """Wait, with progress, until tables of an earlier release are rebuilt."""
    from api.system import rebuilt

    if it.tables.refresh().outdated:
        with progress() as tell:
            rebuilt(it, lambda done, of: tell("tables of this release are filled", done, of))


def myself(role: str) -> RequestContext:
    """Who types the command, in a duty."""
    from api.dispatch import RequestContext

    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a process without a name of its own, as in a container
        name = "operator"
    return RequestContext(name, role)


# What to type


def program() -> str:
    """What to type for this program, from here."""
    if shutil.which("wattledger"):
        return "wattledger"
    path = Path(sys.argv[0]).absolute()
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def data_option(chosen: Settings) -> str:
    """What names the data folder, unless it is where everybody looks first."""
    if chosen.data_dir == type(chosen).model_fields["data_dir"].default:
        return ""
    return f" --data {shlex.quote(str(chosen.data_dir))}"


# Answers


def answer(found: object) -> None:
    """A JSON document on standard output."""
    from pydantic_core import to_jsonable_python

    plain = to_jsonable_python(found, serialize_unknown=True)
    sys.stdout.write(json.dumps(plain, indent=2, ensure_ascii=False) + "\n")


def plain(found: object) -> Any:
    """A dataclass, and all in it, as JSON has it; decimals and dates as text."""
    from pydantic_core import to_jsonable_python

    if is_dataclass(found) and not isinstance(found, type):
        return to_jsonable_python(asdict(found))
    return to_jsonable_python(found)


def say(text: str = "", style: str | None = None) -> None:
    """A line on standard output, as it is."""
    out.print(text, style=style, markup=False)


def complain(text: str) -> None:
    """A sentence on standard error."""
    err.print(text, style="red", markup=False)


def money(minor: int, currency: str) -> str:
    """Minor units for people: "12.34 GBP"."""
    from api.currency import amount_text

    return f"{amount_text(minor, currency)} {currency}"


def day(text: str, name: str) -> date:
    """A date from the command line.  Raises Misused."""
    try:
        return date.fromisoformat(text)
    except ValueError as wrong:
        raise Misused(f"{name} is a date like 2026-03-31, not {text!r}") from wrong


def moment(text: str, name: str) -> datetime:
    """An instant from the command line; UTC if it names no zone.  Raises Misused."""
    try:
        given = datetime.fromisoformat(text)
    except ValueError as wrong:
        told = f"{name} is a position, or an instant like 2026-03-31T12:00Z, not {text!r}"
        raise Misused(told) from wrong
    return given if given.tzinfo else given.replace(tzinfo=UTC)


# Progress


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """A bar on standard error for each thing that takes long: told, done, of how many."""
    if not err.is_terminal:
        yield _in_words
        return
    with _bars() as tell:
        yield tell


@contextmanager
def _bars() -> Iterator[Callable[[str, int, int], None]]:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    bars: dict[str, Any] = {}
    with Progress(*columns, console=err) as shown:

        def tell(told: str, done: int, of: int) -> None:
            if told not in bars:
                bars[told] = shown.add_task(told, total=of)
            shown.update(bars[told], completed=done, total=of)

        yield tell


def _in_words(told: str, done: int, of: int) -> None:
    """For a log: a line when it begins, and one when it is done."""
    if done in (1, of):
        err.print(f"{told}: {done} of {of}", markup=False)
