"""GraphQL: what was asked is answered, then and now, for whoever may ask."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from api.auth import Tokens
from api.graphql.http import create_graphql
from tests.town import Town, town

ROOT = Path(__file__).parent.parent


@dataclass
class Door:
    """GraphQL of a town, over HTTP."""

    town: Town
    client: TestClient
    token: str

    def post(self, query: str, **variables: Any) -> httpx2.Response:
        """Ask, and give the whole answer."""
        return self.client.post(
            "/graphql",
            json={"query": query, "variables": variables},
            headers={"authorization": f"Bearer {self.token}"},
        )

    def ask(self, query: str, **variables: Any) -> Any:
        """Ask what has an answer."""
        answer = self.post(query, **variables).json()
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def refused(self, query: str, **variables: Any) -> tuple[str, str]:
        """Ask what is refused: the code and the sentence."""
        errors = self.post(query, **variables).json()["errors"]
        return errors[0]["extensions"]["code"], errors[0]["message"]


@pytest.fixture
def door(database_url: str, tmp_path: Path) -> Iterator[Door]:
    with town(database_url, tmp_path) as harbour:
        tokens = Tokens(b"0123456789abcdef0123456789abcdef")
        app = Starlette(routes=create_graphql(harbour.system, tokens))
        with TestClient(app) as client:
            yield Door(harbour, client, tokens.mint("ada", "auditor"))


def test_the_schema_in_the_docs_is_this_one() -> None:
    made = subprocess.run(
        [sys.executable, "-m", "api.graphql"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert made.stdout == (ROOT / "docs" / "schema.graphql").read_text("utf-8")


STORY = """
query ($id: ID!) {
  account(id: $id) {
    id opened
    customer { id name }
    balance { minor amount currency }
    advance { minor }
    supplies { since until point { id address } tariffs { since tariff } }
    bills {
      nodes {
        id since until on due
        issued { amount } stands { amount } outstanding { amount }
        lines { code kind quantity unit rate amount { amount } tariff version }
        basis { tariffs estimated facts }
      }
      pageInfo { hasNextPage }
    }
    payments { nodes { id amount { amount } settled { item amount { amount } } } }
    movements { nodes { kind reference amount { amount } } }
  }
}
"""


def test_an_account_is_asked_in_one_query(door: Door) -> None:
    account = door.town.story()
    door.town.settle()
    found = door.ask(STORY, id=account)["account"]
    assert found["customer"] == {"id": "C000120", "name": "Customer 120"}
    assert found["balance"] == {"minor": "4765", "amount": "47.65", "currency": "GBP"}
    first = found["bills"]["nodes"][0]
    assert first["issued"]["amount"] == "97.65"
    assert [line["amount"]["amount"] for line in first["lines"]] == ["15.50", "77.50", "4.65"]
