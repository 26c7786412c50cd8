"""Why a line of a bill is its amount: told as text, as a tree, and as a list of steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import strawberry
from strawberry.scalars import JSON

from domain.pricing.rating import Why, text


@strawberry.type(description="One step of a derivation.")
class Step:
    number: int = strawberry.field(description="Its number; the last is the amount itself.")
    op: str = strawberry.field(
        description='What is done: an operation ("+", "−", "×", "÷", "rounded", "within",'
        ' "larger", "smaller" …) upon operands; or a leaf: "clause" of the tariff, "measured",'
        ' "number".'
    )
    value: Decimal = strawberry.field(
        description="What it comes to: major units of money, kWh, kW, days."
    )
    operands: list[int] = strawberry.field(
        description="The numbers of the steps it is made of."
    )
    what: str | None = strawberry.field(description="Of a measurement: what was measured.")
    clause: str | None = strawberry.field(
        description="Of a clause: its place in the tariff,"
        " home@2 charges[energy].rates[0].price."
    )
    facts: list[strawberry.ID] = strawberry.field(
        description="Of a measurement: the facts that it rests on."
    )


@strawberry.type(
    description="Why a line is its amount. The leaves are clauses of the tariff, and"
    " measurements with their facts; calculated upwards they come to the amount. Made anew"
    " from the basis of the bill each time it is asked for."
)
class Derivation:
    why: strawberry.Private[Why]
    lines: strawberry.Private[Mapping[int, str]]  # the other lines of the bill, by identity

    @strawberry.field(
        description="To be read: one step a line, operands indented; what another line of the"
        " bill says is named and not said again."
    )
    def text(self) -> str:
        return "\n".join(text(self.why, self.lines))

    @strawberry.field(
        description="The whole tree as one JSON value: {op, value, what, clause, facts,"
        " operands: [the same again]}; absent where empty."
    )
    def tree(self) -> JSON:
        return JSON(tree(self.why))

    @strawberry.field(description="The steps, operands before what is made of them.")
    def steps(self) -> list[Step]:
        found: dict[int, Step] = {}
        return list(_steps(self.why, found))

    @strawberry.field(description="The amount that it comes to, in major units.")
    def value(self) -> Decimal:
        return self.why.value


def tree(why: Why) -> dict[str, Any]:
    """A derivation as plain JSON."""
    said = {
        "op": why.op,
        "value": format(why.value, "f"),
        "what": why.what,
        "clause": why.clause,
        "facts": list(why.facts),
        "operands": [tree(operand) for operand in why.operands],
    }
    return {name: part for name, part in said.items() if part}


def _steps(why: Why, found: dict[int, Step]) -> Iterator[Step]:
    """Each step once, however often it is an operand."""
    for operand in why.operands:
        if id(operand) not in found:
            yield from _steps(operand, found)
    found[id(why)] = step = Step(
        number=len(found) + 1,
        op=why.op,
        value=why.value,
        operands=[found[id(operand)].number for operand in why.operands],
        what=why.what or None,
        clause=why.clause or None,
        facts=[strawberry.ID(fact) for fact in why.facts],
    )
    yield step
