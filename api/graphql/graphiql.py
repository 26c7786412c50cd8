"""GraphiQL, served from here alone: a page, and the files it is made of."""

from __future__ import annotations

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse
from starlette.routing import Route

FOLDER = Path(__file__).parent.parent / "static" / "graphiql"
FILES = {
    "graphiql.min.css": "text/css",
    "graphiql.min.js": "text/javascript",
    "page.css": "text/css",
    "page.js": "text/javascript",
    "react-dom.production.min.js": "text/javascript",
    "react.production.min.js": "text/javascript",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'"
)


def page() -> HTMLResponse:
    """The page; it speaks to this server and to no other."""
    html = (FOLDER / "index.html").read_text("utf-8")
    return HTMLResponse(html, headers={"content-security-policy": POLICY})


async def _asset(request: Request) -> FileResponse:
    name = request.path_params["name"]
    if name not in FILES:
        raise HTTPException(404)
    kept = {"cache-control": "public, max-age=3600"}
    return FileResponse(FOLDER / name, media_type=FILES[name], headers=kept)


def assets() -> Route:
    """The route of its files."""
    return Route("/graphql/static/{name}", _asset, methods=["GET"])
