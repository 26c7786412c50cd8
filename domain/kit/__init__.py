"""
The words every domain module is written in: value, event, command, Kind, decision, Refused.

A noun of the trade is a *Kind*: a stream of events, and the fold that says what it then is.
A *decision* is one pure function a command, whose parameters say which streams it must see:

    @decision
    def install(asked: InstallMeter, meter: Meter, point: Point) -> Iterator[object]: ...

`meter: Meter` asks for the state of the stream `meter-<asked.meter>`.  The events it yields go
to the stream of their own kind, `meter.installed` to the meter and `point.metered` to the
point, all or none.  Where a decision sees several things of one kind, by two names or by
`accounts: Many[Account]`, an event says which of them it is about: `To("target", happened)`.
"""

from domain.kit.commands import ASKED, COMMANDS, MANY_MOST, Asked, EachOnce, command
from domain.kit.decisions import (
    DECISIONS,
    RECORDERS,
    Actor,
    Decision,
    Instead,
    Recorders,
    Sight,
    The,
    To,
    Today,
    decision,
    events_of,
    recorders_of,
    the,
)
from domain.kit.events import DAYS, EVENTS, Fact, Stream, day_of, event
from domain.kit.kinds import KINDS, AtThing, InUnit, InUnits, Kind, Many, Place
from domain.kit.policies import POLICIES, Policy, loops, policy
from domain.kit.refusals import BeforeItBegan, InTheFuture, Refused, SamePerson, code_of
from domain.kit.values import NAMES, added, kind_of, value

__all__ = [
    "ASKED",
    "COMMANDS",
    "DAYS",
    "DECISIONS",
    "EVENTS",
    "KINDS",
    "MANY_MOST",
    "NAMES",
    "POLICIES",
    "RECORDERS",
    "Actor",
    "Asked",
    "AtThing",
    "BeforeItBegan",
    "Decision",
    "EachOnce",
    "Fact",
    "InTheFuture",
    "InUnit",
    "InUnits",
    "Instead",
    "Kind",
    "Many",
    "Place",
    "Policy",
    "Recorders",
    "Refused",
    "SamePerson",
    "Sight",
    "Stream",
    "The",
    "To",
    "Today",
    "added",
    "code_of",
    "command",
    "day_of",
    "decision",
    "event",
    "events_of",
    "kind_of",
    "loops",
    "policy",
    "recorders_of",
    "the",
    "value",
]
