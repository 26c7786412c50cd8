"""
The release after this one, for tests: this program with some of its tables changed.

Imported before the program.  NEXT_RELEASE is a JSON object: `bump` names tables of a higher
version, `column` those that also get a column, `drop` and `add` tables that are gone or new;
`hold` is a file in whose presence their folds wait; `die` kills the process in mid-swap.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass, field, fields, make_dataclass, replace
from pathlib import Path
from typing import Any

from domain.customers.customer import CustomerRegistered
from domain.kit import Fact
from projections import catalogue
from projections.kit.table import Projection, Table
from replay.tables import rebuild

ASKED: dict[str, Any] = json.loads(os.environ["NEXT_RELEASE"])
HOLD = Path(ASKED.get("hold", "/nowhere"))


@dataclass(frozen=True, slots=True)
class Registration:
    """A customer, and the position that registered them."""

    customer: str
    position: int


class Widened(MutableMapping[Any, Any]):
    """A table of wider rows, as a fold sees it that knows the narrow ones."""

    def __init__(self, table: Table[Any, Any], wide: type[Any]) -> None:
        self.table, self.wide = table, wide

    def __getitem__(self, key: Any) -> Any:
        return self.table[key]

    def __setitem__(self, key: Any, row: Any) -> None:
        self.table[key] = self.wide(**{f.name: getattr(row, f.name) for f in fields(row)})

    def __delitem__(self, key: Any) -> None:
        del self.table[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.table)

    def __len__(self) -> int:
        return len(self.table)


def held(project: Callable[[Any, Fact], None]) -> Callable[[Any, Fact], None]:
    def fold(table: Any, fact: Fact) -> None:
        while HOLD.exists():
            time.sleep(0.01)
        project(table, fact)

    return fold


def newer(one: Projection[Any]) -> Projection[Any]:
    if one.name in ASKED.get("column", ()):
        added = [("seen_by_next", int, field(default=7))]
        wide = make_dataclass("Wide", added, bases=(one.row,), frozen=True)
        project = one.project
        return replace(
            one,
            version=one.version + 1,
            row=wide,
            project=held(lambda table, fact: project(Widened(table, wide), fact)),
        )
    if one.name in ASKED.get("bump", ()):
        return replace(one, version=one.version + 1, project=held(one.project))
    return one


def register(table: Table[str, Registration], fact: Fact) -> None:
    table[fact.key] = Registration(fact.key, fact.position)


def killed(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


registrations = Projection(
    name="registrations",
    version=1,
    row=Registration,
    key=("customer",),
    events=(CustomerRegistered,),
    keys=lambda fact: (fact.key,),
    project=register,
)
dropped = tuple(ASKED.get("drop", ()))
catalogue.PROJECTIONS = (
    *(newer(one) for one in catalogue.PROJECTIONS if one.name not in dropped),
    *((registrations,) if ASKED.get("add") else ()),
)
catalogue.RETIRED = dropped
if ASKED.get("die"):
    rebuild._Rebuild._take_over = killed  # type: ignore[assignment,method-assign]
