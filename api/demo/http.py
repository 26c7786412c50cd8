"""The door that the story takes over HTTP: commands are posted, everything else is asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from pydantic import TypeAdapter

from api.demo.cast import ADMIN
from api.demo.doors import Answered, BillThen, Person, SaidNo, Terms, Then, Told, TouchedBill
from domain.kit import NAMES

PAGE = 1000
PATIENCE = 60.0  # seconds for an answer

ACCOUNT = """
query ($account: ID!, $position: Position!, $then: Moment!) {
  at(knownAt: $then, minPosition: $position) {
    account(number: $account) {
      balance { minor }
      bills(first: 100) {
        nodes { number total { minor } currentTotal { minor } outstanding { minor } }
      }
    }
  }
}
"""
TOUCHED = """
query ($fact: ID!, $position: Position!) {
  at(minPosition: $position) {
    touched(fact: $fact) { bill { number } currentTotal { minor } now { minor } }
  }
}
"""
JOURNAL = """
query ($account: ID!, $position: Position!) {
  at(minPosition: $position) {
    journal(filter: {account: {eq: $account}}, first: 100) { nodes { code amount { minor } } }
  }
}
"""
UTILITY = "{ utility { currency zone } }"


class NotAnswered(Exception):
    """The server did not answer as it must; the message says what it said."""


class OverHttp:
    """
    A server at a URL; `token` gives the token of a person.

    Raises NotAnswered where nobody answers or something else does, SaidNo where it says no.
    """

    def __init__(self, url: str, token: Callable[[Person], str]) -> None:
        parts = urlsplit(url if "//" in url else f"http://{url}")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise NotAnswered(f"{url} is not the address of a server")
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._connection = kind(parts.hostname, parts.port, timeout=PATIENCE)
        self._path, self._url, self._token = parts.path.rstrip("/"), url, token
        self._last = 0  # the last position that a command was answered with

    def ask(self, asked: object, person: Person) -> Answered:
        body = TypeAdapter[Any](type(asked)).dump_json(asked)
        told = self._send("POST", f"/commands/{NAMES[type(asked)]}", person, body)
        self._last = max(self._last, *told["positions"])
        return Answered(tuple(told["positions"]), told["streams"])

    def terms(self) -> Terms | None:
        found = self._query(UTILITY)["utility"]
        return Terms(found["currency"], found["zone"]) if found else None

    def head(self) -> int:
        return self._last

    def facts(self, after: int) -> Iterator[Told]:
        while page := self._send("GET", f"/feed?after={after}&limit={PAGE}", ADMIN):
            for event in page:
                after = int(event["sequence"])
                name = event["type"].removeprefix("wattledger.").rpartition(".v")[0]
                yield Told(after, name, event["subject"], event["data"])

    def touched(self, fact: str) -> list[TouchedBill]:
        found = self._query(TOUCHED, fact=fact, position=self.head())["at"]["touched"]
        return [
            TouchedBill(
                each["bill"]["number"], _minor(each["currentTotal"]), _minor(each["now"])
            )
            for each in found
        ]

    def then(self, account: str, known_at: int) -> Then:
        known = {"account": account, "position": known_at, "then": known_at}
        found = self._query(ACCOUNT, **known)["at"]["account"]
        bills = (
            BillThen(
                each["number"],
                _minor(each["total"]),
                _minor(each["currentTotal"]) - _minor(each["total"]),
                _minor(each["outstanding"]),
            )
            for each in found["bills"]["nodes"]
        )
        return Then(_minor(found["balance"]), tuple(bills))

    def ledger(self, account: str) -> dict[str, int]:
        found = self._query(JOURNAL, account=account, position=self.head())["at"]["journal"]
        sums: dict[str, int] = {}
        for line in found["nodes"]:
            sums[line["code"]] = sums.get(line["code"], 0) + _minor(line["amount"])
        return sums

    def _query(self, query: str, **variables: object) -> Any:
        body = json.dumps({"query": query, "variables": variables}).encode()
        told = self._send("POST", "/graphql", ADMIN, body)
        if told.get("errors"):
            raise NotAnswered(f"GraphQL: {told['errors'][0]['message']}")
        return told["data"]

    def _send(self, method: str, path: str, person: Person, body: bytes | None = None) -> Any:
        headers = {
            "Authorization": f"Bearer {self._token(person)}",
            "Content-Type": "application/json",
            "Accept": "application/json, application/cloudevents-batch+json",
        }
        try:
            self._connection.request(method, f"{self._path}{path}", body, headers)
            response = self._connection.getresponse()
            raw = response.read()
        except (OSError, HTTPException) as wrong:
            self._connection.close()
            raise NotAnswered(f"{self._url} does not answer: {wrong}") from wrong
        try:
            told = json.loads(raw)
        except ValueError as wrong:
            raise NotAnswered(f"{self._url}{path} answered {response.status}") from wrong
        if response.status >= 400:
            sentence = str(told.get("detail") or told.get("title") or response.status)
            raise SaidNo(sentence, str(told.get("type", "")).rpartition("/")[2])
        return told


def _minor(money: Mapping[str, str]) -> int:
    return int(money["minor"])
