"""The application: every door of a system, wired together."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import FastAPI

from api.auth import Tokens, secret_of
from api.boundary import Boundary
from api.commands import command_routes
from api.docs import docs_routes
from api.feed import Feed
from api.graphql.http import create_graphql
from api.health import Health
from api.metrics import Requests
from api.openapi import describe
from api.problems import translate
from api.pulse import Pulse
from api.system import System


def create_app(system: System) -> FastAPI:
    """Every door of a system.  Raises BadSecret when tokens could not be trusted."""
    tokens = Tokens(secret_of(system.settings))
    pulse = Pulse(system.history)
    requests = Requests()
    app = FastAPI(
        title="Wattledger",
        version=version("wattledger"),
        docs_url=None,
        redoc_url=None,
        telemetry={"tracing": False},
    )
    app.state.system = system
    app.state.tokens = tokens
    app.state.pulse = pulse
    app.router.routes.extend(command_routes(system.dispatch, tokens))
    app.router.routes.extend(Feed(system.history, tokens, pulse).routes())
    app.router.routes.extend(Health(system, requests).routes())
    app.router.routes.extend(create_graphql(system, tokens))
    app.router.routes.extend(docs_routes(app))
    translate(app)
    describe(app)
    app.add_middleware(Boundary, requests=requests)
    return app
