"""Forms made from commands: a field of a form for each field of the command."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, Literal, TypeAlias

import orjson
from pydantic import TypeAdapter

from api.problems import Problem
from domain.catalogue import COMMANDS
from domain.kit import ASKED

Kind: TypeAlias = Literal[
    "text", "date", "whole", "money", "decimal", "choice", "check", "readings", "values", "json"
]
WHOLE = re.compile(r"[+-]?[0-9]{1,20}")
NOTES: Mapping[Kind, str] = {
    "readings": "One register a line: its code and what it shows, 1.8.0 12345.",
    "values": "One value an interval, with spaces between; - where none arrived.",
    "json": "As JSON.",
    "money": "In the currency of the books, as on paper: 42.50.",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form: how it is entered, what was entered, and what is wrong with it."""

    name: str
    kind: Kind
    required: bool
    example: str
    choices: tuple[str, ...] = ()
    pattern: str | None = None
    usual: str = ""
    given: str = ""
    wrong: str = ""

    @property
    def label(self) -> str:
        """Its name for people."""
        return self.name.replace("_", " ").capitalize()

    @property
    def note(self) -> str:
        """How it is entered, where that is not plain."""
        return NOTES.get(self.kind, "")


@dataclass(frozen=True, slots=True)
class Form:
    """The form of a command."""

    command: str
    told: str
    context: str
    fields: tuple[Field, ...]

    @property
    def title(self) -> str:
        """Its name for people."""
        return title_of(self.command)

    def filled(self, given: Mapping[str, str]) -> Form:
        """With what was entered, or chosen for whoever opens it."""
        return replace(
            self,
            fields=tuple(
                replace(one, given=given.get(one.name, one.usual)) for one in self.fields
            ),
        )

    def judged(self, problem: Problem) -> tuple[Form, str]:
        """With what is wrong beside the fields it is about, and what is about none of them."""
        wrong: dict[str, str] = {}
        names = {one.name for one in self.fields}
        rest: list[str] = []
        errors: Sequence[Mapping[str, Any]] = problem.more.get("errors", ())
        for each in errors:
            name = re.split(r"[.\[]", str(each["field"]), maxsplit=1)[0]
            if name in names:
                wrong.setdefault(name, str(each["message"]))
            else:
                rest.append(f"{each['field']}: {each['message']}")
        for name in names & set(problem.more):
            wrong.setdefault(name, problem.title)
        told = "; ".join(rest) if errors else problem.detail or problem.title
        fields = tuple(replace(one, wrong=wrong.get(one.name, "")) for one in self.fields)
        return replace(self, fields=fields), told


def title_of(command: str) -> str:
    """A command as people read it: Receive payment."""
    return command.replace("-", " ").capitalize()


@cache
def form_of(command: str) -> Form:
    """The form of a command.  Raises KeyError where there is no such command."""
    kind = COMMANDS[command]
    schema = TypeAdapter(kind).json_schema()
    example = ASKED[kind].example
    required = set(schema.get("required", ()))
    fields = tuple(
        _field(name, one, name in required, example.get(name), schema.get("$defs", {}))
        for name, one in schema.get("properties", {}).items()
    )
    told = " ".join((kind.__doc__ or "").split())
    context = kind.__module__.removeprefix("domain.").partition(".")[0]
    return Form(command, told, context, fields)


def _field(
    name: str, schema: Mapping[str, Any], required: bool, example: Any, defs: Mapping[str, Any]
) -> Field:
    one = _plain(schema, defs)
    kind = _kind(one)
    usual = one.get("default")
    return Field(
        name,
        kind,
        required,
        spelled(kind, example),
        tuple(map(str, one.get("enum", ()))),
        one.get("pattern") if kind == "text" else None,
        spelled(kind, usual) if usual not in (None, [], {}) else "",
    )


def _plain(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> dict[str, Any]:
    """A schema without references, and without `or null`: a field left empty is null."""
    if "$ref" in schema:
        named = defs[schema["$ref"].rpartition("/")[2]]
        return _plain({**named, **{k: v for k, v in schema.items() if k != "$ref"}}, defs)
    rest = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    if len(rest) == 1:
        return _plain({**schema, "anyOf": (), **rest[0]}, defs)
    return dict(schema)


def _kind(one: Mapping[str, Any]) -> Kind:
    match one:
        case {"enum": _}:
            return "choice"
        case {"x-unit": "minor"}:
            return "money"
        case {"type": "string", "format": "date"}:
            return "date"
        case {"type": "string"}:
            return "text"
        case {"type": "integer"}:
            return "whole"
        case {"type": "boolean"}:
            return "check"
        case {"type": "object", "patternProperties": _}:
            return "readings"
        case {"type": "array", "items": {"anyOf": [{"type": "integer"}, *_]}}:
            return "values"
        case {"anyOf": [_, *_]} if {each.get("type") for each in one["anyOf"]} <= {
            "number",
            "string",
        }:
            return "decimal"
        case _:
            return "json"


def spelled(kind: Kind, value: Any) -> str:
    """A value as it is entered."""
    match kind, value:
        case _, None:
            return ""
        case "readings", dict():
            return "\n".join(f"{code} {reading}" for code, reading in value.items())
        case "values", list() | tuple():
            return " ".join("-" if each is None else str(each) for each in value)
        case "check", bool():
            return "on" if value else ""
        case "json", _:
            return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
        case _:
            return str(value)


def body_of(form: Form, digits: int) -> dict[str, Any]:
    """
    The body of the command, as it was entered.

    `digits` are those of the minor unit.  What cannot be read is left as it was entered: the
    command says what is wrong with it, as to everybody.
    """
    body: dict[str, Any] = {}
    for one in form.fields:
        if one.kind == "check":
            if one.given:
                body[one.name] = True
        elif (text := one.given.strip()) != "":
            body[one.name] = _read(one, text, digits)
    return body


def _read(one: Field, text: str, digits: int) -> Any:
    try:
        match one.kind:
            case "whole":
                return int(text) if WHOLE.fullmatch(text) else text
            case "choice":
                return int(text) if WHOLE.fullmatch(text) else text
            case "money":
                minor = Decimal(text).scaleb(digits)
                return int(minor) if minor == minor.to_integral_value() else text
            case "readings":
                pairs = [line.split(maxsplit=1) for line in text.splitlines() if line.strip()]
                return {code: reading.strip() for code, reading in pairs}
            case "values":
                return [None if each == "-" else int(each) for each in text.split()]
            case "json":
                return orjson.loads(text)
            case _:
                return text
    except (ValueError, InvalidOperation, ArithmeticError):
        return text
