"""Given what happened, when this is asked, then that happens."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest

from domain.catalogue import DECISIONS
from domain.kit import NAMES, Actor, Refused


class Story:
    """The past of a few things, one request, one outcome; `given` sorts events by kind."""

    def __init__(self) -> None:
        self.past: defaultdict[str, list[object]] = defaultdict(list)
        self.supplied: dict[type, object] = {Actor: Actor("ann", "clerk")}

    def given(self, *events: object) -> None:
        for event in events:
            self.past[NAMES[type(event)].partition(".")[0]].append(event)

    def by(self, person: str, role: str = "clerk") -> None:
        self.supplied[Actor] = Actor(person, role)

    def calculated(self, calculated: object) -> None:
        self.supplied[type(calculated)] = calculated

    def when(self, command: object) -> None:
        self.command = command

    def then(self, *expected: object) -> None:
        assert self._decided() == list(expected)

    def quiet(self) -> None:
        assert self._decided() == []

    def refused(self, refusal: type[Refused], **details: object) -> None:
        with pytest.raises(refusal) as caught:
            self._decided()
        assert caught.value.details.items() >= details.items()

    def _decided(self) -> list[object]:
        decision = DECISIONS[type(self.command)]
        sees = decision.sees
        given: dict[str, Any] = {name: kind.fold(self.past[kind.name]) for name, kind in sees}
        given |= {name: self.supplied[need] for name, need in decision.needs}
        happened = list(decision.decide(self.command, **given))
        for each in happened:
            decision.route(self.command, each)  # raises when an event has nowhere to go
        return happened
