"""
GraphQL over HTTP, as its specification says, and GraphiQL for browsers.

Resolvers wait for the database, so a query runs in a thread from start to end; the event loop
parses the request, asks who it is, and sends the answer.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

import anyio
import orjson
from anyio.to_thread import run_sync
from cross_web import AsyncHTTPRequestAdapter, HTTPException
from graphql import GraphQLError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from strawberry.asgi import GraphQL
from strawberry.exceptions import MissingQueryError
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from api.auth import COOKIE, NotAuthenticated, Person, Tokens
from api.authority import NotAllowed
from api.denials import Denials
from api.graphql.errors import shown
from api.graphql.graphiql import assets, page
from api.graphql.schema import schema
from api.graphql.view import QueryContext
from api.problems import log_denied
from api.system import System

MEDIA_TYPE = "application/graphql-response+json"
OLDER = "application/json"
THREADS = 8  # as many as the pool of readers has connections


class Endpoint(GraphQL[QueryContext, None]):
    """The one address of GraphQL: an ASGI application."""

    def __init__(self, system: System, tokens: Tokens, denials: Denials) -> None:
        super().__init__(schema, graphql_ide="graphiql", subscription_protocols=())
        self.system = system
        self.tokens = tokens
        self.denials = denials
        self._threads = anyio.CapacityLimiter(THREADS)

    async def run(self, request: Any, *_: Any, **__: Any) -> Any:
        """Answer one request; every answer is JSON, but GraphiQL."""
        adapter = self.request_adapter_class(request)
        if self.should_render_graphql_ide(adapter):
            return page()
        media_type = _negotiated(request)
        try:
            person = self._asking(request)
            rights = await run_sync(self.system.dispatch.authority.now, person)
            rights.looks("tables", "query")
            asked = QueryContext(self.system, rights)
            response: Response = await super().run(request, context=asked, root_value=None)
        except NotAuthenticated as wrong:
            log_denied(wrong, request.url.path)
            challenge = {"www-authenticate": 'Bearer realm="wattledger"'}
            return _refusal(401, "UNAUTHENTICATED", str(wrong), media_type, challenge)
        except NotAllowed as wrong:
            log_denied(wrong, request.url.path)
            self.denials.note(wrong)
            return _refusal(403, "FORBIDDEN", str(wrong), media_type)
        except HTTPException as wrong:
            return _refusal(wrong.status_code, "BAD_REQUEST", wrong.reason, media_type)
        if media_type == MEDIA_TYPE:
            response.headers["content-type"] = f"{MEDIA_TYPE}; charset=utf-8"
        return response

    def _asking(self, request: Request) -> Person:
        """Who asks: by a token, or signed in to the console, on whose page GraphiQL is."""
        header = request.headers.get("authorization")
        ours = request.headers.get("sec-fetch-site") == "same-origin"
        if header is None and ours and (token := request.cookies.get(COOKIE)):
            return self.tokens.read(token)
        return self.tokens.bearer(header)

    async def execute_single(
        self,
        request: Request,
        request_adapter: AsyncHTTPRequestAdapter,
        sub_response: Response,
        context: QueryContext,
        root_value: None,  # noqa: ARG002
        request_data: GraphQLRequestData,
    ) -> ExecutionResult:
        """Run one operation in a thread."""
        execute = partial(
            self._execute,
            request_data,
            context,
            OperationType.from_http(request_adapter.method),
        )
        result = await run_sync(execute, limiter=self._threads)
        if _unfit(result) and _negotiated(request) == MEDIA_TYPE:
            sub_response.status_code = 400
        return result

    def _execute(
        self, data: GraphQLRequestData, context: QueryContext, allowed: set[OperationType]
    ) -> ExecutionResult:
        try:
            result = self.schema.execute_sync(
                data.query,
                variable_values=data.variables,
                context_value=context,
                operation_name=data.operation_name,
                allowed_operation_types=allowed,
                operation_extensions=data.extensions,
            )
            if stale := context.stale():
                result.extensions = {**(result.extensions or {}), "stale": stale}
        except CannotGetOperationTypeError as wrong:
            raise HTTPException(400, wrong.as_http_error_reason()) from wrong
        except InvalidOperationTypeError as wrong:
            # A mutation by GET is refused as the specification says.
            raise HTTPException(405, wrong.as_http_error_reason("GET")) from wrong
        except MissingQueryError as wrong:
            raise HTTPException(400, "There is no query in the request.") from wrong
        else:
            return result
        finally:
            context.close()

    async def process_result(
        self,
        request: Request,  # noqa: ARG002
        result: ExecutionResult,
    ) -> GraphQLHTTPResponse:
        """The result as it is written; what never began has no data."""
        answer: dict[str, Any] = {}
        if result.errors:
            answer["errors"] = [shown(error).formatted for error in result.errors]
        if not _unfit(result):
            answer["data"] = result.data
        if result.extensions:
            answer["extensions"] = result.extensions
        return answer  # type: ignore[return-value]

    def encode_json(self, data: object) -> bytes:
        """As bytes."""
        return orjson.dumps(data)

    def decode_json(self, data: str | bytes) -> object:
        """From bytes (a body), or text (a parameter).  Raises json.JSONDecodeError."""
        decoded = orjson.loads(data)
        if isinstance(data, bytes) and not isinstance(decoded, dict):
            raise HTTPException(400, "The body is one JSON object, with a `query`.")
        return decoded


def _unfit(result: ExecutionResult) -> bool:
    """Whether the request was never run: not parsed, not valid, its variables not fit."""
    errors: list[GraphQLError] = result.errors or []
    return result.data is None and bool(errors) and all(e.path is None for e in errors)


def _negotiated(request: Request) -> str:
    """The media type asked for; without a word the older one, as the specification has it."""
    weights = dict(map(_weighed, request.headers.get("accept", "").split(",")))
    newer = weights.get(MEDIA_TYPE, 0.0)
    return MEDIA_TYPE if newer > 0 and newer >= weights.get(OLDER, 0.0) else OLDER


def _weighed(part: str) -> tuple[str, float]:
    kind, *parameters = (word.strip().lower() for word in part.split(";"))
    for parameter in parameters:
        if parameter.startswith("q="):
            with suppress(ValueError):
                return kind, float(parameter[2:])
    return kind, 1.0


def _refusal(
    status: int,
    code: str,
    sentence: str,
    media_type: str,
    headers: dict[str, str] | None = None,
) -> Response:
    body = {"errors": [{"message": sentence, "extensions": {"code": code}}]}
    kind = f"{media_type}; charset=utf-8" if media_type == MEDIA_TYPE else media_type
    return Response(orjson.dumps(body), status, headers, kind)


def create_graphql(system: System, tokens: Tokens, denials: Denials) -> list[BaseRoute]:
    """The routes of GraphQL: /graphql itself, and what GraphiQL is made of."""
    endpoint = Endpoint(system, tokens, denials)
    return [Route("/graphql", endpoint), assets()]
