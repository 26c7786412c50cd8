"""
Data folders as earlier releases left them, for whoever must open one.

    first_release(folder)       # a new data folder: its database, its files
    restored(url)               # only the database, into an empty one that is there already
    EXPECTED                    # what the release itself said of it

Only here do these fixtures name modules of ours: what makes a Postgres in a data folder.
"""

from __future__ import annotations

import json
import lzma
import subprocess
import tarfile
from pathlib import Path
from typing import Any

from replay.server import embedded

FIRST = Path(__file__).resolve().parent / "9bac00c"
EXPECTED: dict[str, Any] = json.loads((FIRST / "expected.json").read_text())


def first_release(folder: Path) -> None:
    """Make a data folder, where there is none yet, that holds what release 9bac00c left."""
    folder.mkdir(mode=0o700, parents=True)
    with tarfile.open(FIRST / "folder.tar.xz") as files:
        files.extractall(folder, filter="data")
    with embedded.start(folder) as server:
        restored(server.url)


def restored(database_url: str) -> None:
    """Put the database of release 9bac00c into an empty one, as its superuser."""
    told = (FIRST / "roles.sql").read_bytes()
    told += lzma.decompress((FIRST / "database.sql.xz").read_bytes())
    program = embedded.binaries() / "psql"
    options = ("-X", "-q", "-v", "ON_ERROR_STOP=1", "--single-transaction", "-d", database_url)
    ended = subprocess.run([program, *options], input=told, capture_output=True, check=False)
    if ended.returncode:
        raise RuntimeError(f"the fixture cannot be restored: {ended.stderr.decode()}")
