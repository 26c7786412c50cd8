"""Commands, and what the fields of a command say of the things they name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, dataclass_transform, get_args

from annotated_types import MaxLen
from pydantic import AfterValidator

from domain.kit.values import named

T = TypeVar("T")

COMMANDS: dict[str, type] = {}

MANY_MOST = 500
"""So many things of one kind a decision may see at once; what is more comes in slices."""


@dataclass_transform(frozen_default=True, kw_only_default=True)
def command(name: str) -> Callable[[type[T]], type[T]]:
    """Declare something that can be asked, under its public name (`verb-noun`)."""
    return lambda cls: named(cls, name, COMMANDS)


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
