"""
What goes wrong, as the world outside reads it: RFC 9457 problems.  The only translator.

A problem is named by what is the matter (`/problems/register-went-back`), and the same matter
has the same name through every door.  What nobody foresaw is logged once, under an id.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import orjson
import psycopg
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from pydantic_core import to_jsonable_python
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.auth import BadSecret, NotAuthenticated
from api.authority import NotAllowed
from api.dispatch import Unexpected
from api.system import Lagging
from domain.catalogue import COMMANDS
from domain.kit import Refused
from projections.kit.versions import TableGrowing
from replay.store.append import (
    HistoryBroken,
    KeyReused,
    Overloaded,
    Stale,
    Unavailable,
    Unreadable,
)

log = logging.getLogger("wattledger.problems")

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = "1"  # second: by then the queue is written, or the database is back or is not
GROWN_AFTER = "5"  # seconds: tables that are rebuilt take some
INPUT_MOST = 100  # characters shown of an offending input
ERRORS_MOST = 50  # errors shown of one body
STANDARD = ("type", "title", "status", "detail", "instance")


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem; `more` are members of its own, beside the standard ones."""

    status: int
    code: str
    title: str
    detail: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self, instance: str) -> Response:
        """It, as an answer to who asked for `instance`."""
        standard = {
            "type": f"/problems/{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail or self.title,
            "instance": instance,
        }
        more = {name: value for name, value in self.more.items() if name not in STANDARD}
        body = orjson.dumps(standard | to_jsonable_python(more, fallback=str))
        return Response(body, self.status, dict(self.headers), MEDIA_TYPE)


class Malformed(Exception):
    """The request is not of the shape that is asked for; `errors` say where and why."""

    def __init__(self, errors: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(f"{len(errors)} errors")
        self.errors = errors


def malformed(place: str, rule: str, message: str, given: object = None) -> Malformed:
    """One error outside a body, in a header or a parameter."""
    return Malformed([{"field": place, "rule": rule, "message": message, **_input(given)}])


def errors_of(wrong: ValidationError) -> list[dict[str, Any]]:
    """What pydantic found, as field, rule, message and the input, cut short."""
    found = wrong.errors(include_url=False, include_context=False)
    return [
        {
            "field": _path(each["loc"]),
            "pointer": _pointer(each["loc"]),
            "rule": RULES.get(each["type"], each["type"]).replace("_", "-"),
            "message": MESSAGES.get(each["type"]) or each["msg"].removeprefix("Value error, "),
            **({} if each["type"] in NO_INPUT else _input(each["input"])),
        }
        for each in found[:ERRORS_MOST]
    ]


RULES = {"unexpected_keyword_argument": "unknown-field", "value_error": "not-allowed"}
MESSAGES = {"unexpected_keyword_argument": "There is no such field"}
NO_INPUT = ("missing", "json_invalid")


def _path(place: Sequence[str | int]) -> str:
    """("registers", 0, "code") -> registers[0].code; the body itself is "body"."""
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".") or "body"


def _pointer(place: Sequence[str | int]) -> str:
    """The same as a JSON pointer in a URI fragment (RFC 6901)."""
    steps = (str(step).replace("~", "~0").replace("/", "~1") for step in place)
    return "#" + "".join(f"/{step}" for step in steps)


def _input(given: object) -> dict[str, str]:
    if given is None:
        return {}
    text = given if isinstance(given, str) else repr(given)
    cut = text[:INPUT_MOST].encode("utf-8", "replace").decode()
    return {"input": cut + ("…" if len(text) > INPUT_MOST else "")}


def _refused(no: Refused) -> Problem:
    details = to_jsonable_python(no.details, fallback=str)
    told = ", ".join(f"{name} {_said(value)}" for name, value in details.items())
    return Problem(
        409, no.code, str(no), f"{str(no).rstrip('.')}: {told}." if told else "", details
    )


