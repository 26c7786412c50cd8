"""A data folder: whether it is ours to write in; asking loads no database."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

FORMAT = 1  # of the data folder; a newer one is refused
MARK = "wattledger.json"


class NoDatabase(Exception):
    """The embedded database cannot be had; the message says why and what to do."""


def claim(data_dir: Path | str) -> Path:
    """
    Make sure that a data folder is ours and of a format we know, before anybody writes in it.

    Answers with its absolute path; makes it where it is missing.  Raises NoDatabase.
    """
    folder = Path(data_dir).expanduser().absolute()
    try:
        _mark(folder)
    except OSError as error:
        raise trouble(error, folder) from error
    return folder


def _mark(folder: Path) -> None:
    mark = folder / MARK
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not mark.exists():
        names = {entry.name for entry in folder.iterdir()} - {"lost+found"}
        foreign = [name for name in names if not name.startswith(MARK)]
        if foreign:
            raise NoDatabase(
                f"{folder} is not a data folder of Wattledger: it holds {min(foreign)!r} and"
                f" no {MARK}. Choose an empty folder, or one that does not exist yet."
            )
        fresh = folder / f"{MARK}.{os.getpid()}"
        fresh.write_text(json.dumps({"format": FORMAT}) + "\n")
        fresh.replace(mark)
    try:
        found = int(json.loads(mark.read_text())["format"])
    except (ValueError, KeyError, TypeError) as error:
        raise NoDatabase(f"{mark} cannot be read; is {folder} a data folder?") from error
    if found > FORMAT:
        raise NoDatabase(
            f"{folder} was written by a newer Wattledger: it has format {found},"
            f" and this one knows formats up to {FORMAT}."
        )


def trouble(error: OSError, folder: Path) -> NoDatabase:
    """What an error of the system means to whoever named the folder."""
    if error.errno == errno.ENOSPC:
        return NoDatabase(f"The disk that holds {folder} is full.")
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return NoDatabase(
            f"{folder} cannot be written to: {error.strerror} ({error.filename})."
        )
    return NoDatabase(f"{folder} cannot be used: {error}.")
