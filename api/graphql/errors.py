"""What is answered when there is no answer: a code for programs, a sentence for people."""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import Any
from uuid import uuid4

import orjson
from graphql import GraphQLError, GraphQLSyntaxError
from psycopg import OperationalError
from psycopg_pool import PoolTimeout
from pydantic_core import to_jsonable_python

from domain.kit import Refused
from projections.kit.versions import TableGrowing
from replay.store.append import Unavailable

log = logging.getLogger("wattledger.graphql")


class Problem(GraphQLError):
    """Something the caller can put right.  `code` names it for programs."""

    def __init__(self, code: str, sentence: str, **details: object) -> None:
        said = {"code": code, **({"details": details} if details else {})}
        super().__init__(sentence, extensions=to_jsonable_python(said))


def shown(error: GraphQLError) -> GraphQLError:
    """The error as the caller may see it: refusals in their own words, defects masked."""
    if isinstance(error, GraphQLSyntaxError):
        return _with(error, error.message, {"code": "GRAPHQL_PARSE_FAILED"})
    cause = error.original_error
    while isinstance(cause, GraphQLError) and not isinstance(cause, Problem):
        cause = cause.original_error
    match cause:
        case None | Problem():
            said: dict[str, Any] = dict(error.extensions or {})
            said.setdefault("code", "BAD_REQUEST")
            return _with(error, error.message, said)
        case Refused():
            code = cause.code.upper().replace("-", "_")
            details = _plain(cause.details)
            return _with(error, str(cause), {"code": code, "details": details})
        case TableGrowing(table=table, progress=progress):
            details = {"table": table, **({} if progress is None else asdict(progress))}
            return _with(error, str(cause), {"code": "GROWING", "details": details})
        case ValueError() if error.path is None:
            return _with(error, error.message, {"code": "BAD_REQUEST"})
        case Unavailable() | OperationalError() | PoolTimeout():
            log.warning("a query found no database: %s", cause)
            sentence = "The database does not answer; try again in a moment."
            return _with(error, sentence, {"code": "UNAVAILABLE"})
        case _:
            return _masked(error, cause)


def _masked(error: GraphQLError, cause: BaseException) -> GraphQLError:
    number = str(uuid4())
    log.error("a query failed, %s, at %s", number, error.path, exc_info=cause)
    sentence = f"Something is wrong here, and it is not the query; it is logged as {number}."
    return _with(error, sentence, {"code": "INTERNAL", "logged": number})


def _plain(details: dict[str, object]) -> Any:
    return orjson.loads(orjson.dumps(to_jsonable_python(details)))


def _with(error: GraphQLError, message: str, extensions: dict[str, Any]) -> GraphQLError:
    return GraphQLError(
        message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        original_error=error.original_error,
        extensions=extensions,
    )
