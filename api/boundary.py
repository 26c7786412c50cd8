"""The outermost ring: no body too large comes in, and nothing unforeseen goes out as it is."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import Problem, unforeseen

BODY_MOST = 1 << 20  # bytes


class _TooLarge(Exception):  # noqa: N818
    """The body is larger than a request may be."""


class Boundary:
    """Wraps an application (pure ASGI: it costs next to nothing)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False
        size = 0

        async def sent(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        async def received() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > BODY_MOST:
                raise _TooLarge
            return message

        try:
            if _announced(scope) > BODY_MOST:
                raise _TooLarge
            await self._app(scope, received, sent)
        except Exception as wrong:
            problem = TOO_LARGE if _is_too_large(wrong) else unforeseen(wrong, scope["path"])
            if started:
                return  # the connection is cut short, which is all that can still be said
            await problem.response(scope["path"])(scope, receive, send)


TOO_LARGE = Problem(
    413,
    "content-too-large",
    "The body is too large.",
    f"A request has at most {BODY_MOST} bytes.",
    headers={"Connection": "close"},
)


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


def _is_too_large(wrong: BaseException | None) -> bool:
    """Also when somebody in between made another exception of it."""
    while wrong is not None:
        if isinstance(wrong, _TooLarge):
            return True
        wrong = wrong.__cause__ or wrong.__context__
    return False
