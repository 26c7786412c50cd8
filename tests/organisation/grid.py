"""A utility of two stations, each with people of every duty, served over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx2

from tests.served import Door

DAY = "2026-01-01"
STATIONS = ("lakeside", "hillside")


@dataclass(frozen=True, slots=True)
class Grid:
    """Its door; people are called by their duty and station: `clerk-lakeside`."""

    door: Door

    def ask(self, person: str, command: str, /, **body: Any) -> httpx2.Response:
        return self.door.post(command, body, role="", person=person)

    def done(self, person: str, command: str, /, **body: Any) -> int:
        """Ask what is done; its last position."""
        answer = self.ask(person, command, **body)
        assert answer.status_code == 201, answer.text
        last: int = answer.json()["positions"][-1]
        return last

    def denied(self, person: str, command: str, rule: str, /, **body: Any) -> None:
        answer = self.ask(person, command, **body)
        assert answer.status_code in (403, 409), answer.text
        assert answer.json()["type"] == f"/problems/{rule}", answer.text

    def query(self, person: str, text: str, position: int = 0) -> Any:
        """What GraphQL answers: its body."""
        return self.asked(person, f"{{ at(minPosition: {position}) {{ {text} }} }}")

    def asked(self, person: str, text: str) -> httpx2.Response:
        """What GraphQL answers to a whole document."""
        return self.door.client.post(
            "/graphql",
            json={"query": text},
            headers={"Authorization": f"Bearer {self.door.token('', person)}"},
        )

    def engage(self, person: str, duty: str, unit: str) -> None:
        self.done("anna", "engage-person", person=person, name=person, unit=unit, on=DAY)
        self.done("anna", "give-duty", person=person, duty=duty, unit=unit, since=DAY)


def founded(door: Door) -> Grid:
    """Anna and Bert found it; each station has a clerk, a reader, a biller and a cashier."""
    for command in ("establish-utility", "found-utility"):
        assert door.post(command).status_code == 201, command
    grid = Grid(door)
    for station in STATIONS:
        grid.done(
            "bert", "found-unit", unit=station, name=station, kind="station", parent="utility",
            zone="Europe/London", on=DAY,
        )  # fmt: skip
        for duty in ("clerk", "reader", "metering", "billing", "cashier"):
            grid.engage(f"{duty}-{station}", duty, station)
    return grid


def served_home(grid: Grid, station: str, number: str, name: str) -> int:
    """A customer of a station with an account and a point; its last position."""
    clerk = f"clerk-{station}"
    contact = f"{number}@example.org"
    grid.done(clerk, "register-customer", customer=f"C{number}", name=name, contact=contact)
    grid.done(clerk, "open-account", account=number, customer=f"C{number}", on=DAY)
    return grid.done(
        clerk, "energise-point", point=f"P{number}", address=f"{number} Quay", on=DAY
    )
