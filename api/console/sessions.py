"""
Who is signed in: a cookie that pages cannot read and that no other site can send.

The cookie holds the token itself, so that nothing is kept here and a token that ends, ends the
session.  What changes something must come from a page of ours as well (`Sec-Fetch-Site`, or
the `Origin` of older browsers): a form on another site does nothing.
"""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.auth import COOKIE, NotAuthenticated, Person, Tokens

SIGN_IN = "/sign-in"


class FromElsewhere(Exception):
    """The request comes from a page of another site; nothing was done."""


def person_of(request: Request, tokens: Tokens) -> Person:
    """Who is signed in.  Raises NotAuthenticated."""
    token = request.cookies.get(COOKIE)
    if not token:
        raise NotAuthenticated("Sign in first.")
    return tokens.read(token)


def check_origin(request: Request) -> None:
    """Raise FromElsewhere unless a request that changes something comes from our own page."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        if site not in ("same-origin", "none"):
            raise FromElsewhere
        return
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise FromElsewhere


def to_sign_in(request: Request) -> Response:
    """The way to the sign-in page, and back to what was asked for."""
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"{SIGN_IN}?next={quote(wanted, safe='')}", 303)


def signed_in(request: Request, token: str, person: Person, wanted: str) -> Response:
    """Begin a session, and lead on to what was asked for, which is a page of ours."""
    own = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    response = RedirectResponse(wanted if own else "/", 303)
    response.set_cookie(
        COOKIE,
        token,
        expires=int(person.expires),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response


def signed_out() -> Response:
    """End the session."""
    response = RedirectResponse(SIGN_IN, 303)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response
