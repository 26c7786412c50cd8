"""/docs: the doors described, on a page of our own that needs no other machine."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

import orjson
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from api.asyncapi import asyncapi
from api.problems import refusals, sentence
from domain.kit import code_of

ASSETS = {
    "/docs": ("docs.html", "text/html"),
    "/docs/docs.css": ("docs.css", "text/css"),
    "/docs/docs.js": ("docs.js", "text/javascript"),
}
POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'"
HEADERS = {
    "Content-Security-Policy": POLICY + "; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def docs_routes(app: FastAPI) -> Iterator[BaseRoute]:
    """The page and what it is made of, the two descriptions, and the names of all refusals."""
    folder = files("api") / "static"
    for path, (name, kind) in ASSETS.items():
        yield _fixed(path, (folder / name).read_bytes(), kind)
    yield _fixed("/asyncapi.json", orjson.dumps(asyncapi(app.version)), "application/json")
    named = {code_of(kind): sentence(kind) for kind in refusals()}
    yield _fixed("/problems", orjson.dumps(named), "application/json")


def _fixed(path: str, body: bytes, kind: str) -> Route:
    async def endpoint(request: Request) -> Response:
        del request
        return Response(body, 200, HEADERS, kind)

    return Route(path, endpoint, name=path)
