"""What went wrong, in a sentence for who typed the command."""

from __future__ import annotations

import os
import traceback
from collections.abc import Mapping

from pydantic_core import ValidationError

from api.cli.kit import Misused, err
from domain.kit import Refused

# By name: who raised one has loaded its module, and nobody else needs it for this.
BEFORE = {
    "replay.store.append.Unavailable": "The database does not answer",
    "psycopg.OperationalError": "The database cannot be used",
}
"""Errors that are told by their first line -> what is said before it."""
TOLD = frozenset({
    "api.auth.BadSecret",
    "api.demo.doors.SaidNo",
    "api.demo.http.NotAnswered",
    "api.demo.story.StoryBroke",
    "api.system.Lagging",
    "api.system.NotRebuilt",
    "projections.kit.versions.TableGrowing",
    "projections.kit.versions.TablesAreNewer",
    "replay.archives.chunks.ArchiveTrouble",
    "replay.server.folder.NoDatabase",
    "replay.store.append.KeyReused",
    "replay.store.append.Overloaded",
    "replay.store.append.Stale",
    "replay.store.append.HistoryBroken",
    "replay.store.append.Unreadable",
    "replay.store.migrations.FolderIsNewer",
    "replay.store.migrations.Migrated",
    "replay.tables.rebuild.RebuildRunning",
})  # fmt: skip
"""Errors whose own words, or else their docstring, are what an operator is told."""


def code(wrong: Exception) -> int:
    """What the process ends with: 2 if the command was given wrongly, else 1."""
    return 2 if isinstance(wrong, Misused | ValidationError) else 1


def sentence(wrong: Exception) -> str:
    """What went wrong, in a sentence; empty for a defect, which is for the developer."""
    match wrong:
        case Misused():
            return str(wrong)
        case Refused():
            return refusal(wrong)
        case ValidationError():
            return "; ".join(
                f"{'.'.join(map(str, error['loc'])) or 'input'}: {error['msg']}"
                for error in wrong.errors()
            )
        case OSError() if wrong.strerror:
            return f"{wrong.filename or 'A file'}: {wrong.strerror}"
        case _:
            return _of_the_system(wrong)


def _of_the_system(wrong: Exception) -> str:
    names = {f"{each.__module__}.{each.__qualname__}" for each in type(wrong).__mro__}
    for name, said in BEFORE.items():
        if name in names:
            return f"{said}: {_line(wrong)}"
    if names & TOLD:
        return str(wrong) or " ".join((type(wrong).__doc__ or "").split())
    return ""


def defect(wrong: Exception) -> str:
    """What nobody foresaw, with the whole trace only for who asks for it."""
    if os.environ.get("WATTLEDGER_LOG", "").lower() == "debug":
        err.print("".join(traceback.format_exception(wrong)), markup=False)
    name = type(wrong).__name__
    return f"A defect: {name}: {_line(wrong)} (WATTLEDGER_LOG=debug shows where)"


def refusal(wrong: Refused) -> str:
    """The sentence of the rule that was kept, its name, and what it was kept against."""
    details = ", ".join(f"{name}: {told(value)}" for name, value in wrong.details.items())
    return f"{wrong} [{wrong.code}]" + (f" ({details})" if details else "")


def told(value: object) -> str:
    """A detail as people read it."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {told(each)}" for name, each in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(map(told, value))
    return str(value)


def _line(wrong: Exception) -> str:
    return (str(wrong).strip().splitlines() or [type(wrong).__name__])[0]
