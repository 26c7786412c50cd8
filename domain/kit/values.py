"""Values, and the names that events and commands keep."""

from __future__ import annotations

from typing import Any, TypeVar, cast, dataclass_transform

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass as validated

T = TypeVar("T")

NAMES: dict[type, str] = {}
"""Class of an event or a command -> the name it keeps."""


@dataclass_transform(frozen_default=True, kw_only_default=True)
def value(cls: type[T]) -> type[T]:
    """Declare a value: frozen, validated, refusing what it does not know."""
    made = validated(frozen=True, slots=True, kw_only=True, config=ConfigDict(extra="forbid"))(
        cls
    )
    return cast("type[T]", made)


def added(default: object, sentence: str, *examples: object, **limits: Any) -> Any:
    """
    Marks a field that a value got after it was first stored: its default, and what it means.

    `limits` are those of pydantic's Field.

    It is written only where it says something else than its default, so that whatever does
    not use it keeps the bytes it had, and is read by older programs too.
    """
    return Field(
        description=sentence,
        examples=list(examples) or None,
        exclude_if=lambda given: bool(given == default),
        **limits,
    )


def named(cls: type[T], name: str, catalogue: dict[str, type]) -> type[T]:
    """A value with a name of its own in a catalogue.  Raises TypeError if it is taken."""
    made = value(cls)
    if name in catalogue:
        raise TypeError(f"{name!r} is already the name of {catalogue[name].__qualname__}")
    catalogue[name] = made
    NAMES[made] = name
    return made


def kind_of(event: type) -> str:
    """The kind of thing that an event happens to: `meter` of `meter.installed`."""
    return NAMES[event].partition(".")[0]
