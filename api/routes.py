"""A route of ours: described like any of FastAPI's, and called with nothing in between."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.boundary import Boundary
from api.metrics import Requests
from api.problems import told

Handler = Callable[[Request], Awaitable[Response]]


class PlainRoute(APIRoute):
    """A route whose endpoint reads the request itself; its path has no parameters."""

    def get_route_handler(self) -> Any:
        """The endpoint as it is: there is nothing to inject."""
        return self.endpoint

    async def plainly(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request as the router would, without the router."""
        scope["route"] = self
        request = Request(scope, receive)
        try:
            response = await self.endpoint(request)
        except Exception as wrong:
            response = told(wrong, request.url.path)
        await response(scope, receive, send)


class Doors(FastAPI):
    """
    FastAPI, with a short way to the plain routes: past them it has nothing to do.

    The stack of middlewares and the router cost a command as much as all the rest of it.
    """

    def __init__(self, requests: Requests, **settings: Any) -> None:
        super().__init__(**settings)
        self.requests = requests
        self._plain: dict[tuple[str, str], ASGIApp] = {}
        self.add_middleware(Boundary, requests=requests)

    def add(self, route: PlainRoute) -> None:
        """Open a door."""
        self.router.routes.append(route)
        for method in route.methods or ():
            self._plain[method, route.path] = Boundary(route.plainly, self.requests)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http":
            plain = self._plain.get((scope["method"], scope["path"]))
            if plain is not None:
                await plain(scope, receive, send)
                return
        await super().__call__(scope, receive, send)
