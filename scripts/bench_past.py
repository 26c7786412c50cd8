"""
How long an account takes over GraphQL, now and at any position; how fast all is verified.

The demo town is served by a process of its own; one client asks over one connection.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from http.client import HTTPConnection
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench_history import row
from bench_http import SERVE, serving
from pydantic import SecretStr

from api.auth import mint, secret_of
from api.demo import town
from api.settings import Settings
from api.system import caught_up, opened
from projections.catalogue import PROJECTIONS
from replay.billing.verify import verify
from replay.proofs.audit import audit
from replay.server import embedded

HOMES, MONTHS, ASKED = 200, 12, 500
ACCOUNT = """query($number: ID!, $known: Moment) {
  at(knownAt: $known) { account(number: $number) {
    number balance { amount } customer { number } movements(first: 5) { edges { node { on } } }
} } }"""


class Client:
    """Asks one thing after the other."""

    def __init__(self, port: int, token: str) -> None:
        self._connection = HTTPConnection("127.0.0.1", port)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def ms(self, number: str, known: int | None) -> float:
        """How long an account took."""
        asked = {"query": ACCOUNT, "variables": {"number": number, "known": known}}
        begun = time.perf_counter()
        self._connection.request("POST", "/graphql", json.dumps(asked), self._headers)
        answer = json.loads(self._connection.getresponse().read())
        taken = 1000 * (time.perf_counter() - begun)
        if "errors" in answer:
            raise SystemExit(f"{answer['errors'][0]}")
        return taken


def asked(client: Client, head: int) -> tuple[float, float]:
    """p99 in ms: now, and at any position."""
    chance = Random(5)
    for n in range(50):
        client.ms(town.home_key(n % HOMES + 1), head - n)
    now, then = [], []
    for _ in range(ASKED):
        number = town.home_key(chance.randrange(HOMES) + 1)
        now.append(client.ms(number, None))
        then.append(client.ms(number, chance.randrange(1, head)))
    return statistics.quantiles(now, n=100)[98], statistics.quantiles(then, n=100)[98]


def verified(settings: Settings) -> tuple[int, float]:
    """How many facts there are, and how many a second are folded, calculated and hashed."""
    with opened(settings) as it:
        head = caught_up(it.history, it.tables, 60.0)
        begun = time.perf_counter()
        report, hashed = verify(it.history, it.tables, PROJECTIONS), audit(it.url)
        assert report.agrees, report
        assert hashed.whole, hashed
        return head, head / (time.perf_counter() - begun)


def run() -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder, embedded.start(f"{folder}/data") as server:
        settings = Settings(
            database_url=SecretStr(server.url), data_dir=Path(folder) / "ours", demo=False
        )
        with opened(settings) as it:
            town.found(it, count=HOMES, months=MONTHS)
        head, rate = verified(settings)
        token = mint(secret_of(settings), "bench", "auditor")
        with serving(SERVE, server.url, str(settings.data_dir)) as (port, _):
            now, then = asked(Client(port, token), head)
    past = row("an account over GraphQL, any knownAt", then, "ms p99", floor=10,
               peer="the same for now", peer_value=now)  # fmt: skip
    facts = f"verify whole, {head:,} facts"
    return [{**past, "holds": then <= 10}, row(facts, rate, "facts/s", floor=20_000)]


if __name__ == "__main__":
    for line in run():
        print(line)
