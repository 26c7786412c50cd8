"""export, restore, sweep: history as files, and back; what was erased, off the disk."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import psycopg
import typer

from api.cli.kit import (
    DataOption,
    JsonOption,
    Misused,
    answer,
    err,
    plain,
    progress,
    say,
    settings,
    system,
)
from api.system import caught_up, database, opened, rebuilt
from domain.organisation.utility import utility
from projections.catalogue import PROJECTIONS
from replay.archives import archive
from replay.archives.archive import Manifest
from replay.archives.keys import save
from replay.archives.keys import sweep as swept
from replay.archives.restore import restore as restored
from replay.policies.runner import hold
from replay.store.keys import overdue

FolderArgument = Annotated[Path, typer.Argument(help="The folder of the archive.")]


def export(
    folder: FolderArgument,
    until: Annotated[
        int | None, typer.Option(help="The last position to write; all of history.", min=0)
    ] = None,
    keys: Annotated[
        Path | None, typer.Option(help="Write the keys of persons into this file, apart.")
    ] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write history into a folder, sealed; run again, it goes on where it was cut off."""
    with system(data, "none") as it, progress() as tell:
        head = it.history.head()
        if until is not None and until > head:
            raise Misused(f"--until is a position up to {head}, how far history has come")
        told = it.history.of(utility.stream(utility.only or ""))
        named = utility.fold(fact.event for fact in told).name
        manifest = archive.export(it.history, folder, utility=named, until=until, progress=tell)
        if keys is not None:
            with psycopg.connect(it.url) as connection:
                save(connection, keys)
    if as_json:
        answer(plain(manifest))
    else:
        say(f"Sealed positions 1 to {manifest.last} of {manifest.utility} in {folder}.")
        _show(manifest)


def restore(
    folder: FolderArgument,
    keys: Annotated[
        Path | None, typer.Option(help="The keys of persons, as they were exported.")
    ] = None,
    without_keys: Annotated[
        bool, typer.Option("--without-keys", help="Erase everybody whose key is missing.")
    ] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put an archive into an empty utility, all of it or nothing, and grow its tables."""
    wanted = settings(data_dir=data)
    with progress() as tell:
        with ExitStack() as stack:
            url, recovered = database(wanted, stack)
            if recovered:
                err.print(recovered, style="yellow", markup=False)
            found = restored(folder, url, keys=keys, without_keys=without_keys, progress=tell)
        with opened(wanted) as it:
            hold(it.url)  # what follows from a restored past is for an operator to say
            rebuilt(it, lambda done, of: tell("tables are filled", done, of))
            position = caught_up(it.history, it.tables, 3600.0)
    if as_json:
        answer({**plain(found), "position": position})
    else:
        say(f"Restored positions 1 to {position} of {found.manifest.utility}.")
        _show(found.manifest)


def sweep(data: DataOption = None, as_json: JsonOption = False) -> None:
    """Take what was erased off the disk as well; tables of people are locked meanwhile."""
    wanted = settings(data_dir=data)
    with ExitStack() as stack:
        url, _ = database(wanted, stack)
        with opened(wanted) as it:
            rebuilt(it)
            caught_up(it.history, it.tables, 60.0)
        swept(url, PROJECTIONS)
        with psycopg.connect(url) as connection:
            left = overdue(connection)
    if as_json:
        answer({"overdue": left})
    else:
        say("What was erased is off the disk; backups and old key files are yours to see to.")
    raise typer.Exit(1 if left else 0)


def _show(manifest: Manifest) -> None:
    say(f"  files: {len(manifest.files)}")
    say(f"  root:  {manifest.root}")
    if manifest.checkpoint is not None:
        say(f"  newest checkpoint: of the first {manifest.checkpoint['size']}")
