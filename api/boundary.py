"""The outermost ring: no body too large comes in, and nothing unforeseen goes out as it is."""

from __future__ import annotations

import time

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.metrics import Requests
from api.problems import Problem, unforeseen

BODY_MOST = 1 << 20  # bytes
DRAINED_MOST = 16 << 20  # bytes of a body too large that are still listened to

TOO_LARGE = Problem(
    413,
    "content-too-large",
    "The body is too large.",
    f"A request has at most {BODY_MOST} bytes.",
    headers={"Connection": "close"},
)


class TooLarge(Exception):
    """The body is larger than a request may be."""


class Broken(Exception):
    """An answer was begun and could not be brought to its end; why is in the log."""


class Boundary:
    """Wraps an application (pure ASGI: it costs next to nothing)."""

    def __init__(self, app: ASGIApp, requests: Requests) -> None:
        self._app = app
        self._requests = requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = Exchange(scope, receive, send, self._requests)
        try:
            if _announced(scope) > BODY_MOST:
                raise TooLarge
            await self._app(scope, exchange.receive, exchange.send)
        except ClientDisconnect:
            return  # nobody is there to be answered
        except Exception as wrong:
            too_large = _is_too_large(wrong)
            problem = TOO_LARGE if too_large else unforeseen(wrong, scope["path"])
            if exchange.status:
                raise Broken from None  # cut short: that is all that can still be said
            if too_large:
                await _drained(receive)
            await problem.response(scope["path"])(scope, receive, exchange.send)


class Exchange:
    """One request and its answer: the bytes of the one are counted, the other is noted."""

    __slots__ = ("_began", "_receive", "_requests", "_scope", "_send", "_size", "status")

    def __init__(self, scope: Scope, receive: Receive, send: Send, requests: Requests) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._requests = requests
        self._began = time.perf_counter()
        self._size = 0
        self.status = 0  # none yet

    async def receive(self) -> Message:
        """What comes in.  Raises TooLarge, for a body that did not say how large it is."""
        message = await self._receive()
        self._size += len(message.get("body", b""))
        if self._size > BODY_MOST:
            raise TooLarge
        return message

    async def send(self, message: Message) -> None:
        """What goes out."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            route = getattr(self._scope.get("route"), "path", "none")
            self._requests.answered(route, self.status, time.perf_counter() - self._began)
        await self._send(message)


async def _drained(receive: Receive) -> None:
    """Read on for a while: who is not let finish speaking does not hear the answer."""
    left = DRAINED_MOST
    while left > 0:
        message = await receive()
        left -= len(message.get("body", b""))
        if not message.get("more_body"):
            return


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


def _is_too_large(wrong: BaseException | None) -> bool:
    """Also when somebody in between made another exception of it."""
    while wrong is not None:
        if isinstance(wrong, TooLarge):
            return True
        wrong = wrong.__cause__ or wrong.__context__
    return False
