"""A busy account over HTTP: each of those who pay at once is taken."""

from __future__ import annotations

import asyncio
from collections import Counter

import httpx2

from domain.customers.account import AccountCredited
from domain.kit import Stream
from tests.served import Door

CLIENTS, EACH = 64, 2


def test_all_who_pay_at_once_are_taken(quiet_door: Door) -> None:
    asked = {"account": "B1", "customer": "C000120", "on": "2026-01-01"}
    quiet_door.post("register-customer", {"customer": "C000120", "name": "Ada"})
    assert quiet_door.post("open-account", asked).status_code == 201
    named = {"Authorization": f"Bearer {quiet_door.token()}"}

    async def client(number: int, http: httpx2.AsyncClient) -> list[int]:
        told = []
        for n in range(EACH):
            paid = {"payment": f"BUSY-{number}-{n}", "account": "B1", "amount": 1}
            more = {"method": "cash", "on": "2026-01-02"}
            response = await http.post(
                "/commands/receive-payment", json=paid | more, headers=named
            )
            told.append(response.status_code)
        return told

    async def scene() -> list[list[int]]:
        limits = httpx2.Limits(max_connections=CLIENTS)
        async with httpx2.AsyncClient(
            base_url=quiet_door.url, timeout=60, limits=limits
        ) as http:
            return await asyncio.gather(*(client(n, http) for n in range(CLIENTS)))

    told = Counter(status for each in asyncio.run(scene()) for status in each)

    assert told == {201: CLIENTS * EACH}
    credited = [
        fact
        for fact in quiet_door.system.history.of(Stream("account-B1"))
        if isinstance(fact.event, AccountCredited)
    ]
    assert len(credited) == CLIENTS * EACH
