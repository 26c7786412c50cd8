"""The OpenAPI description: bodies, examples and problems of each command, from the code."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from domain.catalogue import COMMANDS, DECISIONS
from domain.kit import ASKED, code_of
from domain.organisation.duties import ADMIN, FIRST, Looks

REF = "#/components/schemas/{model}"
PROBLEM = "application/problem+json"
Schema = dict[str, Any]

DESCRIPTION = """
Wattledger keeps the books of an electric utility as a history of facts.  Commands ask for
facts; what came of them is read at `/graphql`, and every fact there is at `/feed`.

Every request carries `Authorization: Bearer <token>`; `wattledger token` mints one.  Whatever
is refused is answered with a problem (RFC 9457) whose `type` names the rule.
""".strip()

PROBLEMS = {
    401: "Nobody is named: the token is missing, not one of ours, or has expired.",
    403: "The duty of who asks does not include this command.",
    409: "The rules of the utility say no.",
    412: "The thing has moved, or is not at the version that `If-Match` expects.",
    413: "The body is larger than 1 MB.",
    415: "The body is not `application/json`.",
    422: "The body or a header is malformed, or the key was used for another request.",
    429: "Too many commands are waiting; try again in a moment.",
    503: "The database does not answer, or the tables lag behind; try again in a moment.",
}

PROBLEM_SCHEMA: Schema = {
    "type": "object",
    "description": "RFC 9457; what a problem has beside the standard members is its own.",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "format": "uri-reference"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "rule", "message"],
                "properties": {
                    "field": {"type": "string"},
                    "pointer": {"type": "string"},
                    "rule": {"type": "string"},
                    "message": {"type": "string"},
                    "input": {"type": "string"},
                },
            },
        },
    },
}

ANSWER_SCHEMA: Schema = {
    "type": "object",
    "required": ["positions", "streams", "cause"],
    "properties": {
        "positions": {
            "type": "array",
            "items": {"type": "integer"},
            "description": "Where its facts stand; none when there was nothing to do.",
        },
        "streams": {
            "type": "object",
            "additionalProperties": {"type": "integer"},
            "description": "The version of each thing concerned, as `If-Match` wants it.",
        },
        "cause": {"type": "string", "description": "The id of the command."},
    },
}


ENCODED = "At most 200 characters; what is not ASCII is percent-encoded UTF-8."
SAID = {
    "X-Reason": "Why, in your words, kept with each fact for ever: nothing personal.",
    "X-Terminal": "Where you work: a counter, a till, a device.",
    "X-On-Behalf-Of": "For whom you ask, if not for yourself.",
}
"""Headers that say more of who asks: name -> what it is for."""


def _headers() -> list[Schema]:
    key: Schema = {"type": "string", "minLength": 1, "maxLength": 255}
    correlation: Schema = {"type": "string", "minLength": 1, "maxLength": 128}
    text: Schema = {"type": "string", "minLength": 1}
    return [
        _parameter(
            "header",
            "Idempotency-Key",
            "A name for this request: it happens once, however often it comes.",
            key,
        ),
        _parameter(
            "header",
            "If-Match",
            'Versions things must be at: `"account-000120@4"`; several by commas.',
        ),
        _parameter(
            "header",
            "X-Correlation-Id",
            "What larger matter it belongs to: a run, a case, a file.",
            correlation,
        ),
        *(_parameter("header", name, f"{said} {ENCODED}", text) for name, said in SAID.items()),
    ]


def operation(name: str, command: type) -> Schema:
    """What OpenAPI is told of a command beside its name."""
    refused = sorted(DECISIONS[command].refuses, key=code_of)
    told = "".join(
        f"\n* `{code_of(kind)}`: {' '.join((kind.__doc__ or '').split())}" for kind in refused
    )
    answer = {"application/json": {"schema": {"$ref": REF.format(model="Answer")}}}
    responses: Schema = {
        "201": {"description": "It happened, durably.", "content": answer},
        "200": {"description": "There was nothing to do.", "content": answer},
    }
    for status in PROBLEMS:
        responses[str(status)] = _problem(status)
    responses["409"]["description"] += told
    return {
        "parameters": _headers(),
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": REF.format(model=command.__name__)},
                    "example": ASKED[command].example,
                }
            },
        },
        "responses": responses,
        "security": [{"bearer": []}],
        "x-roles": sorted({ADMIN, *ASKED[COMMANDS[name]].duties}),
    }


def _problem(status: int) -> Schema:
    content = {PROBLEM: {"schema": {"$ref": REF.format(model="Problem")}}}
    return {"description": PROBLEMS[status], "content": content}


def feed_operation(limit: int, limit_most: int, wait_most: int, looks: Looks) -> Schema:
    """What OpenAPI is told of a feed; docs/asyncapi.json tells of what is in it."""
    position: Schema = {"type": "integer", "minimum": 0}
    counted = {"type": "integer", "minimum": 1, "maximum": limit_most, "default": limit}
    return {
        "parameters": [
            _parameter("query", "after", "The last position you have.", position),
            _parameter("query", "limit", "How many positions at most.", counted),
            _parameter(
                "header",
                "Prefer",
                f"`wait=N`: if nothing is new, wait so many seconds, at most {wait_most}.",
            ),
            _parameter("header", "Last-Event-ID", "Where a stream goes on; like `after`."),
            _parameter("header", "If-None-Match", "The ETag of the page you have."),
        ],
        "responses": {
            "200": {
                "description": "A page, or a stream without end. `Link: rel=next` leads on;"
                " when it leads to itself, you have everything. A full page never changes.",
                "content": {
                    "application/cloudevents-batch+json": {
                        "schema": {"type": "array", "items": {"type": "object"}}
                    },
                    "text/event-stream": {"schema": {"type": "string"}},
                },
            },
            "304": {"description": "The page is as you have it."},
            **{str(status): _problem(status) for status in (401, 403, 422, 429, 503)},
        },
        "security": [{"bearer": []}],
        "x-roles": sorted(duty.name for duty in FIRST if looks in duty.looks),
    }


def status_operation(path: str) -> Schema:
    """What OpenAPI is told of /healthz, /readyz and /metrics."""
    kind = "text/plain" if path == "/metrics" else "application/json"
    responses: Schema = {"200": {"description": "It can.", "content": {kind: {}}}}
    if path == "/readyz":
        responses["503"] = _problem(503)
    return {"responses": responses}


def _parameter(place: str, name: str, text: str, schema: Schema | None = None) -> Schema:
    return {
        "name": name,
        "in": place,
        "required": False,
        "description": text,
        "schema": schema or {"type": "string"},
    }


def describe(app: FastAPI) -> None:
    """Let an application describe itself, with what FastAPI cannot see by itself."""

    def openapi() -> Schema:
        if not app.openapi_schema:
            made = get_openapi(
                title=app.title,
                version=app.version,
                description=DESCRIPTION,
                routes=app.routes,
                license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
                tags=None,
            )
            components = made.setdefault("components", {})
            components.setdefault("schemas", {}).update(_schemas())
            components["securitySchemes"] = {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            }
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _schemas() -> Schema:
    mode: JsonSchemaMode = "validation"
    adapters = [(name, mode, TypeAdapter[Any](command)) for name, command in COMMANDS.items()]
    _, told = TypeAdapter.json_schemas(adapters, ref_template=REF)
    schemas: Schema = told["$defs"]
    return schemas | {"Problem": PROBLEM_SCHEMA, "Answer": ANSWER_SCHEMA}
