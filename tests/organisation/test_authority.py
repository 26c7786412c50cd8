"""Who may ask: the duty has the command, where the things lie that it names, at that moment."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg
import pytest
from pydantic import SecretStr

from api.settings import Settings
from api.system import opened
from domain.kit import Fact, Stream
from replay.server import embedded
from tests.organisation.grid import DAY, Grid, founded, served_home
from tests.served import served


@pytest.fixture(scope="module")
def grid(server: embedded.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grid]:
    with psycopg.connect(server.database("postgres"), autocommit=True) as connection:
        connection.execute("create database authority")
    settings = Settings(
        database_url=SecretStr(server.database("authority")),
        data_dir=tmp_path_factory.mktemp("authority"),
        demo=False,
    )
    with opened(settings) as system, served(system) as door:
        made = founded(door)
        served_home(made, "lakeside", "100", "Lena Lake")
        served_home(made, "hillside", "200", "Hugo Hill")
        yield made


def facts(grid: Grid, stream: str) -> list[Fact]:
    return grid.door.system.history.of(Stream(stream))


def test_a_thing_lies_where_who_entered_it_has_their_duty(grid: Grid) -> None:
    opened_ = facts(grid, "account-100")[0]
    assert (opened_.event.org_unit, opened_.org_unit) == ("lakeside", "lakeside")
    assert (opened_.by, opened_.duty) == ("clerk-lakeside", "clerk")
    assert facts(grid, "point-P200")[0].event.org_unit == "hillside"


@pytest.mark.parametrize(
    ("duty", "command", "body"),
    [
        ("clerk", "rename-customer", {"customer": "C200", "name": "Another"}),
        ("clerk", "open-account", {"account": "201", "customer": "C200", "on": DAY}),
        (
            "clerk",
            "open-account",
            {"account": "201", "customer": "C100", "on": DAY, "org_unit": "hillside"},
        ),
        (
            "clerk",
            "supply-point",
            {"point": "P200", "account": "100", "tariff": "R1", "since": DAY},
        ),
        (
            "clerk",
            "supply-point",
            {"point": "P100", "account": "200", "tariff": "R1", "since": DAY},
        ),
        (
            "cashier",
            "receive-payment",
            {"payment": "X1", "account": "200", "amount": 1, "method": "cash", "on": DAY},
        ),
        ("billing", "issue-bill", None),
    ],
)
def test_nobody_of_lakeside_asks_about_hillside(
    grid: Grid, duty: str, command: str, body: dict[str, object] | None
) -> None:
    if body is None:
        body = {"account": "200", "since": DAY, "until": "2026-02-01", "on": "2026-02-01"}
    grid.denied(f"{duty}-lakeside", command, "outside-unit", **body)


def test_what_is_about_the_whole_is_for_who_has_the_duty_for_the_whole(grid: Grid) -> None:
    grid.engage("lead", "admin", "lakeside")
    grid.denied("lead", "set-terms", "outside-unit", name="Mine", due_days=1)
    grid.denied("lead", "close-unit", "outside-unit", unit="hillside", on=DAY)
    grid.denied("lead", "take-duty", "outside-unit", person="clerk-hillside", duty="clerk",
                unit="hillside", on=DAY)  # fmt: skip
    grid.denied("lead", "give-duty", "outside-unit", person="reader-lakeside", duty="admin",
                unit="utility", since=DAY)  # fmt: skip
    grid.done("lead", "give-duty", person="clerk-lakeside", duty="analyst", unit="lakeside",
              since=DAY)  # fmt: skip
    grid.denied("lead", "give-duty", "gives-to-self", person="lead", duty="auditor",
                unit="lakeside", since=DAY)  # fmt: skip


def test_a_duty_does_not_include_what_another_does(grid: Grid) -> None:
    grid.denied("reader-lakeside", "open-account", "not-allowed", account="9", customer="C100",
                on=DAY)  # fmt: skip
    grid.denied("anna", "give-duty", "duties-conflict", person="reader-lakeside",
                duty="billing", unit="hillside", since=DAY)  # fmt: skip


def test_a_duty_counts_on_its_days_and_while_it_is_not_taken(grid: Grid) -> None:
    ask = ("register-customer", "not-allowed")
    grid.done("anna", "engage-person", person="temp", name="Temp", unit="lakeside", on=DAY)
    grid.denied("temp", *ask, customer="T0", name="T")
    grid.done("anna", "give-duty", person="temp", duty="clerk", unit="lakeside",
              since="2026-01-01", until="2026-02-01")  # fmt: skip
    grid.denied("temp", *ask, customer="T0", name="T")  # it is past
    grid.done("anna", "give-duty", person="temp", duty="clerk", unit="lakeside", since=DAY)
    grid.done("temp", "register-customer", customer="T0", name="T")
    grid.done("anna", "take-duty", person="temp", duty="clerk", unit="lakeside", on=DAY)
    grid.denied("temp", *ask, customer="T1", name="T")


def test_who_left_is_refused_at_the_next_request_at_every_door(grid: Grid) -> None:
    grid.engage("gone", "auditor", "utility")
    headers = {"Authorization": f"Bearer {grid.door.token('', 'gone')}"}
    paths = ("/feed?limit=1", "/feed/journal?limit=1")
    assert grid.query("gone", "position").status_code == 200
    assert all(grid.door.client.get(p, headers=headers).status_code == 200 for p in paths)
    grid.done("bert", "end-engagement", person="gone", on=DAY)
    assert grid.query("gone", "position").status_code == 403
    assert all(grid.door.client.get(p, headers=headers).status_code == 403 for p in paths)
    grid.denied("gone", "set-terms", "not-of-this-utility", name="Mine", due_days=1)


def test_a_token_may_be_held_to_one_duty_and_gives_none(grid: Grid) -> None:
    grid.engage("narrow", "auditor", "utility")
    path = "/feed/journal?limit=1"
    for role, status in (("auditor", 200), ("clerk", 403)):
        token = grid.door.token(role, "narrow")
        headers = {"Authorization": f"Bearer {token}"}
        assert grid.door.client.get(path, headers=headers).status_code == status


def test_a_stand_in_asks_instead_of_another_and_that_is_on_record(grid: Grid) -> None:
    grid.done("anna", "engage-person", person="deputy", name="D", unit="lakeside", on=DAY)
    grid.done("anna", "let-stand-in", person="deputy", instead_of="clerk-lakeside",
              since=DAY, until="2099-01-01")  # fmt: skip
    grid.done("deputy", "register-customer", customer="D1", name="Dee")
    [fact] = facts(grid, "customer-D1")
    assert (fact.by, fact.duty, fact.on_behalf_of) == ("deputy", "clerk", "clerk-lakeside")
    grid.denied("deputy", "rename-customer", "outside-unit", customer="C200", name="No")


def test_what_was_denied_is_on_record_with_its_rule_and_found(grid: Grid) -> None:
    grid.denied("cashier-hillside", "receive-payment", "outside-unit", payment="X2",
                account="100", amount=1, method="cash", on=DAY)  # fmt: skip
    until = time.monotonic() + 20
    mine = '{person: {eq: "cashier-hillside"}}'
    query = f"attempts(filter: {mine}) {{ nodes {{ command rule subject }} }}"
    while time.monotonic() < until:
        found = grid.query("anna", query).json()["data"]["at"]["attempts"]["nodes"]
        if found:
            break
        time.sleep(0.2)
    assert {
        "command": "receive-payment",
        "rule": "outside-unit",
        "subject": "payment-X2",
    } in found
