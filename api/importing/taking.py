"""Units of a file become commands: those of one thing in order, different things at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TypeAlias

from pydantic import ValidationError

from api.dispatch import Dispatch, RequestContext
from api.importing.lines import Report, Unit, Wrong
from domain.kit import Refused

Progress: TypeAlias = Callable[[str, int, int], None]  # what is done, how much, of how much
Command: TypeAlias = Callable[[Unit], object]  # raises Wrong where the unit is not whole

HANDS = 16  # who ask at the same time, so that their facts are written together
COLUMNS = {
    "register-went-back": "reading",
    "reading-ahead-of-next": "reading",
    "reading-out-of-range": "reading",
    "no-such-register": "register",
    "register-not-read": "register",
    "meter-not-installed": "meter",
    "already-read": "on",
    "point-not-metered": "point",
    "day-already-recorded": "kwh",
    "wrong-number-of-intervals": "start",
}
"""The column that a refusal is about."""


class Taking:
    """One file on its way into history."""

    def __init__(
        self, dispatch: Dispatch, context: RequestContext, report: Report, progress: Progress
    ) -> None:
        self.dispatch, self.context, self.report = dispatch, context, report
        self.progress, self.done, self.lock = progress, 0, Lock()

    def take(self, units: Iterable[Unit], command: Command, alone: int) -> None:
        """
        Ask for all units; `alone`: how much of their order names what is asked in order.

        Raises what the database raises; the units that were recorded until then are whole.
        """
        runs: defaultdict[Hashable, list[Unit]] = defaultdict(list)
        total = 0
        for unit in units:
            runs[unit.order[:alone]].append(unit)
            total += 1
        hands = ThreadPoolExecutor(HANDS)
        try:
            jobs = [hands.submit(self._run, run, command, total) for run in runs.values()]
            for job in jobs:
                job.result()
        finally:
            hands.shutdown(cancel_futures=True)
        self.report.rejects.sort(key=lambda reject: reject.line)

    def _run(self, run: list[Unit], command: Command, total: int) -> None:
        for unit in sorted(run, key=lambda unit: unit.order):
            positions = self._ask(unit, command)
            with self.lock:
                self.done += 1
                if positions is None:
                    self.report.rejected += 1
                else:
                    self.report.recorded(positions)
                self.progress(self.report.file, self.done, total)

    def _ask(self, unit: Unit, command: Command) -> tuple[int, ...] | None:
        if unit.broken:
            return None
        first = unit.lines[0][0]
        try:
            return self.dispatch(command(unit), self.context).positions
        except Wrong as wrong:
            self.report.reject(first, wrong.column, wrong.rule, str(wrong))
        except ValidationError as wrong:
            for error in wrong.errors():
                column = str(error["loc"][0]) if error["loc"] else ""
                self.report.reject(first, column, error["type"], error["msg"])
        except Refused as no:
            details = ", ".join(f"{name}: {value}" for name, value in no.details.items())
            told = f"{no} ({details})" if details else str(no)
            self.report.reject(_line(unit, no), COLUMNS.get(no.code, ""), no.code, told)
        return None


def _line(unit: Unit, no: Refused) -> int:
    """The line of the register that a refusal names, else the first."""
    named = no.details.get("register")
    return next(
        (line for line, row in unit.lines if named and row.get("register") == named),
        unit.lines[0][0],
    )