def _said(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _not_authenticated(wrong: NotAuthenticated) -> Problem:
    return Problem(
        401,
        "not-authenticated",
        sentence(NotAuthenticated),
        str(wrong),
        headers={"WWW-Authenticate": 'Bearer realm="wattledger"'},
    )


def _not_allowed(wrong: NotAllowed) -> Problem:
    more = {"role": wrong.person.role, "allowed": sorted(wrong.allowed)}
    return Problem(403, wrong.rule, sentence(type(wrong)), str(wrong), more)


def _malformed(wrong: Malformed) -> Problem:
    first = wrong.errors[0]
    detail = f"{first['field']}: {first['message']}"
    if len(wrong.errors) > 1:
        detail += f" (and {len(wrong.errors) - 1} more)"
    title = "The request is not of the shape that is asked for."
    return Problem(422, "malformed", title, detail, {"errors": list(wrong.errors)})


def _invalid(wrong: ValidationError | RequestValidationError) -> Problem:
    if isinstance(wrong, ValidationError):
        return _malformed(Malformed(errors_of(wrong)))
    return _malformed(
        Malformed([
            {
                "field": _path(each["loc"][1:] or each["loc"]),
                "rule": str(each["type"]).replace("_", "-"),
                "message": each["msg"],
                **_input(each.get("input")),
            }
            for each in wrong.errors()
        ])
    )  # fmt: skip


def _unavailable(wrong: Unavailable) -> Problem:
    more = {"unknown": True} if wrong.unknown else {}
    return _later(
        503, "unavailable", "The database does not answer.", UNKNOWN if more else NOTHING, more
    )


UNKNOWN = (
    "The connection was lost while the command was being recorded, so that it may have been."
    " Send it again under the same Idempotency-Key: it is then recorded once."
)
NOTHING = "Nothing was recorded. Try again in a moment."


def _later(
    status: int, code: str, title: str, detail: str, more: Mapping[str, Any] | None = None
) -> Problem:
    return Problem(status, code, title, detail, more or {}, {"Retry-After": RETRY_AFTER})


def _growing(wrong: TableGrowing) -> Problem:
    more: dict[str, Any] = {"table": wrong.table}
    if wrong.progress is not None:
        more |= {"position": wrong.progress.position, "goal": wrong.progress.goal}
    headers = {"Retry-After": GROWN_AFTER}
    return Problem(503, "growing", sentence(TableGrowing), f"{wrong} {NOTHING}", more, headers)


TRANSLATED: dict[type[Exception], Callable[[Any], Problem]] = {
    Refused: _refused,
    Unexpected: lambda _: Problem(412, "unexpected-version", sentence(Unexpected)),
    Stale: lambda _: Problem(412, "stale", sentence(Stale)),
    KeyReused: lambda _: Problem(422, "key-reused", sentence(KeyReused)),
    Malformed: _malformed,
    ValidationError: _invalid,
    RequestValidationError: _invalid,
    NotAuthenticated: _not_authenticated,
    NotAllowed: _not_allowed,
    Overloaded: lambda _: _later(429, "overloaded", sentence(Overloaded), NOTHING),
    Unavailable: _unavailable,
    HistoryBroken: lambda wrong: Problem(
        503,
        "history-broken",
        "Nothing is recorded: history is not what was signed.",
        str(wrong),
    ),
    Lagging: lambda _: _later(503, "lagging", sentence(Lagging), NOTHING),
    TableGrowing: _growing,
    Unreadable: lambda wrong: Problem(
        503, "unreadable", "A fact of this thing cannot be read by this release.", str(wrong)
    ),
    psycopg.OperationalError: lambda _: _later(
        503, "unavailable", "The database does not answer.", ""
    ),
    BadSecret: lambda wrong: Problem(503, "no-secret", sentence(BadSecret), str(wrong)),
}
"""What is known to go wrong, and how it is told; the first class that fits."""


def sentence(kind: type[Exception]) -> str:
    """The sentence in which a class says what is the matter."""
    return " ".join((kind.__doc__ or "").split())


def problem_of(wrong: Exception) -> Problem | None:
    """How something that went wrong is told; None when nobody foresaw it."""
    for kind in type(wrong).__mro__:
        if kind in TRANSLATED:
            return TRANSLATED[kind](wrong)
    return None


def unforeseen(wrong: Exception, instance: str) -> Problem:
    """What nobody foresaw: told without a word of it, and logged once under an id."""
    number = str(uuid4())
    log.error("%s %s: %r", number, instance, wrong, exc_info=wrong)
    title = "Something went wrong here that should not."
    detail = f"It is in the log under {number}; tell whoever runs this."
    return Problem(500, "unforeseen", title, detail, {"id": number})


def _http(wrong: HTTPException, path: str) -> Problem:
    """What the router refuses."""
    headers = dict(wrong.headers or {})
    status = wrong.status_code
    if status == 404 and path.startswith("/commands/"):
        return unknown_command(path.removeprefix("/commands/"))
    code = re.sub(r"[^a-z]+", "-", HTTPStatus(status).phrase.lower())
    detail = wrong.detail if isinstance(wrong.detail, str) else ""
    if status == 404:
        detail = f"There is nothing at {path[:INPUT_MOST]}."
    if status == 405 and "Allow" in headers:
        detail = f"Here one may {headers['Allow']}."
    return Problem(status, code, HTTPStatus(status).phrase, detail, headers=headers)


def unknown_command(name: str) -> Problem:
    """A command that there is not, and those that are written like it."""
    nearest = get_close_matches(name[:INPUT_MOST], COMMANDS, n=3, cutoff=0.5)
    detail = f"There is no command {name[:INPUT_MOST]!r}."
    if nearest:
        detail += f" Did you mean {' or '.join(nearest)}?"
    more = {"nearest": nearest, "commands": sorted(COMMANDS)}
    return Problem(404, "unknown-command", "There is no such command.", detail, more)


def refusals() -> Iterator[type[Refused]]:
    """Every refusal there is, by code."""

    def below(kind: type[Refused]) -> Iterator[type[Refused]]:
        for each in kind.__subclasses__():
            yield each
            yield from below(each)

    return iter(sorted(below(Refused), key=lambda kind: kind.__name__))


def log_denied(wrong: NotAuthenticated | NotAllowed, instance: str) -> None:
    """Log that somebody was not let in, or not let do something; never with their token."""
    who = repr(wrong.person.by) if isinstance(wrong, NotAllowed) else "nobody we know"
    log.warning("denied to %s at %r: %s", who, instance[:INPUT_MOST], wrong)


def told(wrong: Exception, instance: str) -> Response:
    """How something is answered that went wrong; raises it again when nobody foresaw it."""
    if isinstance(wrong, HTTPException):
        return _http(wrong, instance).response(instance)
    if isinstance(wrong, NotAuthenticated | NotAllowed):
        log_denied(wrong, instance)
    known = problem_of(wrong)
    if known is None:
        raise wrong
    return known.response(instance)


def translate(app: FastAPI) -> None:
    """Let an application tell all that goes wrong as problems."""

    async def answer(request: Request, wrong: Exception) -> Response:
        return told(wrong, request.url.path)

    for kind in (*TRANSLATED, HTTPException):
        app.add_exception_handler(kind, answer)
