"""
The shape of what is stored, told from the types alone: no library's idea of a schema is in it.

A shape is JSON: a class by its fields, a closed set by its members, a union by its kinds.  A
shape may get more members, more kinds and more fields that may be missing, for what was stored
can still be read; whatever else changes needs a new version of the event and an upcast.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from domain.kit import EVENTS

Shape = Any  # a string, or an object of shapes
ONE_OF, ANY_OF = "one of", "any of"
LIMITS = ("pattern", "ge", "gt", "le", "lt", "min_length", "max_length", "multiple_of")


def shape_of(name: str) -> Shape:
    """The shape of an event as it is written today."""
    return _shape(EVENTS[name])


def compatible(was: Shape, now: Shape) -> bool:
    """Whether what was stored in one shape is read in the other without an upcast."""
    if not (isinstance(was, dict) and isinstance(now, dict)):
        return bool(was == now)
    if ONE_OF in was:
        return set(was[ONE_OF]) <= set(now.get(ONE_OF, ()))
    if ANY_OF in was:
        kinds = {_bare(kind): shape for kind, shape in now.get(ANY_OF, {}).items()}
        return all(
            _bare(kind) in kinds and compatible(shape, kinds[_bare(kind)])
            for kind, shape in was[ANY_OF].items()
        )
    more = now.keys() - was.keys()
    return (
        was.keys() <= now.keys()
        and all(field.endswith("?") for field in more)
        and all(compatible(was[key], now[key]) for key in was)
    )


def _shape(hint: Any) -> Shape:
    if hasattr(hint, "__supertype__"):
        return _shape(hint.__supertype__)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _limited(_shape(arguments[0]), arguments[1:])
    if origin is Literal:
        return {ONE_OF: sorted(map(str, arguments))}
    if origin in (Union, UnionType):
        return {ANY_OF: {_kind(each): _shape(each) for each in arguments}}
    if origin is tuple:
        many = arguments[1:] == (...,)
        return {"list": _shape(arguments[0])} if many else {"row": [*map(_shape, arguments)]}
    if origin in (dict, Mapping):
        return {"map": {"key": _shape(arguments[0]), "value": _shape(arguments[1])}}
    if origin in (frozenset, set, list):
        return {"list": _shape(arguments[0])}
    if is_dataclass(hint):
        hints = get_type_hints(hint, include_extras=True)
        return {_named(field): _shape(hints[field.name]) for field in fields(hint)}
    return "none" if hint is NoneType else str(hint.__name__)


def _named(field: Field[Any]) -> str:
    """A field that may be missing has a question mark."""
    given = field.default is MISSING and field.default_factory is MISSING
    return field.name if given else f"{field.name}?"


def _kind(member: Any) -> str:
    """How a member of a union is known: by its tag, else by its type."""
    if is_dataclass(member):
        tag = get_type_hints(member, include_extras=True).get("kind")
        return str(get_args(tag)[0] if get_origin(tag) is Literal else member)
    told = _shape(member)
    while isinstance(told, dict) and "of" in told:
        told = told["of"]
    return told if isinstance(told, str) else ", ".join(sorted(told))


def _bare(kind: str) -> str:
    """A class without the module it stands in: it may move."""
    return kind.removesuffix("'>").rpartition(".")[2] if kind.startswith("<class") else kind


def _limited(bare: Shape, marks: tuple[Any, ...]) -> Shape:
    """The shape of what is annotated: limits count, words do not."""
    found = {
        limit: str(getattr(mark, limit))
        for outer in marks
        for mark in (outer, *getattr(outer, "metadata", ()))
        for limit in LIMITS
        if getattr(mark, limit, None) is not None
    }
    return {"of": bare, **dict(sorted(found.items()))} if found else bare
