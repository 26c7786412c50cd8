"""A utility behind its doors, with short words for what its clerks ask over HTTP."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.doors.test_cli import Cli
from tests.served import Door

TOTAL = "1.8.0"
JANUARY = "2025-01-01"


@dataclass
class Utility:
    """A utility behind its doors, asked by Ann; Bob is the second person."""

    door: Door
    cli: Cli
    folder: Path
    seen: int = 0  # the newest position that was answered

    def ask(self, command: str, person: str = "ann", **body: Any) -> tuple[int, Any]:
        """The status, and the positions or the problem."""
        answer = self.door.post(command, body, person=person)
        said = answer.json()
        self.seen = max(self.seen, *said.get("positions", ()), 0)
        return answer.status_code, said

    def done(self, command: str, person: str = "ann", **body: Any) -> None:
        """Ask what is not refused."""
        status, said = self.ask(command, person, **body)
        assert status in (200, 201), said

    def tariff(self, key: str, *charges: Any, **document: Any) -> None:
        document |= {"name": key, "currency": "GBP", "charges": charges}
        self.done("draft-tariff", tariff=key, document=document)
        self.done("approve-tariff", "bob", tariff=key)
        self.done("publish-tariff", "bob", tariff=key, since="2020-01-01")

    def place(
        self,
        key: str,
        tariff: str = "FLAT",
        on: str = JANUARY,
        *,
        metered: bool = True,
        **meter: Any,
    ) -> None:
        """A customer who takes supply at a point from a day on."""
        self.done("register-customer", customer=f"C{key}", name=f"Customer {key}")
        self.done("open-account", account=f"A{key}", customer=f"C{key}", on=on)
        self.done("energise-point", point=f"P{key}", address=f"1 Road {key}", on=on)
        supply = {"point": f"P{key}", "account": f"A{key}", "tariff": tariff, "since": on}
        self.done("supply-point", **supply)
        if metered:
            self.install(key, f"M{key}", on, **meter)

    def install(
        self,
        key: str,
        meter: str,
        on: str,
        shows: dict[str, str] | None = None,
        registers: Any = ({"code": TOTAL, "digits": 5},),
    ) -> None:
        self.done(
            "install-meter",
            meter=meter,
            point=f"P{key}",
            registers=registers,
            multiplier=1,
            readings=shows or {TOTAL: "0"},
            on=on,
        )

    def remove(self, key: str, meter: str, on: str, kwh: int) -> None:
        shows = {TOTAL: str(kwh)}
        self.done("remove-meter", meter=meter, point=f"P{key}", readings=shows, on=on)

    def read(
        self, meter: str, on: str, shows: int | dict[str, str], **more: Any
    ) -> tuple[int, Any]:
        readings = shows if isinstance(shows, dict) else {TOTAL: str(shows)}
        body = {"source": "reader"} | more
        return self.ask("read-meter", meter=meter, readings=readings, on=on, **body)

    def put_right(self, meter: str, on: str, kwh: int) -> None:
        shows = {TOTAL: str(kwh)}
        self.done("correct-reading", meter=meter, readings=shows, on=on, reason="misread")

    def intervals(self, key: str, day: str, wh: list[int | None], **more: Any) -> None:
        command = "revise-intervals" if more else "record-intervals"
        self.done(command, point=f"P{key}", day=day, minutes=30, wh=wh, **more)

    def bill(self, key: str, since: str, until: str) -> tuple[int, Any]:
        return self.ask("issue-bill", account=f"A{key}", since=since, until=until, on=until)

    def correct(self, key: str, bill: str) -> tuple[int, Any]:
        return self.ask("correct-bill", account=f"A{key}", bill=bill, on="2025-06-01")

    def pay(self, key: str, payment: str, amount: int, on: str) -> None:
        self.done(
            "receive-payment",
            payment=payment,
            account=f"A{key}",
            amount=amount,
            method="transfer",
            on=on,
        )

    def graphql(self, query: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.door.token()}"}
        answer = self.door.client.post("/graphql", json={"query": query}, headers=headers)
        return dict(answer.json())

    def of(self, bill: str, fields: str) -> Any:
        """What a bill is, once all that was written can be read; None if there is none."""
        asked = f'bill(number: "{bill}") {{ {fields} }}'
        answer = self.graphql(f"{{ at(minPosition: {self.seen}) {{ {asked} }} }}")
        assert "errors" not in answer, answer
        return answer["data"]["at"]["bill"]

    def stands(self, bill: str) -> str | None:
        """What a bill comes to with all its notes."""
        found = self.of(bill, "currentTotal { amount }")
        return None if found is None else str(found["currentTotal"]["amount"])

    def outstanding(self, bill: str) -> str:
        return str(self.of(bill, "outstanding { amount }")["outstanding"]["amount"])

    def take_in(self, kind: str, text: str, code: int) -> Any:
        file = self.folder / f"{kind}.csv"
        file.write_text(text)
        ended = self.cli.ended("import", kind, str(file), "--json", code=code)
        assert ended.stdout, ended.stderr
        return json.loads(ended.stdout)
