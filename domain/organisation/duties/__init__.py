"""
Duties: the published document of who may ask and see what, and what is kept apart.

    ── draft ──▶ drafted ── approve ──▶ approved ── publish ──▶ in force
       (again)  ◀──┘    (a second person)

The roles of the first release are version 1, published when the utility is founded.
"""

from domain.organisation.duties.commands import ApproveDuties, DraftDuties, PublishDuties
from domain.organisation.duties.document import (
    ADMIN,
    FIRST,
    WHOLE,
    Apart,
    DutiesDocument,
    DutiesVersion,
    Duty,
    Looks,
    Pair,
    PersonalField,
    first_document,
)
from domain.organisation.duties.events import DutiesApproved, DutiesDrafted, DutiesPublished
from domain.organisation.duties.rules import (
    CommandUnknown,
    DutiesHeldTogether,
    DutyHeld,
    DutyToldTwice,
    DutyUnknown,
    EventUnknown,
    Holders,
    NobodyCanHoldDuty,
    NobodyGivesDuties,
    NotTheNextVersion,
)
from domain.organisation.duties.state import Duties, published

__all__ = [
    "ADMIN",
    "FIRST",
    "WHOLE",
    "Apart",
    "ApproveDuties",
    "CommandUnknown",
    "DraftDuties",
    "Duties",
    "DutiesApproved",
    "DutiesDocument",
    "DutiesDrafted",
    "DutiesHeldTogether",
    "DutiesPublished",
    "DutiesVersion",
    "Duty",
    "DutyHeld",
    "DutyToldTwice",
    "DutyUnknown",
    "EventUnknown",
    "Holders",
    "Looks",
    "NobodyCanHoldDuty",
    "NobodyGivesDuties",
    "NotTheNextVersion",
    "Pair",
    "PersonalField",
    "PublishDuties",
    "first_document",
    "published",
]
