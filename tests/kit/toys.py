"""A noun of no trade, to try the kit with: toys that are wound, ring and are handed on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated

from pydantic import Field

from api.dispatch import Dispatch, RequestContext
from domain.kit import (
    POLICIES,
    EachOnce,
    Kind,
    Many,
    Policy,
    Refused,
    To,
    Today,
    command,
    decision,
    event,
    policy,
)
from domain.organisation.day import DayBegan
from replay.policies.runner import Give
from replay.store.history import History

TURNS_MOST = 10_000


@event("test.wound", day="on")
class ToyWound:
    turns: int
    on: date


@event("test.rang")
class ToyRang:
    times: int


@dataclass(frozen=True, slots=True)
class Toy:
    turns: int = 0
    rang: int = 0


def evolve(toy: Toy, happened: ToyWound | ToyRang) -> Toy:
    if isinstance(happened, ToyWound):
        return replace(toy, turns=toy.turns + happened.turns)
    return replace(toy, rang=toy.rang + 1)


toys: Kind[Toy, ToyWound | ToyRang] = Kind("test", Toy(), evolve)


@command("wind-toy", door=False)
class WindToy:
    toy: str
    on: date
    turns: int = 1


@command("ring-toy", door=False)
class RingToy:
    toy: str
    times: int


@command("hand-on-turns", door=False)
class HandOnTurns:
    source: str
    target: str
    turns: int
    on: date


@command("gather-turns", door=False)
class GatherTurns:
    toys: Annotated[tuple[str, ...], Field(min_length=1, max_length=500), EachOnce]
    into: str
    on: date


class RangEnough(Refused):
    """It rang three times."""


class SameToy(Refused):
    """Turns are handed from one toy to another."""


class NotYet(Refused):
    """A toy is wound today or on a day that has passed."""


@decision(refuses=(NotYet,))
def wind(asked: WindToy, toy: Toy, today: Today) -> Iterator[ToyWound]:
    if asked.on > today.day or toy.turns >= TURNS_MOST:
        raise NotYet(today=today.day)
    yield ToyWound(turns=asked.turns, on=asked.on)


@decision(refuses=(RangEnough,), apart_from=(ToyWound,))
def ring(asked: RingToy, toy: Toy) -> Iterator[ToyRang]:
    if toy.rang == 3:
        raise RangEnough(times=asked.times)
    yield ToyRang(times=asked.times)


@decision(refuses=(NotYet, SameToy))
def hand_on(asked: HandOnTurns, source: Toy, target: Toy) -> Iterator[object]:
    if asked.source == asked.target:
        raise SameToy(toy=asked.source)
    if max(source.turns, target.turns) > TURNS_MOST:
        raise NotYet
    yield To("source", ToyWound(turns=-asked.turns, on=asked.on))
    yield To("target", ToyWound(turns=asked.turns, on=asked.on))


@decision(refuses=(NotYet,), keys={"target": "into"})
def gather(asked: GatherTurns, toys: Many[Toy], target: Toy) -> Iterator[object]:
    for key, toy in toys.items():
        if toy.turns:
            yield To("toys", ToyWound(turns=-toy.turns, on=asked.on), key)
    if target.turns > TURNS_MOST:
        raise NotYet
    total = sum(toy.turns for toy in toys.values())
    yield To("target", ToyWound(turns=total, on=asked.on))


@policy("wind-daily", gives=(WindToy,))
def wind_daily(happened: DayBegan) -> Iterator[object]:
    yield WindToy(toy="clock", on=happened.on)


@policy("ring-tenth", gives=(RingToy,))
def ring_tenth(happened: ToyWound, toy: Toy) -> Iterator[object]:
    """It says how often it was wound by now: asked again later, it would say more."""
    if happened.on.day % 10 == 0:
        yield RingToy(toy="clock", times=toy.turns)
        yield RingToy(toy="echo", times=toy.turns)


TOYS: tuple[Policy, ...] = tuple(POLICIES.pop(name) for name in ("wind-daily", "ring-tenth"))
"""Taken out of the catalogue again, so that no server of this test run follows them."""


def giving(history: History, today: date = date.max) -> Give:
    """As a system would."""
    dispatch = Dispatch(history, {}, lambda: today)

    def give(asked: object, by: str, key: str, correlation: str) -> object:
        return dispatch(asked, RequestContext(by, "policy", correlation, key, cause=key))

    return give
