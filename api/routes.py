"""A route of ours: described like any of FastAPI's, and called with nothing in between."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

Handler = Callable[[Request], Awaitable[Response]]


class PlainRoute(APIRoute):
    """A route whose endpoint reads the request itself; its path has no parameters."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """By comparing, so that many routes cost no more than few."""
        if scope["type"] != "http" or not scope["path"].endswith(self.path):
            return Match.NONE, {}
        return super().matches(scope)

    def get_route_handler(self) -> Any:
        """The endpoint as it is: there is nothing to inject."""
        return self.endpoint
