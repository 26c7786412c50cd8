"""The routes of the console: its pages, their `.json` and `.csv` twins, forms and sign-in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, quote
from uuid import uuid4

import anyio
import orjson
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from api.auth import NotAuthenticated, Person, Tokens
from api.authority import NotAllowed
from api.commands import about, reader
from api.console.asking import Asking, NotAnswered
from api.console.charts import bars, curve, slider
from api.console.forms import Form, body_of, form_of, title_of
from api.console.pages import MENU, PAGES, Page
from api.console.sessions import (
    FromElsewhere,
    check_origin,
    person_of,
    signed_in,
    signed_out,
    to_sign_in,
)
from api.console.tables import csv_of
from api.console.taking_back import taken_back
from api.console.templating import FOLDER, environment, place
from api.denials import Denials
from api.dispatch import RequestContext
from api.problems import Malformed, log_denied, malformed, problem_of
from api.system import System
from domain.catalogue import COMMANDS
from domain.kit import ASKED

STATIC = FOLDER.parent / "static"
ASSETS = {
    "console.css": "text/css",
    "console.js": "text/javascript",
    "htmx.min.js": "text/javascript",
}
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
THREADS = 4  # pages that are made at a time
FORM_MOST = 200  # fields that are read of a form

Endpoint = Callable[[Request], Any]


class Console:
    """The console of a system."""

    def __init__(self, system: System, tokens: Tokens, denials: Denials) -> None:
        self._system, self._tokens, self._denials = system, tokens, denials
        self._asking = Asking(system)
        self._templates = environment()
        self._templates.globals |= {
            "bars": bars,
            "curve": curve,
            "slider": slider,
            "taken_back": taken_back,
            "title_of": title_of,
        }
        self._threads = anyio.CapacityLimiter(THREADS)

    def routes(self) -> list[BaseRoute]:
        """Every route; a page has a twin for programs beside it."""
        found: list[BaseRoute] = []
        for page in PAGES:
            if page.rows:
                found.append(Route(f"{page.path}.csv", self._guarded(page, self._csv)))
            name = page.path if page.path != "/" else "/today"
            found.append(Route(f"{name}.json", self._guarded(page, self._json)))
            found.append(Route(page.path, self._guarded(page, self._page)))
        return [
            Route("/console/{name}", _asset),
            Route("/sign-in", self._sign_in, methods=["GET", "POST"]),
            Route("/sign-out", self._sign_out, methods=["POST"]),
            Route("/forms", self._forms),
            Route("/forms/{command}", self._form, methods=["GET", "POST"]),
            *found,
        ]

    # Pages

    def _guarded(self, page: Page, show: Any) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            try:
                person = person_of(request, self._tokens)
                rights = await run_sync(self._system.dispatch.authority.now, person)
                rights.looks("tables", "query")
            except NotAuthenticated:
                return to_sign_in(request)
            except NotAllowed as wrong:
                return self._denied(request, wrong)
            given = {**request.query_params, **request.path_params}
            try:
                response: Response = await show(request, person, page, given)
            except NotAnswered as wrong:
                return self._wrong(request, person, wrong)
            return response

        return endpoint

    async def _answer(self, person: Person, page: Page, given: Mapping[str, str]) -> Any:
        ask = partial(self._asking.page, person, page, given)
        return await run_sync(ask, limiter=self._threads)

    async def _page(
        self, request: Request, person: Person, page: Page, given: dict[str, str]
    ) -> Response:
        data = await self._answer(person, page, given)
        return self._shown(request, page.template, person, page=page, given=given, data=data)

    async def _json(
        self,
        request: Request,  # noqa: ARG002
        person: Person,
        page: Page,
        given: dict[str, str],
    ) -> Response:
        data = await self._answer(person, page, given)
        return Response(orjson.dumps(data), 200, HEADERS, "application/json")

    async def _csv(
        self,
        request: Request,  # noqa: ARG002
        person: Person,
        page: Page,
        given: dict[str, str],
    ) -> Response:
        ask = partial(self._asking.rows, person, page, given)
        text = csv_of(await run_sync(ask, limiter=self._threads))
        named = {"Content-Disposition": f'attachment; filename="{page.name}.csv"'}
        return Response(text, 200, HEADERS | named, "text/csv; charset=utf-8")

    def _shown(
        self,
        request: Request,
        template: str,
        person: Person | None,
        status: int = 200,
        /,
        **known: Any,
    ) -> Response:
        given = Given(known.pop("given", {}))
        known.setdefault("page", None)
        moment = {name: given[name] for name in ("as_of", "known_at") if given.get(name)}
        page: Page | None = known.get("page")
        title = page.title.format(**given) if page else known.pop("title")
        text = self._templates.get_template(template).render(
            request=request,
            person=person,
            title=title,
            given=given,
            moment=moment,
            menu=MENU,
            recorded=given.get("recorded"),
            partial="hx-request" in request.headers,
            **known,
        )
        return Response(text, status, HEADERS, "text/html")

    def _wrong(self, request: Request, person: Person, wrong: NotAnswered) -> Response:
        return self._shown(
            request, "wrong.html", person, wrong.status, title=wrong.title, told=str(wrong)
        )

    def _denied(self, request: Request, wrong: NotAllowed, about: str = "") -> Response:
        log_denied(wrong, request.url.path)
        self._denials.note(wrong, about)
        return self._shown(
            request,
            "wrong.html",
            wrong.person,
            403,
            title="Your duty does not include this",
            told=f"{wrong}. It belongs to: {', '.join(sorted(wrong.allowed))}.",
        )

    # Sign-in

    async def _sign_in(self, request: Request) -> Response:
        wanted = request.query_params.get("next", "/")
        if request.method == "GET":
            return self._signing_in(request, wanted)
        try:
            check_origin(request)
            given = await _entered(request)
            token = given.get("token", "").strip()
            person = self._tokens.read(token)
        except FromElsewhere:
            return self._signing_in(request, wanted, 403)
        except NotAuthenticated as wrong:
            log_denied(wrong, request.url.path)
            return self._signing_in(request, wanted, 401, str(wrong))
        return signed_in(request, token, person, wanted)

    def _signing_in(
        self, request: Request, wanted: str, status: int = 200, wrong: str = ""
    ) -> Response:
        known = {"title": "Sign in", "wanted": wanted, "wrong": wrong}
        return self._shown(request, "sign-in.html", None, status, **known)

    async def _sign_out(self, request: Request) -> Response:
        try:
            check_origin(request)
        except FromElsewhere:
            return RedirectResponse("/", 303)
        return signed_out()

    # Forms

    async def _forms(self, request: Request) -> Response:
        try:
            person = person_of(request, self._tokens)
        except NotAuthenticated:
            return to_sign_in(request)
        rights = await run_sync(self._system.dispatch.authority.now, person)
        contexts: dict[str, list[Form]] = {}
        for name in COMMANDS:
            if any(grant.may(name) for grant in rights.grants):
                form = form_of(name)
                contexts.setdefault(form.context, []).append(form)
        return self._shown(request, "forms.html", person, title="Commands", contexts=contexts)

    async def _form(self, request: Request) -> Response:
        try:
            person = person_of(request, self._tokens)
        except NotAuthenticated:
            return to_sign_in(request)
        command = request.path_params["command"]
        if command not in COMMANDS:
            told = NotAnswered("NOT_FOUND", f"There is no command {command!r}.")
            return self._wrong(request, person, told)
        try:
            rights = await run_sync(self._system.dispatch.authority.now, person)
            rights.may(command)
        except NotAllowed as wrong:
            return self._denied(request, wrong)
        if request.method == "GET":
            given = dict(request.query_params)
            form = form_of(command).filled(given)
            return self._entry(request, person, form, given.get("back", ""), str(uuid4()))
        return await self._sent(request, person, command)

    async def _sent(self, request: Request, person: Person, command: str) -> Response:
        given = await _entered(request)
        form = form_of(command).filled(given)
        back, key, reason = given.get("back", ""), given.get("key", ""), given.get("why", "")
        try:
            check_origin(request)
            digits = await run_sync(self._asking.digits, person, limiter=self._threads)
            asked = reader(COMMANDS[command])(orjson.dumps(body_of(form, digits)))
            if len(key) > 100 or len(reason) > 200:
                raise malformed("why", "length", "it has at most 200 characters", reason)
            context = RequestContext(
                person.by,
                "",
                key=key or None,
                terminal="console",
                reason=reason,
                asking=person,
            )
            answer = await self._system.dispatch.answer(asked, context)
        except FromElsewhere:
            told = NotAnswered("FORBIDDEN", "This form was sent from another site.")
            return self._wrong(request, person, told)
        except NotAllowed as wrong:
            return self._denied(request, wrong, about(asked))
        except Exception as wrong:
            return self._refused(request, person, form, (back, key, reason), wrong)
        stream = next((one for one in answer.streams if place(one)), None)
        onward = (_own(back) if back else place(stream) if stream else None) or "/"
        sign = "&" if "?" in onward else "?"
        if answer.positions:
            onward += f"{sign}recorded={answer.positions[-1]}"
        else:
            onward += f"{sign}nothing=1"
        return RedirectResponse(onward, 303)

    def _refused(
        self,
        request: Request,
        person: Person,
        form: Form,
        kept: tuple[str, str, str],
        wrong: Exception,
    ) -> Response:
        """The form again, with all that was entered and what is wrong with it."""
        problem = problem_of(wrong)
        if problem is None:
            raise wrong
        judged, told = form.judged(problem)
        back, key, reason = kept
        if isinstance(wrong, Malformed):
            told = told or "Some fields are not right yet."
        else:
            key = str(uuid4())  # what was refused is not what is asked next
        return self._entry(
            request, person, judged, back, key, problem.status, told=told, why=reason
        )

    def _entry(
        self,
        request: Request,
        person: Person,
        form: Form,
        back: str,
        key: str,
        status: int = 200,
        told: str = "",
        why: str = "",
    ) -> Response:
        duties = sorted(ASKED[COMMANDS[form.command]].duties)
        return self._shown(
            request,
            "form.html",
            person,
            status,
            title=form.title,
            form=form,
            back=_own(back) if back else "",
            key=key,
            told=told,
            why=why,
            duties=duties,
        )


class Given(dict[str, Any]):
    """What a page was asked with; what was not said is empty."""

    def __missing__(self, name: str) -> str:
        return ""


def _own(path: str) -> str:
    """A path of ours, whatever was sent."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else "/"


async def _entered(request: Request) -> dict[str, str]:
    """What was entered in a form, by field."""
    body = (await request.body()).decode("utf-8", "replace")
    pairs = parse_qsl(body, keep_blank_values=True, max_num_fields=FORM_MOST)
    return {name: value.replace("\r\n", "\n") for name, value in pairs}


async def _asset(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in ASSETS:
        return Response("There is no such file.", 404, HEADERS, "text/plain")
    kept = {**HEADERS, "Cache-Control": "public, max-age=3600"}
    return FileResponse(STATIC / quote(name), headers=kept, media_type=ASSETS[name])
