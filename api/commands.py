"""POST /commands/<verb-noun>: one route a command, made from the commands themselves."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import unquote

import orjson
from anyio.to_thread import run_sync
from pydantic import TypeAdapter, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.auth import Person, Tokens
from api.authority import NotAllowed
from api.denials import Denials
from api.dispatch import Answer, Dispatch, RequestContext
from api.openapi import operation
from api.problems import Malformed, errors_of, malformed
from api.routes import Handler, PlainRoute
from domain.catalogue import COMMANDS, DECISIONS
from domain.kit import Stream

PREFIX = "/commands/"
KEY = re.compile(r"[\x21-\x7e]{1,255}")
CORRELATION = re.compile(r"[\x21-\x7e]{1,128}")
EXPECTED = re.compile(r'"([a-z][A-Za-z0-9._-]{1,127})@([0-9]{1,9})"')
TEXT = re.compile(r"[^\x00-\x1f\x7f]{1,200}")
BODY_WAIT = 1.0  # seconds for the body of a command that is denied
JSON = re.compile(r"application/(?:json|[\w.+-]+\+json)\s*(?:;.*)?", re.IGNORECASE)

Headers = dict[str, str]


def command_routes(
    dispatch: Dispatch, tokens: Tokens, denials: Denials
) -> Iterator[PlainRoute]:
    """A route for each command there is."""
    for name, command in COMMANDS.items():
        yield PlainRoute(
            PREFIX + name,
            _endpoint(name, command, dispatch, tokens, denials),
            methods=["POST"],
            name=name,
            operation_id=name,
            status_code=201,
            openapi_extra=operation(name, command),
            summary=name.replace("-", " ").capitalize(),
            description=" ".join((command.__doc__ or "").split()),
            tags=[command.__module__.removeprefix("domain.").partition(".")[0]],
            response_class=Response,
        )


def _endpoint(
    name: str, command: type, dispatch: Dispatch, tokens: Tokens, denials: Denials
) -> Handler:
    read, authority = reader(command), dispatch.authority

    async def endpoint(request: Request) -> Response:
        headers = _headers(request.scope["headers"])
        person = tokens.bearer(headers.get("authorization"))
        rights = authority.cached(person)
        if rights is None:
            rights = await run_sync(authority.now, person)
        try:
            rights.may(name)  # so that no body is read for who may not
        except NotAllowed as wrong:
            denials.note(wrong, await _subject(read, request))
            raise
        if not JSON.fullmatch(headers.get("content-type", "")):
            raise HTTPException(415, "Send the command as application/json.")
        context = _context(person, headers)
        asked = read(await request.body())
        try:
            answer = await dispatch.answer(asked, context)
        except NotAllowed as wrong:
            denials.note(wrong, about(asked))
            raise
        return answered(answer, context)

    return endpoint


async def _subject(read: Callable[[bytes], object], request: Request) -> str:
    """What a command that is denied was about, if its body says so soon: `account-000120`."""
    try:
        async with asyncio.timeout(BODY_WAIT):
            return about(read(await request.body()))
    except Exception:  # whatever it is: it is denied, and that is what they are told
        return ""


def about(asked: object) -> str:
    """The first thing that a command is about: `account-000120`."""
    wanted = DECISIONS[type(asked)].wanted(asked)
    return next((stream for stream, (kind, _) in wanted.items() if kind.only is None), "")


def _headers(raw: Sequence[tuple[bytes, bytes]]) -> Headers:
    """Headers by their names; those that come several times are joined, as HTTP has it."""
    headers: Headers = {}
    for name_, value in raw:
        name = name_.decode("latin-1")
        text = value.decode("latin-1")
        headers[name] = f"{headers[name]}, {text}" if name in headers else text
    return headers


def _context(person: Person, headers: Headers) -> RequestContext:
    key = _checked(headers, "idempotency-key", KEY, "1 to 255 visible ASCII characters")
    correlation = _checked(
        headers, "x-correlation-id", CORRELATION, "1 to 128 visible ASCII characters"
    )
    expected: dict[Stream, int] = {}
    for part in filter(None, map(str.strip, headers.get("if-match", "").split(","))):
        match = EXPECTED.fullmatch(part)
        if match is None:
            raise malformed("If-Match", "format", 'it reads "<stream>@<version>"', part)
        expected[Stream(match[1])] = int(match[2])
    return RequestContext(
        person.by,
        "",
        correlation or "",
        key,
        expected,
        terminal=_text(headers, "x-terminal"),
        on_behalf_of=_text(headers, "x-on-behalf-of"),
        reason=_text(headers, "x-reason"),
        asking=person,
    )


def _text(headers: Headers, name: str) -> str:
    """Text in a header, which only holds ASCII: UTF-8, the rest of it percent-encoded."""
    given = headers.get(name, "")
    try:
        text = unquote(given, errors="strict") if given.isascii() else ""
    except UnicodeDecodeError:
        text = ""
    if given and not TEXT.fullmatch(text):
        said = "it has 1 to 200 characters, percent-encoded as UTF-8 where they are not ASCII"
        raise malformed(name.title(), "format", said, given)
    return text


def _checked(headers: Headers, name: str, form: re.Pattern[str], said: str) -> str | None:
    given = headers.get(name)
    if given is None:
        return None
    if not form.fullmatch(given):
        raise malformed(name.title(), "format", f"it has {said}", given)
    return given


def reader(command: type) -> Callable[[bytes], object]:
    """What makes a command of the bytes of a body.  It raises Malformed."""
    validate = TypeAdapter[Any](command).validator.validate_json

    def read(body: bytes) -> object:
        try:
            asked: object = validate(body, strict=True)
        except ValidationError as wrong:
            raise Malformed(errors_of(wrong)) from wrong
        try:
            json.loads(body, object_pairs_hook=_each_once)
        except _Twice as twice:
            name = str(twice)
            raise malformed(name, "said-twice", "a field is said once", name) from twice
        return asked

    return read


class _Twice(Exception):
    """An object of a body has two members of one name; JSON leaves open which one counts."""


def _each_once(members: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in members}) < len(members):
        seen: set[str] = set()
        for name, _ in members:
            if name in seen:
                raise _Twice(name)
            seen.add(name)


def answered(answer: Answer, context: RequestContext) -> Response:
    """An answer as a response: 201 with positions, 200 when there was nothing to do."""
    body = orjson.dumps({
        "positions": answer.positions,
        "streams": dict(answer.streams),
        "cause": answer.cause,
    })  # fmt: skip
    headers: Headers = {}
    if answer.repeated:
        headers["Idempotency-Replayed"] = "true"
    if context.correlation:
        headers["X-Correlation-Id"] = context.correlation
    return Response(body, 201 if answer.positions else 200, headers, "application/json")
