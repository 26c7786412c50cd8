"""Given what happened, when this is asked, then that happens."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

import pytest

from domain.catalogue import DECISIONS
from domain.kit import Actor, Recorders, Refused, Today, kind_of, recorders_of


class Story:
    """
    The past of a few things, one request, one outcome.

    `given` sorts events by kind; where there are several of a kind, `given_of` says of which.
    """

    def __init__(self) -> None:
        self.past: defaultdict[str, list[object]] = defaultdict(list)
        self.recorders: defaultdict[str, Recorders] = defaultdict(dict)
        self.supplied: dict[type, object] = {
            Actor: Actor("ann", "clerk"),
            Today: Today(date(2026, 12, 31)),
        }

    def given(self, *events: object) -> None:
        for event in events:
            self.past[kind_of(type(event))].append(event)

    def given_by(self, person: str, *events: object) -> None:
        """The same, and who recorded it, for a rule that asks for a second person."""
        self.given(*events)
        for event in events:
            kind = kind_of(type(event))
            self.recorders[kind] = recorders_of([(event, person)], self.recorders[kind])

    def given_of(self, stream: str, *events: object) -> None:
        self.past[stream] += events

    def by(self, person: str, role: str = "clerk") -> None:
        self.supplied[Actor] = Actor(person, role)

    def on(self, today: date) -> None:
        self.supplied[Today] = Today(today)

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
        assert DECISIONS[type(self.command)].declares(caught.value), "declare it: refuses=(…)"

    def _decided(self) -> list[object]:
        asked, decision = self.command, DECISIONS[type(self.command)]
        wanted = decision.wanted(asked)
        states = {
            stream: kind.fold(self.past[stream if stream in self.past else kind.name])
            for stream, (kind, _) in wanted.items()
        }
        given = decision.given(asked, states)
        given |= {name: self.supplied[need] for name, need in decision.needs}
        happened = list(decision.decide(asked, **given))
        list(decision.routed(asked, happened))  # raises when an event has nowhere to go
        actor = self.supplied[Actor]
        assert isinstance(actor, Actor)
        if happened:
            recorders = {
                stream: self.recorders[kind.name] for stream, (kind, _) in wanted.items()
            }
            decision.second_person(asked, actor.by, recorders)
        return happened
