"""The only file that remembers how events used to look."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Upcast = Callable[[dict[str, Any]], dict[str, Any]]


def _readings(old: dict[str, Any]) -> dict[str, Any]:
    """What the registers showed was called `dials`."""
    return {"readings" if name == "dials" else name: each for name, each in old.items()}


# (name, version) -> how to make it one version newer.  Today's version is counted from these.
UPCASTS: dict[tuple[str, int], Upcast] = {
    ("meter.installed", 1): _readings,
    ("meter.read", 1): _readings,
    ("meter.reading-corrected", 1): _readings,
    ("meter.removed", 1): _readings,
}


def newest(name: str) -> int:
    """The version in which an event is written today."""
    version = 1
    while (name, version) in UPCASTS:
        version += 1
    return version


def upcast(name: str, version: int, data: dict[str, Any]) -> dict[str, Any]:
    """Bring data written in an old version to the newest one, a version at a time."""
    while (name, version) in UPCASTS:
        data = UPCASTS[name, version](data)
        version += 1
    return data
