"""The application: every door of a system, wired together."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import FastAPI

from api.auth import Tokens, secret_of
from api.commands import command_routes
from api.console.routes import Console
from api.denials import Denials
from api.docs import docs_routes
from api.feed import Feed
from api.graphql.http import create_graphql
from api.health import Health
from api.local_day import LocalDay
from api.metrics import Requests
from api.openapi import describe
from api.problems import translate
from api.pulse import Pulse
from api.routes import Doors
from api.system import System


def create_app(system: System) -> FastAPI:
    """Every door of a system.  Raises BadSecret when tokens could not be trusted."""
    tokens = Tokens(secret_of(system.settings))
    pulse = Pulse(system.history)
    requests = Requests()
    denials = Denials(system.dispatch, LocalDay(system.history))
    app = Doors(
        requests,
        title="Wattledger",
        version=version("wattledger"),
        docs_url=None,
        redoc_url=None,
        telemetry={"tracing": False},
    )
    app.state.system = system
    app.state.tokens = tokens
    app.state.pulse = pulse
    app.state.denials = denials  # whoever serves runs them
    feed, health = (
        Feed(system.history, system.dispatch.authority, tokens, pulse, denials),
        Health(system, requests),
    )
    commands = command_routes(system.dispatch, tokens, denials)
    for routes in (commands, feed.routes(), health.routes()):
        for route in routes:
            app.add(route)
    app.router.routes.extend(create_graphql(system, tokens, denials))
    app.router.routes.extend(docs_routes(app))
    app.router.routes.extend(Console(system, tokens, denials).routes())
    translate(app)
    describe(app)
    return app
