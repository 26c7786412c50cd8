"""GraphQL: what a bill would be now, what a fact touches, why a line is its amount."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from replay.server import embedded
from tests.door import BILLS, Door, corrected_town


@pytest.fixture(scope="module")
def door(server: embedded.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    folder = tmp_path_factory.mktemp("harbour")
    with corrected_town(server, "graphql_bills", folder) as made:
        yield made


WOULD_BE = """query ($at: Moment) { at(knownAt: $at) { bill(number: "000120-2026-02") {
    currentTotal { minor }
    wouldBe { total { minor } difference { minor } basis { facts }
        lines { why { value } } } } } }"""


def test_a_bill_says_what_it_would_be_now(door: Door) -> None:
    before = door.ask(WOULD_BE, at=door.kept["before"])["bill"]
    assert before["wouldBe"]["difference"]["minor"] == "0"
    found = door.ask(WOULD_BE, at=door.kept["found"])["bill"]
    assert found["currentTotal"]["minor"] == "9608"
    assert found["wouldBe"]["total"]["minor"] == "9147"
    assert found["wouldBe"]["difference"]["minor"] == "-461"
    assert door.kept["fact"] in found["wouldBe"]["basis"]["facts"]
    after = door.ask(WOULD_BE, at=None)["bill"]
    assert (after["currentTotal"]["minor"], after["wouldBe"]["difference"]["minor"]) == (
        "9147",
        "0",
    )


TOUCHED = """query ($fact: ID!, $at: Moment, $asOf: Date) {
    at(knownAt: $at, asOf: $asOf) { touched(fact: $fact) {
        bill { number } currentTotal { amount } now { amount } difference { amount } } } }"""


def test_the_blast_radius_of_a_fact_is_every_bill_it_moves(door: Door) -> None:
    found = door.ask(TOUCHED, fact=door.kept["fact"], at=door.kept["found"])["touched"]
    assert [each["bill"]["number"] for each in found] == list(BILLS)
    assert [each["difference"]["amount"] for each in found] == ["-4.61", "-4.61", "-4.61"]
    assert found[1]["now"]["amount"] == "91.47"
    after = door.ask(TOUCHED, fact=door.kept["fact"])["touched"]
    assert [each["difference"]["amount"] for each in after] == ["0.00", "0.00", "0.00"]
    early = door.ask(TOUCHED, fact=door.kept["fact"], asOf="2026-02-28")["touched"]
    assert [each["bill"]["number"] for each in early] == [BILLS[0]]
    assert early[0]["difference"]["amount"] == "-4.61"  # the note is of April


def test_a_fact_that_is_not_known_touches_nothing_but_is_refused(door: Door) -> None:
    for ref in ("meter-M000120@99", "meter-M000120", "nothing"):
        assert door.refused(TOUCHED, fact=ref)[0] == "NO_SUCH_FACT"
    code, _ = door.refused(TOUCHED, fact=door.kept["fact"], at=door.kept["before"])
    assert code == "NO_SUCH_FACT"


def test_a_line_says_why_it_is_its_amount(door: Door) -> None:
    asked = """{ bill(number: "000120-2026-01") { lines { code amount { amount }
        why { text value tree steps { number op value operands clause facts } } } } }"""
    standing, energy, tax = door.ask(asked)["bill"]["lines"]
    assert "FLAT@1 charges[standing].price" in standing["why"]["text"]
    assert "77.5 the line energy" in tax["why"]["text"]  # named, and not said again
    why = energy["why"]
    assert Decimal(why["value"]) == Decimal(energy["amount"]["amount"]) == Decimal("77.50")
    assert "meter-M000120@1" in why["text"]
    assert "310" in why["text"]
    assert Decimal(why["tree"]["value"]) == Decimal("77.50")
    steps = {step["number"]: step for step in why["steps"]}
    assert list(steps) == list(range(1, len(steps) + 1))
    assert any(
        step["clause"] and "charges[energy]" in step["clause"] for step in steps.values()
    )
    assert all(n < step["number"] for step in steps.values() for n in step["operands"])
    product = next(step for step in steps.values() if step["op"] == "×")
    one, two = (Decimal(steps[n]["value"]) for n in product["operands"])
    assert one * two == Decimal(product["value"])


def test_a_line_says_what_it_is_called_and_where_its_energy_stands(door: Door) -> None:
    asked = """{ bill(number: "000120-2026-01") {
        lines { title estimated place }
        corrections { lines { title estimated place } } } }"""
    bill = door.ask(asked)["bill"]
    plain = {"title": None, "estimated": False, "place": None}
    electricity = {"title": "Electricity", "estimated": False, "place": "READ"}
    assert bill["lines"] == [plain, electricity, plain]
    assert bill["corrections"][0]["lines"] == [electricity, plain]


def test_lines_as_corrected_sum_to_what_the_bill_stands_at(door: Door) -> None:
    asked = """query ($asOf: Date) { at(asOf: $asOf) { bill(number: "000120-2026-01") {
        total { amount } currentTotal { amount } lines { amount { amount } }
        currentLines { amount { amount } why { value } } } } }"""
    for day in (None, "2026-04-19", "2026-04-20"):
        bill = door.ask(asked, asOf=day)["bill"]
        for lines, total in (("lines", "total"), ("currentLines", "currentTotal")):
            amounts = [Decimal(line["amount"]["amount"]) for line in bill[lines]]
            assert sum(amounts) == Decimal(bill[total]["amount"])
        assert (bill["currentTotal"] == bill["total"]) == (day == "2026-04-19")


def test_a_posting_says_what_it_is_of(door: Door) -> None:
    asked = """{ journal(first: 100) { nodes {
        kind document dueOn month about ledgerClass text
        tax { code rate base { amount } } } } }"""
    found = door.ask(asked)["journal"]["nodes"]
    january = [line for line in found if line["document"] == "000120-2026-01"]
    assert {line["kind"] for line in january} == {"bill"}
    assert {line["about"] for line in january} == {"2026-01-31"}
    assert all(line["dueOn"] > line["about"] for line in january)
    assert {line["ledgerClass"] for line in january} >= {None, "energy"}
    assert {line["text"] for line in january} == {"bill 000120-2026-01"}
    assert {line["month"] for line in january} == {"2026-02"}
    assert all((line["tax"] is None) == (line["ledgerClass"] != "tax") for line in found)
    assert {line["kind"] for line in found} >= {"bill", "payment", "note"}
