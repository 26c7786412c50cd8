"""
The feeds: every fact there is, and every posting of the books, by position, from any on.

Pages, long polls and server-sent events give the same CloudEvents (1.0, JSON) in the same
order; a position has come to stay, so that a full page never changes.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from api.auth import Person, Tokens
from api.authority import Authority, NotAllowed
from api.currency import amount_text
from api.denials import Denials
from api.openapi import feed_operation
from api.problems import malformed
from api.pulse import Pulse
from api.routes import Handler, PlainRoute
from api.visibility import Sight
from domain.books.chart import CHART
from domain.books.entry import Entry, Posting
from domain.catalogue import EVENTS
from domain.kit import Fact
from domain.organisation.duties import Looks
from replay.store.append import Overloaded, Unreadable
from replay.store.history import History
from replay.store.sealing import PERSONALS
from replay.store.upcasts import newest

log = logging.getLogger("wattledger.feed")

BATCH = "application/cloudevents-batch+json"
LIMIT = 500
LIMIT_MOST = 1000
POSITION_MOST = 2**63 - 1
WAIT_MOST = 30  # seconds of a long poll
HEARTBEAT = 15.0  # seconds between two signs of life of a quiet stream
WAITING_MOST = 256  # long polls and streams open at once
READERS = 4  # threads
WAIT = re.compile(r"(?:^|[,;\s])wait=([0-9]{1,6})(?:$|[,;\s])")
UNREADABLE = "wattledger.fact.unreadable.v1"
FOREVER = "private, max-age=31536000, immutable"
FOR_NOW = "private, no-cache"

Told = dict[str, Any]
WRITERS = {event: TypeAdapter[Any](event).serializer.to_json for event in EVENTS.values()}


@dataclass(frozen=True, slots=True)
class View:
    """One feed: where it is, what it tells of a fact (or nothing), what that is called."""

    path: str
    source: str
    tell: Callable[[Fact], Told | None]
    looks: Looks
    summary: str


def fact_told(fact: Fact) -> Told:
    """A fact as a CloudEvent; amounts are minor units, beside their currency."""
    kind = f"wattledger.{fact.name}.v{newest(fact.name)}"
    data = orjson.Fragment(WRITERS[type(fact.event)](fact.event))
    return _cloud_event(fact, "/wattledger/facts", kind, data)


def unreadable_told(fact: Fact, wrong: Exception, source: str) -> Told:
    """What stands in the place of a fact that this program cannot read or tell."""
    name = fact.event.name if isinstance(fact.event, Unreadable) else fact.name
    said = str(wrong) if isinstance(wrong, Unreadable) else type(wrong).__name__
    data = {"position": fact.position, "stream": fact.stream, "name": name, "reason": said}
    return _cloud_event(fact, source, UNREADABLE, data)


def entry_told(fact: Fact) -> Told | None:
    """The balanced entry a fact makes in the books, as a CloudEvent; None if it makes none."""
    entry: Entry | None = getattr(fact.event, "entry", None)
    if entry is None:
        return None
    return _cloud_event(
        fact, "/wattledger/journal", "wattledger.entry.posted.v2", _entry(entry, fact.key)
    )


def _cloud_event(fact: Fact, source: str, kind: str, data: object) -> Told:
    name, version = fact.written or (fact.name, newest(fact.name))
    return {
        "specversion": "1.0",
        "id": fact.ref,
        "source": source,
        "type": kind,
        "subject": fact.stream,
        "time": fact.at.isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "sequence": f"{fact.position:020}",
        "by": fact.by,
        "duty": fact.duty,
        "cause": fact.cause,
        "correlation": fact.correlation,
        "writtenas": f"{name}.v{version}",
        "data": data,
    } | {name: text for name, text in _said(fact) if text}


def _said(fact: Fact) -> Iterable[tuple[str, str]]:
    """What the envelope of a fact says only sometimes."""
    yield "orgunit", fact.org_unit
    yield "terminal", fact.terminal
    yield "onbehalfof", fact.on_behalf_of
    yield "command", fact.command
    yield "reason", fact.reason


def _entry(entry: Entry, key: str) -> Told:
    """An entry that does not name its account is about the one in whose stream it stands."""
    return {
        "on": entry.on,
        "month": entry.month,
        "about": entry.about,
        "kind": entry.source.kind,
        "document": entry.document,
        "reverses": entry.reverses or None,
        "due": entry.due,
        "account": entry.account or key,
        "org_unit": entry.org_unit or None,
        "text": f"{entry.source.kind} {entry.document}",
        "currency": entry.currency,
        "postings": [_posting(each, entry.currency) for each in entry.postings],
    }


def _posting(posting: Posting, currency: str) -> Told:
    told: Told = {
        "code": posting.code,
        "name": CHART.get(posting.code, posting.code),
        "class": posting.ledger_class or None,
        "amount": amount_text(posting.amount, currency),
        "minor": posting.amount,
    }
    if posting.base is not None:
        told["tax"] = {
            "code": posting.tax_code,
            "rate": str(posting.rate),
            "base": amount_text(posting.base, currency),
        }
    return told


VIEWS = (
    View("/feed", "/wattledger/facts", fact_told, "facts", "Every fact, in order"),
    View(
        "/feed/journal",
        "/wattledger/journal",
        entry_told,
        "journal",
        "Every posting of the books, in order",
    ),
)


@dataclass(frozen=True, slots=True)
class Page:
    """So many positions of history, told: (position, what is told), without what is not."""

    told: tuple[tuple[int, Told], ...]
    last: int  # the last position looked at
    full: bool


class Feed:
    """Serves the views of one history."""

    def __init__(
        self,
        history: History,
        authority: Authority,
        tokens: Tokens,
        pulse: Pulse,
        denials: Denials,
    ) -> None:
        self._history = history
        self._authority = authority
        self._tokens = tokens
        self._denials = denials
        self._pulse = pulse
        self._readers = ThreadPoolExecutor(READERS, "feed")
        self._waiting = 0

    def routes(self) -> Iterator[PlainRoute]:
        """A route a view."""
        for view in VIEWS:
            yield PlainRoute(
                view.path,
                self._endpoint(view),
                methods=["GET"],
                name=view.path,
                summary=view.summary,
                tags=["feeds"],
                operation_id=view.path.strip("/").replace("/", "-"),
                openapi_extra=feed_operation(LIMIT, LIMIT_MOST, WAIT_MOST, view.looks),
                response_class=Response,
            )

    def _endpoint(self, view: View) -> Handler:
        async def endpoint(request: Request) -> Response:
            person = self._tokens.bearer(request.headers.get("authorization"))
            try:
                sight = await self._sight(view, person)
            except NotAllowed as wrong:
                self._denials.note(wrong)
                raise
            after = _number(request, "after", 0, 0, POSITION_MOST)
            if "text/event-stream" in request.headers.get("accept", ""):
                resumed = request.headers.get("last-event-id", "")
                after = int(resumed) if re.fullmatch("[0-9]{1,18}", resumed) else after
                return self._streaming(view, after, person)
            return await self._paged(view, after, request, sight)

        return endpoint

    async def _sight(self, view: View, person: Person) -> Sight:
        """What somebody sees of a feed, as it is now.  Raises NotAllowed."""
        loop = asyncio.get_running_loop()
        rights = await loop.run_in_executor(self._readers, self._authority.now, person)
        return Sight(self._history, rights.looks(view.looks, "follow"))

    async def _paged(self, view: View, after: int, request: Request, sight: Sight) -> Response:
        limit = _number(request, "limit", LIMIT, 1, LIMIT_MOST)
        wait = _wait(request)
        page = await self._page(view, after, limit, sight)
        if page.last == after and wait:
            await self._awaited(after, wait)
            page = await self._page(view, after, limit, sight)
        name = view.path.strip("/").replace("/", "-")
        tag = f'"{name}-{after}-{page.last}{sight.tag}"'
        headers = {
            "Link": f'<{view.path}?after={page.last}&limit={limit}>; rel="next"',
            "ETag": tag,
            "Cache-Control": FOREVER if page.full and not sight.tag else FOR_NOW,
            "Vary": "Accept, Authorization",
        }
        if wait:
            headers["Preference-Applied"] = f"wait={wait}"
        if tag in request.headers.get("if-none-match", ""):
            return Response(None, 304, headers)
        return Response(orjson.dumps([told for _, told in page.told]), 200, headers, BATCH)

    def _streaming(self, view: View, after: int, person: Person) -> Response:
        if self._waiting >= WAITING_MOST:
            raise Overloaded(f"{self._waiting} readers are waiting")
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        stream = self._stream(view, after, person)
        return StreamingResponse(stream, 200, headers, "text/event-stream")

    async def _stream(self, view: View, after: int, person: Person) -> AsyncIterator[bytes]:
        self._waiting += 1
        try:
            yield b"retry: 1000\n\n"
            while not self._pulse.stopped and time.time() < person.expires:
                sight = await self._sight(view, person)
                page = await self._page(view, after, LIMIT, sight)
                if page.last > after:
                    after = page.last
                    yield b"".join(_sent(page))
                elif not await self._pulse.moved(after + 1, HEARTBEAT):
                    yield b": nothing new\n\n"
        except NotAllowed:
            return  # what allowed it was taken meanwhile
        finally:
            self._waiting -= 1

    async def _awaited(self, after: int, wait: int) -> None:
        if self._waiting >= WAITING_MOST:
            raise Overloaded(f"{self._waiting} readers are waiting")
        self._waiting += 1
        try:
            await self._pulse.moved(after + 1, wait)
        finally:
            self._waiting -= 1

    async def _page(self, view: View, after: int, limit: int, sight: Sight) -> Page:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self._read, view, after, limit, sight)

    def _read(self, view: View, after: int, limit: int, sight: Sight) -> Page:
        facts = next(self._history.pages(after, batch=limit, unreadable=True), [])
        told = [(fact.position, _told(view, fact, sight)) for fact in facts]
        lost = any(each is not None and each["type"] == UNREADABLE for _, each in told)
        return Page(
            tuple((position, each) for position, each in told if each is not None),
            facts[-1].position if facts else after,
            len(facts) == limit and not lost,  # what is unreadable may be read one day
        )


def _told(view: View, fact: Fact, sight: Sight) -> Told | None:
    """What a view tells of a fact; one that it cannot tell stops nobody behind it."""
    if not sight.stream(fact.stream):
        return None
    try:
        if isinstance(fact.event, Unreadable):
            raise fact.event
        told = view.tell(fact)
        if told is not None and PERSONALS[type(fact.event)]:
            told["data"] = sight.data(fact, orjson.loads(WRITERS[type(fact.event)](fact.event)))
        return told
    except Exception as wrong:
        log.warning("position %d cannot be told at %s: %r", fact.position, view.path, wrong)
        return unreadable_told(fact, wrong, view.source)


def _sent(page: Page) -> Iterator[bytes]:
    """A page as server-sent events; its end has an id also when nothing is told of it."""
    last = 0
    for last, told in page.told:
        yield b"id: %d\nevent: %b\ndata: %b\n\n" % (
            last,
            told["type"].encode(),
            orjson.dumps(told),
        )
    if last != page.last:
        yield b"id: %d\n\n" % page.last


def _number(request: Request, name: str, default: int, least: int, most: int) -> int:
    given = request.query_params.get(name)
    if given is None:
        return default
    if not re.fullmatch("[0-9]{1,19}", given) or not least <= int(given) <= most:
        raise malformed(name, "out-of-range", f"a whole number from {least} to {most}", given)
    return int(given)


def _wait(request: Request) -> int:
    """The seconds that `Prefer: wait=N` (RFC 7240) asks to wait for something to happen."""
    match = WAIT.search(request.headers.get("prefer", ""))
    return min(int(match[1]), WAIT_MOST) if match else 0
