"""What we answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from domain.kit import COMMANDS, EVENTS, Actor, Refused, Today, decision
from domain.organisation.duties.commands import ApproveDuties, DraftDuties, PublishDuties
from domain.organisation.duties.document import DutiesDocument, Duty
from domain.organisation.duties.events import DutiesApproved, DutiesDrafted, DutiesPublished
from domain.organisation.duties.state import Duties
from domain.published import AlreadyApproved, NotApproved, NothingDrafted


class DutyToldTwice(Refused):
    """A document names each duty once."""


class CommandUnknown(Refused):
    """A duty names a command that there is not."""


class EventUnknown(Refused):
    """A pair names an event that there is not."""


class DutyUnknown(Refused):
    """There is no such duty in the version that is in force."""


class NobodyCanHoldDuty(Refused):
    """Nobody can hold such a duty: it is apart from itself, or for nothing at all."""


class NobodyGivesDuties(Refused):
    """With this document nobody could give duties or publish other ones: a duty must."""


class DutiesHeldTogether(Refused):
    """Somebody holds two duties now that this document keeps apart: take one first."""


class NotTheNextVersion(Refused):
    """The draft will have another number."""


class DutyHeld(Refused):
    """Somebody holds a duty now that this document does not have: take it first."""


@dataclass(frozen=True, slots=True)
class Holders:
    """Who holds which duties today, or will: person -> duties.  The door supplies it."""

    duties: Mapping[str, frozenset[str]] = field(default_factory=dict)


@decision(
    refuses=(
        DutyToldTwice,
        CommandUnknown,
        EventUnknown,
        DutyUnknown,
        NobodyCanHoldDuty,
        NobodyGivesDuties,
    )
)
def draft_duties(
    asked: DraftDuties, published: Duties, actor: Actor
) -> Iterator[DutiesDrafted]:
    """Whoever drafted the one before; it then needs a new approval."""
    _check(asked.document)
    if asked.document != published.draft:
        yield DutiesDrafted(document=asked.document, drafted_by=actor.by)


@decision(
    refuses=(AlreadyApproved, NothingDrafted, NotTheNextVersion), apart_from=(DutiesDrafted,)
)
def approve_duties(
    asked: ApproveDuties, published: Duties, actor: Actor
) -> Iterator[DutiesApproved]:
    """A second person, other than who drafted it."""
    published.approvable()
    _next(asked, published)
    yield DutiesApproved(approved_by=actor.by)


@decision(
    refuses=(NotApproved, NothingDrafted, NotTheNextVersion, DutiesHeldTogether, DutyHeld)
)
def publish_duties(
    asked: PublishDuties, published: Duties, holders: Holders, today: Today
) -> Iterator[DutiesPublished]:
    """The next version, unless somebody violates it now."""
    document = published.publishable()
    _next(asked, published)
    told = {duty.name for duty in document.duties}
    for person, held in sorted(holders.duties.items()):
        if lost := sorted(held - told):
            raise DutyHeld(person=person, duties=lost)
        for each in document.apart:
            if {each.one, each.other} <= held:
                raise DutiesHeldTogether(person=person, duties=[each.one, each.other])
    yield DutiesPublished(version=published.next_number, since=today.day, document=document)


def _next(asked: ApproveDuties | PublishDuties, published: Duties) -> None:
    if asked.version != published.next_number:
        raise NotTheNextVersion(version=asked.version, next=published.next_number)


def _check(document: DutiesDocument) -> None:
    names = [duty.name for duty in document.duties]
    if twice := _twice(names):
        raise DutyToldTwice(duties=twice)
    for duty in document.duties:
        _check_duty(duty)
    for pair in document.pairs:
        if unknown := sorted({pair.first, pair.second} - EVENTS.keys()):
            raise EventUnknown(events=unknown)
    for each in document.apart:
        if unknown := sorted({each.one, each.other} - set(names)):
            raise DutyUnknown(duties=unknown)
        if each.one == each.other:
            raise NobodyCanHoldDuty(duty=each.one)
    if not any(map(_governs, document.duties)):
        raise NobodyGivesDuties


def _check_duty(duty: Duty) -> None:
    if unknown := sorted(set(duty.commands) - COMMANDS.keys()):
        raise CommandUnknown(duty=duty.name, commands=unknown)
    if not (duty.commands or duty.every_command or duty.looks):
        raise NobodyCanHoldDuty(duty=duty.name)


def _governs(duty: Duty) -> bool:
    return duty.every_command or {"give-duty", "draft-duties"} <= set(duty.commands)


def _twice(names: Iterable[str]) -> list[str]:
    return sorted(name for name, times in Counter(names).items() if times > 1)
