"""What a page shows: its document, asked through GraphQL as anybody would."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import GraphQLError

from api.auth import Person
from api.console.pages import Page
from api.currency import digits
from api.graphql.errors import shown
from api.graphql.schema import schema
from api.graphql.view import QueryContext
from api.system import System

ROWS_MOST = 10_000  # of a list that leaves as a file
AT_ONCE = 100
STATUS = {"NOT_FOUND": 404, "FORBIDDEN": 403, "GROWING": 503, "LAGGING": 503}
TITLES = {404: "There is no such thing", 403: "Not allowed", 503: "Not at this moment"}


class NotAnswered(Exception):
    """A page cannot be shown; the message says why."""

    def __init__(self, code: str, told: str) -> None:
        super().__init__(told)
        self.code = code

    @property
    def status(self) -> int:
        """Of the answer."""
        return STATUS.get(self.code, 400)

    @property
    def title(self) -> str:
        """What the page that says so is called."""
        return TITLES.get(self.status, "This cannot be shown")


class Asking:
    """Asks documents for whoever is signed in."""

    def __init__(self, system: System) -> None:
        self._system = system

    def page(self, person: Person, page: Page, given: Mapping[str, str]) -> Any:
        """What a page shows.  Raises NotAnswered."""
        data = self._ask(person, page.document, page.variables(given))
        if page.thing and data.get(page.thing) is None:
            told = f"There is nothing at {page.path.format(**given)}, or it was not there then."
            raise NotAnswered("NOT_FOUND", told)
        return data

    def rows(self, person: Person, page: Page, given: Mapping[str, str]) -> Iterator[Any]:
        """Every row of a list, from its first page on.  Raises NotAnswered."""
        assert page.rows
        asked = page.variables(given) | {"first": AT_ONCE}
        asked.pop("after", None)
        found: list[Any] = []
        while len(found) < ROWS_MOST:
            rows = self._ask(person, page.document, asked)[page.rows]
            found += rows["nodes"]
            if not rows["pageInfo"]["hasNextPage"]:
                break
            asked["after"] = rows["pageInfo"]["endCursor"]
        return iter(found)

    def digits(self, person: Person) -> int:
        """The decimals of the minor unit in the books.  Raises NotAnswered."""
        utility = self._ask(person, "{ at { utility { currency } } }", {})["utility"]
        return digits(utility["currency"]) if utility else 2

    def _ask(self, person: Person, document: str, variables: Mapping[str, Any]) -> Any:
        rights = self._system.dispatch.authority.now(person)
        context = QueryContext(self._system, rights)
        try:
            result = schema.execute_sync(
                document, variable_values=dict(variables), context_value=context
            )
        finally:
            context.close()
        for error in result.errors or ():
            told: GraphQLError = shown(error)
            code = str((told.extensions or {}).get("code", "BAD_REQUEST"))
            raise NotAnswered(code, told.message)
        assert result.data is not None
        return result.data["at"]
