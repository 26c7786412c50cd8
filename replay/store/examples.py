"""An example of what is stored of each event, made from its schema."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import StringConstraints, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from domain.kit import EVENTS

Schema = dict[str, Any]

# What a schema cannot say about a value: by the name of the field.
BY_FIELD = {"until": "2026-04-01", "zone": "Europe/London", "currency": "GBP", "minutes": 30}
BY_FORMAT = {"date": "2026-03-01", "date-time": "2026-03-01T09:30:00Z", "time": "09:30:00"}
BY_PATTERN = (
    "000120",
    "CN00417",
    "GBP",
    "2026-03",
    "1.8.0",
    "A",
    "09:30",
    "12.5",
    "01-31",
    "bill",
    "bill.issued",
)


def schema_of(name: str) -> Schema:
    """The JSON schema of an event."""
    return TypeAdapter[Any](EVENTS[name]).json_schema()


def example_of(name: str) -> Any:
    """
    Data of an event, with as many of its fields filled as go together.

    Raises ValidationError when none can be found; such an example is written by hand.
    """
    schema = schema_of(name)
    validate = TypeAdapter[Any](EVENTS[name]).validator.validate_python
    data = _example(schema, schema.get("$defs", {}), name)
    while True:
        try:
            validate(data)
        except ValidationError as wrong:
            if not _without_one_field(data, wrong.errors()[0], validate):
                raise
        else:
            return data


def _without_one_field(data: Any, wrong: ErrorDetails, validate: Callable[[Any], Any]) -> bool:
    """Fields that exclude each other: drop one, if that is what one value complains about."""
    part = data
    for step in wrong["loc"]:
        # The location also names the branch of a union that was taken; that is not in the data.
        if isinstance(step, int) or (isinstance(part, dict) and step in part):
            part = part[step]
    for field in reversed(list(part)) if isinstance(part, dict) else ():
        dropped = part.pop(field)
        try:
            validate(data)
        except ValidationError as still:
            found = [each["loc"] for each in still.errors()]
            if wrong["loc"] in found or (*wrong["loc"], field) in found:
                part[field] = dropped
                continue
        return True
    return False


def _example(schema: Schema, defs: dict[str, Schema], field: str) -> Any:
    if "$ref" in schema:
        return _example(defs[schema["$ref"].rpartition("/")[2]], defs, field)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if variants := schema.get("oneOf") or schema.get("anyOf"):
        return _example(_richest(variants), defs, field)
    match schema.get("type"):
        case "object":
            return _object(schema, defs)
        case "array":
            return _array(schema, defs, field)
        case "string":
            return _string(schema, field)
        case "integer":
            return BY_FIELD.get(field, max(1, schema.get("minimum", 1)))
        case "boolean":
            return True
    return "0.125"  # a number is a decimal, and a decimal is written as a string


def _richest(variants: list[Schema]) -> Schema:
    """The variant that says most: something before nothing; of a decimal, the number."""
    kinds = ("null", "integer", "string", "number")
    return max(
        variants, key=lambda v: kinds.index(v["type"]) if v.get("type") in kinds else len(kinds)
    )


def _object(schema: Schema, defs: dict[str, Schema]) -> Any:
    if "properties" in schema:
        return {name: _example(each, defs, name) for name, each in schema["properties"].items()}
    values = schema.get("additionalProperties")
    return {"1.8.0": _example(values, defs, "")} if isinstance(values, dict) else {}


def _array(schema: Schema, defs: dict[str, Schema], field: str) -> list[Any]:
    if "prefixItems" in schema:
        return [_example(each, defs, field) for each in schema["prefixItems"]]
    item = schema["items"]
    # One of each kind: the branches of a union are shapes that may be stored too.
    variants = item.get("oneOf") or [
        v for v in item.get("anyOf", []) if v.get("type") != "null"
    ]
    return [_example(each, defs, field) for each in variants or [item]]


def _string(schema: Schema, field: str) -> str:
    if "pattern" in schema:
        wanted = Annotated[str, StringConstraints(pattern=schema["pattern"])]
        accepts = TypeAdapter[str](wanted).validator.isinstance_python
        return next(each for each in BY_PATTERN if accepts(each))
    if field in BY_FIELD:
        return str(BY_FIELD[field])
    words = f"an example of {field}"[: schema.get("maxLength")]
    return BY_FORMAT.get(schema.get("format", ""), words)
