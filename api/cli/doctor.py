"""doctor: how an installation is."""

from __future__ import annotations

import importlib.metadata
import platform
from contextlib import suppress
from typing import Any

import psycopg

from api.cli.kit import DataOption, JsonOption, answer, say, settings, system
from api.settings import Settings
from api.system import System
from projections.kit.versions import TableGrowing

PACKAGES = (
    "wattledger",
    "eventsourcing",
    "fastapi",
    "strawberry-graphql",
    "psycopg",
    "pydantic",
)


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
