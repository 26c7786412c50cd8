"""Commands, and what the fields of a command say of the things they name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, dataclass_transform, get_args

from annotated_types import MaxLen
from pydantic import AfterValidator

from domain.kit.values import named

T = TypeVar("T")

COMMANDS: dict[str, type] = {}
ASKED: dict[type, Asked] = {}
"""Class of a command -> what is declared of asking it."""

MANY_MOST = 500
"""So many things of one kind a decision may see at once; what is more comes in slices."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who may ask a command beside the administrator, and a body that can be sent."""

    duties: frozenset[str]
    example: Mapping[str, Any] = field(default_factory=dict)


@dataclass_transform(frozen_default=True, kw_only_default=True)
def command(
    name: str,
    *,
    duty: str | tuple[str, ...] = (),
    example: Mapping[str, Any] | None = None,
    door: bool = True,
) -> Callable[[type[T]], type[T]]:
    """
    Declare something that can be asked, under its public name (`verb-noun`).

    `duty` is the one (or those) that may ask it; without any only the administrator may.
    `example` is a body of it in JSON, as the documentation shows it.  Without a `door` it is
    asked by the clock and by policies alone.
    """

    def declare(cls: type[T]) -> type[T]:
        made = named(cls, name, COMMANDS if door else {})
        duties = frozenset((duty,) if isinstance(duty, str) else duty)
        ASKED[made] = Asked(duties, example or {})
        return made

    return declare


def _each_once(keys: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(keys)) < len(keys):
        raise ValueError("each is named once")
    return keys


EachOnce = AfterValidator(_each_once)
"""Marks the field of a command that names what a `Many` sees."""


def is_bounded(hint: Any) -> bool:
    """Whether a field says that it has at most MANY_MOST keys, and each of them once."""
    marks = [m for each in get_args(hint)[1:] for m in (each, *getattr(each, "metadata", ()))]
    longest = [mark.max_length for mark in marks if isinstance(mark, MaxLen)]
    return EachOnce in marks and min(longest, default=MANY_MOST + 1) <= MANY_MOST
