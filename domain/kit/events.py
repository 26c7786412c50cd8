"""Events, and the facts they become."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NewType, TypeVar, dataclass_transform, get_type_hints

from domain.kit.values import NAMES, named

T = TypeVar("T")

Stream = NewType("Stream", str)  # "meter-CN00417": the kind of the thing and its natural key

EVENTS: dict[str, type] = {}

DAYS: dict[type, str] = {}
"""Class of an event -> the field with its business day, if it has one."""


@dataclass_transform(frozen_default=True, kw_only_default=True)
def event(name: str, *, day: str | None = None) -> Callable[[type[T]], type[T]]:
    """
    Declare something that happens, under the name (`kind.participle`) it keeps for ever.

    `day` is the field with its business day: when it was, or from when (until when) it holds.
    """

    def declare(cls: type[T]) -> type[T]:
        made = named(cls, name, EVENTS)
        if day is not None:
            if get_type_hints(made).get(day) is not date:
                raise TypeError(f"{name} has no day {day!r}")
            DAYS[made] = day
        return made

    return declare


def day_of(event: object) -> date | None:
    """The business day of an event; None when it is about no day."""
    field = DAYS.get(type(event))
    return None if field is None else getattr(event, field)


@dataclass(frozen=True, slots=True)
class Fact:
    """An event in its envelope: where it stands in history, when recorded, by whom and why."""

    stream: Stream
    version: int  # 1, 2, 3 … within the stream
    event: Any
    at: datetime  # UTC, when recorded; never earlier than the fact before
    by: str  # the person or machine that asked
    duty: str  # in which they asked
    cause: str  # the id of the command
    correlation: str  # what the command itself belongs to: a run, a case, a file
    position: int = 0  # 1, 2, 3 … in all of history, without a gap
    written: tuple[str, int] | None = field(default=None, compare=False)  # name, version stored
    org_unit: str = ""  # for which unit of the organisation
    terminal: str = ""  # where they worked
    on_behalf_of: str = ""  # for whom, if not for themselves
    command: str = ""  # the public name of what was asked; unknown of old facts
    reason: str = ""  # in their words

    @property
    def name(self) -> str:
        """The name of the event as it is read today: `meter.installed`."""
        return NAMES[type(self.event)]

    @property
    def key(self) -> str:
        """The natural key of the thing: the stream without its kind."""
        return self.stream.partition("-")[2]

    @property
    def ref(self) -> str:
        """How other facts name this one: `meter-CN00417@3`."""
        return f"{self.stream}@{self.version}"
